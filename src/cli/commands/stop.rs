//! `sampled stop`: ends the service, however it was started.

use std::{process::ExitCode, time::Duration};

use sampled::{client, daemon::Stop};

use crate::cli::{
    error::Error,
    output::format,
    running::{
        DaemonOptions,
        name_owner::{Leave, NameOwner},
    },
};

pub(crate) fn run(options: &DaemonOptions) -> Result<ExitCode, Error> {
    let deadline = options.deadline();
    let owner = NameOwner::find(deadline);
    // The locks of the pidfile name the process that `start` has detached, whatever namespace the bus is in. Its session
    // ends with it.
    let timeout = match owner {
        Ok(_) => options.timeout,
        Err(_) => deadline.left().max(Duration::from_secs(1)),
    };
    let detached = options.daemon().stop_timeout(timeout).stop();
    let mut was_running = match &detached {
        Ok(stop) => report(stop, timeout)?,
        Err(_) => false,
    };
    if let Ok(Some(owner)) = &owner
        && !owner.has_ended()
    {
        let left = deadline.left().max(Duration::from_secs(1));
        was_running |= match owner.leave(deadline)? {
            Leave::Ended(stop) => report(&stop, left)?,
            Leave::GivenUp => {
                format::report(match owner.pid() {
                    Some(pid) => {
                        format!("process {pid}, which is not sampled, has released the name")
                    }
                    None => "a process without a known pid has released the name".to_owned(),
                })?;
                true
            }
        };
    }
    match (owner, detached) {
        // A bus that is not there has no service.
        (Err(Error::Client(client::Error::NoBus(_))), Ok(_)) if was_running => {}
        (Ok(_), _) if was_running => {}
        (Err(error), _) => return Err(error),
        (Ok(_), Err(error)) => return Err(error.into()),
        (Ok(_), Ok(_)) => format::report("not running")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports the result of a stop. False if nothing was running.
fn report(stop: &Stop, timeout: Duration) -> Result<bool, Error> {
    match stop {
        Stop::Stopped { pid, .. } => format::report(format_args!("stopped: process {pid}"))?,
        Stop::Killed { pid, .. } => format::report(format_args!(
            "killed: process {pid} did not end within {timeout:?}"
        ))?,
        _ => return Ok(false),
    }
    Ok(true)
}
