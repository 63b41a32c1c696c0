//! A daemon with a pidfile, start, stop and restart, which does nothing until it is stopped: the daemon class of many
//! Python tutorials with its test program, without their races. `cargo run --example article -- start`

use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};
use sampled_daemon::{Daemon, Ready};

fn run(ready: Ready) -> Result<(), Box<dyn Error>> {
    let stop = SigSet::from(Signal::SIGTERM);
    stop.thread_block()?;
    ready.ready()?;
    stop.wait()?; // The work goes here.
    Ok(())
}

fn main() -> Result<ExitCode, sampled_daemon::Error> {
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
