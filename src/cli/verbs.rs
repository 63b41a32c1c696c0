//! `sampled start`, `stop` and `reload`: the classic verbs of a daemon.
//!
//! They see both a daemon that `start` has detached, by its pidfile, and one that the bus or systemd
//! has started, or a person by `serve`, by its name on the bus.

use std::{env, fmt::Display, path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;

use sampled::{
    daemon::{self, Daemon, Start, Stdio, Stop},
    duration::{self, Timeout},
};

use super::{
    Common,
    activation::is_activated,
    configuration,
    deadline::Deadline,
    error::Error,
    format,
    host::{self, Host},
    log,
    owner::{self, Leave, Owner},
    status::Origin,
};

/// What the verbs have in common.
#[derive(Clone, Debug, Args)]
pub(crate) struct DaemonOptions {
    /// The pidfile [default: $XDG_RUNTIME_DIR/sampled.pid]
    #[arg(long, value_name = "FILE")]
    pub(super) pidfile: Option<PathBuf>,
    /// How long the command may take: until the daemon is ready or has ended, and the bus has answered. A daemon
    /// that has not ended by then is killed; by `restart`, after half of it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10s")]
    pub(super) timeout: Duration,
    /// Append what the daemon has to say to FILE, if it is started [default: nowhere]
    #[arg(long, value_name = "FILE")]
    pub(super) log_file: Option<PathBuf>,
}

/// What `start` and `restart` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub(super) daemon: DaemonOptions,
    #[command(flatten)]
    pub(super) host: host::HostOptions,
}

impl DaemonOptions {
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::within(self.timeout)
    }

    pub(crate) fn daemon(&self) -> Daemon {
        let daemon = Daemon::new("sampled")
            .ready_timeout(self.timeout)
            .stop_timeout(self.timeout);
        match &self.pidfile {
            Some(path) => daemon.pidfile(path),
            // The name on the bus keeps the service single, also without a directory for a pidfile.
            None => daemon.pidfile_if_free(!has_runtime_directory()),
        }
    }
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

pub(crate) fn start(common: &Common, options: &StartOptions) -> Result<ExitCode, Error> {
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
        Ok(Start::Started { pid, .. }) => say(format_args!("started: process {pid}"))?,
        Ok(Start::AlreadyRunning { pid, .. }) => {
            already_running(pid.unsigned_abs(), Origin::Start, deadline)?
        }
        Ok(other) => say(other)?,
        Err(error) => match owner::pid(deadline) {
            Ok(Some(pid)) => match owner::another_program(pid) {
                // Any owner answers the calls that the bus has kept.
                Some(stranger) if !is_activated() => {
                    let effect = "nothing was started";
                    return Err(Error::Stranger { stranger, effect });
                }
                // It was not needed: somebody serves.
                _ => already_running(pid, Origin::of(pid), deadline)?,
            },
            Ok(None) => return Err(error.into()),
            Err(silent) => {
                super::note(silent);
                return Err(error.into());
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Says who runs already, and for how long it stays.
fn already_running(pid: u32, origin: Origin, deadline: Deadline) -> Result<(), Error> {
    // Nobody reads it, and a caller waits for the service.
    if is_activated() {
        return Ok(());
    }
    let what = format!("already running: process {pid}, {origin}");
    match owner::idle_timeout(pid, deadline) {
        Err(silent) => {
            say(what)?;
            Err(silent)
        }
        Ok(None) => say(what),
        Ok(Some(Timeout(None))) => say(format_args!("{what}; it stays until it is stopped")),
        Ok(Some(timeout)) => {
            let change = match origin {
                Origin::Systemd => "idle_timeout in config.toml and `sampled reload` change that",
                _ => "`sampled restart --idle-timeout never` starts one that stays",
            };
            say(format_args!(
                "{what}; it leaves after {timeout} without a client ({change})"
            ))
        }
    }
}

pub(crate) fn stop(options: &DaemonOptions) -> Result<ExitCode, Error> {
    let deadline = options.deadline();
    let mut any = tell(options.daemon().stop()?, options.timeout)?;
    if let Some(owner) = Owner::find(deadline)? {
        let left = deadline.left().max(Duration::from_secs(1));
        any |= match owner.leave(deadline)? {
            Leave::Ended(stop) => tell(stop, left)?,
            Leave::GivenUp => {
                let pid = owner.pid();
                say(format_args!(
                    "process {pid}, which is not sampled, has given the name up"
                ))?;
                true
            }
        };
    }
    if !any {
        say("not running")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells how a stop has ended. False if there was nothing to be stopped.
fn tell(stop: Stop, timeout: Duration) -> Result<bool, Error> {
    match stop {
        Stop::Stopped { pid, .. } => say(format_args!("stopped: process {pid}"))?,
        Stop::Killed { pid, .. } => say(format_args!(
            "killed: process {pid} did not end within {timeout:?}"
        ))?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(crate) fn reload(common: &Common, options: &DaemonOptions) -> Result<ExitCode, Error> {
    // The daemon would keep its configuration and say so in its log: here is somebody who reads it.
    super::block_on(configuration::within(common, options.timeout))?;
    let deadline = options.deadline();
    match options.daemon().reload() {
        Ok(pid) => {
            return say(format_args!("told to reload: process {pid}")).map(|()| ExitCode::SUCCESS);
        }
        Err(daemon::Error::NotRunning { .. } | daemon::Error::NoRuntimeDirectory) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(owner) = Owner::find(deadline)? {
        let sampled = owner.sampled();
        let effect = "it was not told to reload";
        let sampled = sampled.map_err(|stranger| Error::Stranger { stranger, effect })?;
        if sampled.hang_up()? {
            say(format_args!("told to reload: process {}", owner.pid()))?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    super::note("not running");
    // "The program is not running", as the Linux Standard Base numbers it.
    Ok(ExitCode::from(7))
}

/// Whether there is a directory for the usual pidfile.
fn has_runtime_directory() -> bool {
    let usual = Daemon::new("sampled").pidfile_path();
    !matches!(usual, Err(daemon::Error::NoRuntimeDirectory))
}

/// Tells a person what was done. A process that the bus has started says nothing: its output is the bus's.
pub(crate) fn say(text: impl Display) -> Result<(), Error> {
    if env::var_os("DBUS_STARTER_ADDRESS").is_some() {
        return Ok(());
    }
    format::say(format_args!("sampled: {text}"))
}
