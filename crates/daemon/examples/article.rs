//! A daemon with a pidfile that does nothing until it is stopped: the daemon class of many Python tutorials with its test
//! program, without their races. `cargo run --example article -- start`, and stop, restart, reload, status, run.

use std::process::ExitCode;

use sampled_daemon::{Daemon, Error, Event, Ready, Signals};

fn run(ready: Ready) -> Result<(), Error> {
    let signals = Signals::new()?;
    ready.ready()?; // The caller of `start` waits until here, and gets an error from before.
    while signals.wait()? != Event::Stop {} // The work goes here.
    Ok(())
}

fn main() -> ExitCode {
    Daemon::new("article").main(std::env::args_os(), run)
}
