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
    let owner = NameOwner::find(options.deadline());
    let told = match &owner {
        Ok(Some(owner)) => hang_up(owner)?,
        _ => None,
    };
    let told = match told {
        Some(pid) => Ok(pid),
        // A daemon that `start` has detached, and that has not taken its name yet.
        None => options.daemon().reload().map(i32::unsigned_abs),
    };
    match (told, owner) {
        (Ok(pid), _) => format::report(format_args!("told to reload: process {pid}"))?,
        (Err(_), Err(error)) => return Err(error),
        (Err(daemon::Error::NotRunning { .. } | daemon::Error::NoRuntimeDirectory), _) => {
            note("not running");
            // The Linux Standard Base defines 7 as "program is not running".
            return Ok(ExitCode::from(7));
        }
        (Err(error), _) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends SIGHUP to the owner of the name, and returns its pid; `None` if it has ended.
fn hang_up(owner: &NameOwner) -> Result<Option<u32>, Error> {
    let effect = "it was not told to reload";
    let verified = owner.verified();
    let verified = verified.map_err(|owner| Error::ForeignOwner { owner, effect })?;
    Ok(verified.hang_up()?.then(|| verified.pid()))
}
