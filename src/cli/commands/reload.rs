//! `sampled reload`: has the service read its configuration again.

use std::process::ExitCode;

use sampled::daemon;

use crate::cli::{
    common_options::CommonOptions,
    configuration,
    error::Error,
    output::format::{self, note},
    running::{DaemonOptions, name_owner::NameOwner},
    runtime::block_on,
};

pub(crate) fn run(common: &CommonOptions, options: &DaemonOptions) -> Result<ExitCode, Error> {
    // The daemon would keep its old configuration and report the error in its log only; here a person reads it.
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
    if let Some(owner) = NameOwner::find(deadline)? {
        let verified = owner.verified();
        let effect = "it was not told to reload";
        let verified = verified.map_err(|owner| Error::ForeignOwner { owner, effect })?;
        if verified.hang_up()? {
            let pid = verified.pid();
            format::report(format_args!("told to reload: process {pid}"))?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    note("not running");
    // The Linux Standard Base defines 7 as "program is not running".
    Ok(ExitCode::from(7))
}
