//! `sampled guard` and `sampled begin`: the processes between the service and a command that it runs. The service
//! starts them; users do not.

use std::{
    io::{self, Write},
    os::fd::AsFd,
    process::ExitCode,
};

use sampled::{
    custom::command::subreaper::{self, ARGUMENT, exec},
    daemon,
};

/// Runs as a subreaper, or executes a command, if the service has started this process for that.
pub(crate) fn run_subreaper() -> Option<ExitCode> {
    if let Some(failed) = exec::called() {
        return Some(failed);
    }
    let (link, run) = subreaper::called()?;
    if let Err(error) = daemon::seclude(link.as_fd()) {
        // The service reads the standard error of the command, and shows it with the failure.
        writeln!(io::stderr(), "sampled {ARGUMENT}: {error}").ok();
        return Some(ExitCode::FAILURE);
    }
    // The service has the error of a command that cannot be started from the socket.
    Some(match subreaper::main(link, &run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}
