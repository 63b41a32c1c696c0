//! `sampled stop`: ends the service, however it was started.

use std::{process::ExitCode, time::Duration};

use sampled::daemon::Stop;

use crate::cli::{
    error::Error,
    output::format,
    running::{
        DaemonOptions,
        owner::{Leave, Owner},
    },
};

pub(crate) fn run(options: &DaemonOptions) -> Result<ExitCode, Error> {
    let deadline = options.deadline();
    let mut any = tell(options.daemon().stop()?, options.timeout)?;
    if let Some(owner) = Owner::find(deadline)? {
        let left = deadline.left().max(Duration::from_secs(1));
        any |= match owner.leave(deadline)? {
            Leave::Ended(stop) => tell(stop, left)?,
            Leave::GivenUp => {
                let pid = owner.pid();
                format::report(format_args!(
                    "process {pid}, which is not sampled, has given the name up"
                ))?;
                true
            }
        };
    }
    if !any {
        format::report("not running")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells how a stop has ended. False if there was nothing to be stopped.
fn tell(stop: Stop, timeout: Duration) -> Result<bool, Error> {
    match stop {
        Stop::Stopped { pid, .. } => format::report(format_args!("stopped: process {pid}"))?,
        Stop::Killed { pid, .. } => format::report(format_args!(
            "killed: process {pid} did not end within {timeout:?}"
        ))?,
        _ => return Ok(false),
    }
    Ok(true)
}
