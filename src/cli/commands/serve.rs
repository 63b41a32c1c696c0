//! `sampled serve`: the service in the foreground.

use std::process::ExitCode;

use sampled::daemon::Daemon;

use crate::cli::{
    common::Common,
    error::Error,
    host::{self, Host, HostOptions},
};

pub(crate) fn run(common: &Common, options: HostOptions) -> Result<ExitCode, Error> {
    let host = Host::new(common, &options)?;
    let mut failure = None;
    let ran = Daemon::new("sampled").run(|ready| {
        failure = host.run(&ready).err();
        Ok::<_, Error>(())
    });
    match failure {
        Some(error) if host::is_settled(&error) => Ok(ExitCode::SUCCESS),
        Some(error) => Err(error),
        None => ran.map(|()| ExitCode::SUCCESS).map_err(Error::from),
    }
}
