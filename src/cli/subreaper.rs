//! `sampled guard` and `sampled begin`: what stands between the service and a command that it runs. Not for
//! people.

use std::{
    io::{self, Write},
    os::fd::AsFd,
    process::ExitCode,
};

use sampled::{
    custom::command::{
        exec,
        subreaper::{self, ARGUMENT},
    },
    daemon,
};

/// Runs a guard, or becomes a command, if that is what this process was started for.
pub(crate) fn guard() -> Option<ExitCode> {
    if let Some(failed) = exec::called() {
        return Some(failed);
    }
    let (link, run) = subreaper::called()?;
    let guarded = daemon::seclude(link.as_fd())
        .map_err(io::Error::other)
        .and_then(|()| subreaper::main(link, &run));
    Some(match guarded {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The standard error is the command's, and shown with what is wrong with it.
            writeln!(io::stderr(), "sampled {ARGUMENT}: {error}").ok();
            ExitCode::FAILURE
        }
    })
}
