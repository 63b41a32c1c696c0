//! A class `Daemon` with a pidfile, start, stop and restart, and a program that does nothing for ever: the daemon of
//! many a tutorial in Python, without its races. `cargo run --example article -- start`

use std::io::{Write, stdout};
use std::process::ExitCode;

use sampled_daemon::{Daemon, Error, Ready};

fn run(ready: Ready) -> Result<(), Error> {
    ready.ready()?;
    loop {
        std::thread::park(); // The work goes here.
    }
}

fn main() -> Result<ExitCode, Error> {
    let daemon = Daemon::new("article");
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("start") => daemon.start(run)?.to_string(),
        Some("stop") => daemon.stop()?.to_string(),
        Some("restart") => daemon.restart(run)?.to_string(),
        _ => {
            eprintln!("usage: article start|stop|restart");
            return Ok(ExitCode::from(2));
        }
    };
    let _ = writeln!(stdout(), "{outcome}");
    Ok(ExitCode::SUCCESS)
}
