//! `sampled start`: starts the service in the background.

use std::process::ExitCode;

use clap::Args;

use sampled::{
    client,
    daemon::{self, Daemon, Start, Stdio},
    duration::Timeout,
};

use crate::cli::{
    activation::is_activated,
    common_options::CommonOptions,
    deadline::Deadline,
    error::Error,
    log,
    output::format::{self, note},
    running::{DaemonOptions, Starter, name_owner},
    service_process::{self, ServiceProcess},
};

/// The options of `start` and `restart`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub(super) daemon: DaemonOptions,
    #[command(flatten)]
    pub(super) service: service_process::ServiceOptions,
}

impl StartOptions {
    /// The service. Started by a person it stays until it is stopped; started by the bus it ends when it is idle.
    pub(super) fn service_process(&self, common: &CommonOptions) -> Result<ServiceProcess, Error> {
        match is_activated() {
            true => ServiceProcess::new(common, &self.service),
            false => ServiceProcess::new(&common.staying(), &self.service),
        }
    }

    pub(super) fn detached(&self) -> Daemon {
        let options = &self.daemon;
        // The bus may start a service while its predecessor still ends and holds the pidfile.
        let daemon = options.daemon();
        let daemon = match is_activated() {
            true => daemon.pidfile_if_free(true),
            false => daemon,
        };
        match &options.log_file {
            Some(path) => daemon
                .stdout(Stdio::File(path.clone()))
                .stderr(Stdio::File(path.clone())),
            None => daemon,
        }
    }
}

pub(crate) fn run(common: &CommonOptions, options: &StartOptions) -> Result<ExitCode, Error> {
    let deadline = options.daemon.deadline();
    let process = options.service_process(common)?;
    let daemon = options.detached();
    launch(common, &process, &daemon, deadline, |daemon, service| {
        daemon.start(service)
    })
}

pub(super) type Service<'a> = &'a dyn Fn(daemon::Ready) -> Result<(), Error>;

pub(super) fn launch(
    common: &CommonOptions,
    process: &ServiceProcess,
    daemon: &Daemon,
    deadline: Deadline,
    launch: impl FnOnce(&Daemon, Service<'_>) -> Result<Start, daemon::Error>,
) -> Result<ExitCode, Error> {
    let level = common.log_level;
    let service = |ready| {
        // Not earlier: the log would not survive the fork.
        log::begin(level);
        process.run(&ready)
    };
    match launch(daemon, &service) {
        Ok(Start::Started { pid, .. }) => format::report(format_args!("started: process {pid}"))?,
        Ok(Start::AlreadyRunning { pid, .. }) => {
            already_running(Some(pid.unsigned_abs()), Some(Starter::Start), deadline)?
        }
        Ok(other) => format::report(other)?,
        Err(error) => match name_owner::owner(deadline) {
            Ok(Some(owner)) => match name_owner::another_program(&owner) {
                // If the bus has started this process, any owner of the name answers the queued calls.
                Some(owner) if !is_activated() => {
                    let effect = "nothing was started";
                    return Err(Error::ForeignOwner { owner, effect });
                }
                // Another process serves already.
                _ => already_running(owner.pid, owner.pid.map(Starter::of), deadline)?,
            },
            // The error tells that there is no bus.
            Ok(None) | Err(Error::Client(client::Error::NoBus(_))) => return Err(error.into()),
            Err(no_answer) => {
                note(no_answer);
                return Err(error.into());
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports the running service and its idle timeout.
fn already_running(
    pid: Option<u32>,
    starter: Option<Starter>,
    deadline: Deadline,
) -> Result<(), Error> {
    // The bus has started this process: nobody reads the report, and a caller waits.
    if is_activated() {
        return Ok(());
    }
    let what = match (pid, starter) {
        (Some(pid), Some(starter)) => format!("already running: process {pid}, {starter}"),
        _ => "already running: a process without a known pid".to_owned(),
    };
    match name_owner::idle_timeout(pid, deadline) {
        Err(error) => {
            format::report(what)?;
            Err(error)
        }
        Ok(None) => format::report(what),
        Ok(Some(Timeout(None))) => {
            format::report(format_args!("{what}; it stays until it is stopped"))
        }
        Ok(Some(timeout)) => {
            let change = match starter {
                Some(Starter::Systemd) => {
                    "idle_timeout in config.toml and `sampled reload` change that"
                }
                _ => "`sampled restart --idle-timeout never` starts one that stays",
            };
            format::report(format_args!(
                "{what}; it leaves after {timeout} without a client ({change})"
            ))
        }
    }
}
