//! `sampled reload`: has the service read its configuration again.

use std::process::ExitCode;

use sampled::daemon;

use crate::cli::{
    common::Common,
    configuration,
    error::Error,
    output::format::{self, note},
    running::{DaemonOptions, owner::Owner},
    runtime::block_on,
};

pub(crate) fn run(common: &Common, options: &DaemonOptions) -> Result<ExitCode, Error> {
    // The daemon would keep its configuration and say so in its log: here is somebody who reads it.
    block_on(configuration::within(common, options.timeout))?;
    let deadline = options.deadline();
    match options.daemon().reload() {
        Ok(pid) => {
            return format::report(format_args!("told to reload: process {pid}"))
                .map(|()| ExitCode::SUCCESS);
        }
        Err(daemon::Error::NotRunning { .. } | daemon::Error::NoRuntimeDirectory) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(owner) = Owner::find(deadline)? {
        let sampled = owner.sampled();
        let effect = "it was not told to reload";
        let sampled = sampled.map_err(|stranger| Error::Stranger { stranger, effect })?;
        if sampled.hang_up()? {
            format::report(format_args!("told to reload: process {}", owner.pid()))?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    note("not running");
    // "The program is not running", as the Linux Standard Base numbers it.
    Ok(ExitCode::from(7))
}
