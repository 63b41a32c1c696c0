//! `sampled top`: becomes `sampled-top`, the monitor at a terminal. It is a program of its own, so that the service does not
//! load what a terminal needs.

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Args;

use crate::cli::error::Error;

/// The name of the program.
const PROGRAM: &str = "sampled-top";

/// The options of `top`: those of the program.
#[derive(Clone, Debug, Args)]
pub(crate) struct TopOptions {
    /// Metrics to show on a page of their own, and options: see `sampled top --help`
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: TopOptions) -> Result<ExitCode, Error> {
    let beside = beside();
    let is_beside = beside.as_ref().is_some_and(|path| path.is_file());
    let program = match &beside {
        Some(path) if is_beside => path.as_os_str().to_owned(),
        _ => OsString::from(PROGRAM),
    };
    let cause = Command::new(program).args(options.arguments).exec();
    if cause.kind() == io::ErrorKind::NotFound {
        let beside = beside.map_or(PROGRAM.to_owned(), |path| path.display().to_string());
        return Err(Error::NoMonitor { beside });
    }
    Err(Error::Kernel {
        what: PROGRAM,
        cause,
    })
}

/// The path of the program if it lies beside this one.
fn beside() -> Option<PathBuf> {
    let own = env::current_exe().ok()?;
    Some(own.with_file_name(PROGRAM))
}
