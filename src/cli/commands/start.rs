//! `sampled start`: the service in the background.

use std::process::ExitCode;

use clap::Args;

use sampled::{
    daemon::{self, Daemon, Start, Stdio},
    duration::Timeout,
};

use crate::cli::{
    activation::is_activated,
    common::Common,
    deadline::Deadline,
    error::Error,
    host::{self, Host},
    log,
    output::format::{self, note},
    running::{DaemonOptions, Starter, owner},
};

/// What `start` and `restart` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub(super) daemon: DaemonOptions,
    #[command(flatten)]
    pub(super) host: host::HostOptions,
}

impl StartOptions {
    /// The service: what a person starts stays until it is stopped, what the bus starts until nobody needs it.
    pub(super) fn host(&self, common: &Common) -> Result<Host, Error> {
        match is_activated() {
            true => Host::new(common, &self.host),
            false => Host::new(&common.kept(), &self.host),
        }
    }

    pub(super) fn detached(&self) -> Daemon {
        let options = &self.daemon;
        // The bus starts one in the place of another that may not have ended yet.
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

pub(crate) fn run(common: &Common, options: &StartOptions) -> Result<ExitCode, Error> {
    let deadline = options.daemon.deadline();
    let host = options.host(common)?;
    let daemon = options.detached();
    launch(common, &host, &daemon, deadline, |daemon, service| {
        daemon.start(service)
    })
}

pub(super) type Service<'a> = &'a dyn Fn(daemon::Ready) -> Result<(), Error>;

pub(super) fn launch(
    common: &Common,
    host: &Host,
    daemon: &Daemon,
    deadline: Deadline,
    launch: impl FnOnce(&Daemon, Service<'_>) -> Result<Start, daemon::Error>,
) -> Result<ExitCode, Error> {
    let level = common.log_level;
    let service = |ready| {
        // Here and not before: the log's descriptor would not come through the fork.
        log::begin(level);
        host.run(&ready)
    };
    match launch(daemon, &service) {
        Ok(Start::Started { pid, .. }) => format::report(format_args!("started: process {pid}"))?,
        Ok(Start::AlreadyRunning { pid, .. }) => {
            already_running(pid.unsigned_abs(), Starter::Start, deadline)?
        }
        Ok(other) => format::report(other)?,
        Err(error) => match owner::pid(deadline) {
            Ok(Some(pid)) => match owner::another_program(pid) {
                // Any owner answers the calls that the bus has kept.
                Some(stranger) if !is_activated() => {
                    let effect = "nothing was started";
                    return Err(Error::Stranger { stranger, effect });
                }
                // It was not needed: somebody serves.
                _ => already_running(pid, Starter::of(pid), deadline)?,
            },
            Ok(None) => return Err(error.into()),
            Err(no_owner_known) => {
                note(no_owner_known);
                return Err(error.into());
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Says who runs already, and for how long it stays.
fn already_running(pid: u32, starter: Starter, deadline: Deadline) -> Result<(), Error> {
    // Nobody reads it, and a caller waits for the service.
    if is_activated() {
        return Ok(());
    }
    let what = format!("already running: process {pid}, {starter}");
    match owner::idle_timeout(pid, deadline) {
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
                Starter::Systemd => "idle_timeout in config.toml and `sampled reload` change that",
                _ => "`sampled restart --idle-timeout never` starts one that stays",
            };
            format::report(format_args!(
                "{what}; it leaves after {timeout} without a client ({change})"
            ))
        }
    }
}
