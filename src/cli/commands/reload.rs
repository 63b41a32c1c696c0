//! `sampled reload`: has the service read its configuration and the user's definitions again.

use std::process::ExitCode;

use sampled::{
    client::{DefinitionsRead, Reloaded},
    config, daemon,
};

use crate::cli::{
    common_options::CommonOptions,
    configuration,
    error::Error,
    output::format::{self, note},
    running::{DaemonOptions, name_owner::NameOwner, paths::note_difference},
    runtime::block_on,
};

pub(crate) fn run(common: &CommonOptions, options: &DaemonOptions) -> Result<ExitCode, Error> {
    let deadline = options.deadline();
    let owner = NameOwner::find(deadline);
    if let Ok(Some(owner)) = &owner
        && let Some(reloaded) = owner.reload(deadline)?
    {
        return report(&common.absolute()?, owner.pid(), &reloaded);
    }
    // A daemon that has not taken its name yet, or that is of an older version, reports an error in its log only; here
    // a person reads it.
    block_on(configuration::within(common, options.timeout))?;
    let told = match &owner {
        Ok(Some(owner)) => hang_up(owner)?,
        _ => None,
    };
    let told = match told {
        Some(pid) => Ok(pid),
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

/// Reports what the service has read. Fails with an error in the configuration, which is not in force then.
fn report(
    common: &CommonOptions,
    pid: Option<u32>,
    reloaded: &Reloaded,
) -> Result<ExitCode, Error> {
    let process = pid.map_or(String::new(), |pid| format!(": process {pid}"));
    let mut lines = vec![format!("sampled: reloaded{process}")];
    let error = &reloaded.configuration_error;
    if let Some(file) = &reloaded.configuration {
        note_difference(pid, file, common.configuration_file().as_deref());
        if error.is_empty() {
            let read = match reloaded.configuration_found {
                true => "read",
                false => "there is no such file: the defaults apply",
            };
            lines.push(format!("{}: {read}", file.display()));
        }
    }
    if let Some(definitions) = &reloaded.definitions {
        let own = config::user_sources();
        note_difference(pid, &definitions.directory, own.as_deref());
        lines.push(counts(definitions));
        lines.extend(definitions.errors.iter().cloned());
    }
    format::say(lines.join("\n"))?;
    if error.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    note(error);
    Ok(ExitCode::FAILURE)
}

/// The numbers of files, metrics and errors of the definitions.
fn counts(read: &DefinitionsRead) -> String {
    let directory = read.directory.display();
    if !read.found && read.errors.is_empty() {
        return format!("{directory}: there is no such directory");
    }
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let files = count(read.files as usize, "file");
    let metrics = count(read.metrics as usize, "metric");
    let errors = count(read.errors.len(), "error");
    format!("{directory}: {files}, {metrics}, {errors}")
}

/// Sends SIGHUP to the owner of the name, and returns its pid; `None` if it has ended.
fn hang_up(owner: &NameOwner) -> Result<Option<u32>, Error> {
    let verified = owner.verified();
    let verified = verified.map_err(|owner| Error::ForeignOwner {
        owner,
        effect: NameOwner::NOT_RELOADED,
    })?;
    Ok(verified.hang_up()?.then(|| verified.pid()))
}
