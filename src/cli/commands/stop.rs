//! `sampled stop`: ends the service, however it was started.

use std::{process::ExitCode, time::Duration};

use sampled::daemon::Stop;

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
    let mut was_running = report(options.daemon().stop()?, options.timeout)?;
    if let Some(owner) = NameOwner::find(deadline)? {
        let left = deadline.left().max(Duration::from_secs(1));
        was_running |= match owner.leave(deadline)? {
            Leave::Ended(stop) => report(stop, left)?,
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
    if !was_running {
        format::report("not running")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports the result of a stop. False if nothing was running.
fn report(stop: Stop, timeout: Duration) -> Result<bool, Error> {
    match stop {
        Stop::Stopped { pid, .. } => format::report(format_args!("stopped: process {pid}"))?,
        Stop::Killed { pid, .. } => format::report(format_args!(
            "killed: process {pid} did not end within {timeout:?}"
        ))?,
        _ => return Ok(false),
    }
    Ok(true)
}
