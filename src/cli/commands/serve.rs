//! `sampled serve`: the service in the foreground.

use std::process::ExitCode;

use sampled::daemon::Daemon;

use crate::cli::{
    common_options::CommonOptions,
    error::Error,
    service_process::{self, ServiceOptions, ServiceProcess},
};

pub(crate) fn run(common: &CommonOptions, options: ServiceOptions) -> Result<ExitCode, Error> {
    let service = ServiceProcess::new(common, &options)?;
    let mut failure = None;
    let ran = Daemon::new("sampled").run(|ready| {
        failure = service.run(&ready).err();
        Ok::<_, Error>(())
    });
    match failure {
        Some(error) if service_process::is_settled(&error) => Ok(ExitCode::SUCCESS),
        Some(error) => Err(error),
        None => ran.map(|()| ExitCode::SUCCESS).map_err(Error::from),
    }
}
