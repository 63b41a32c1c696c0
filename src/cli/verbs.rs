//! `sampled start`, `stop`, `restart`, `reload` and `status`: the classic verbs of a daemon.
//!
//! They see both a daemon that `start` has detached, by its pidfile, and one that the bus or systemd
//! has started, or a person by `serve`, by its name on the bus.

use std::{
    env,
    fmt::Display,
    io::{self, Write},
    path::PathBuf,
    process::{self, ExitCode},
    time::Duration,
};

use clap::Args;

use sampled::{
    client::Bus,
    daemon::{self, Daemon, Process, Start, Stdio, Stop},
    duration,
};

use super::{
    Common,
    error::Error,
    host::{self, Host},
    log, status,
};

/// What the verbs have in common.
#[derive(Clone, Debug, Args)]
pub(crate) struct DaemonOptions {
    /// The pidfile [default: $XDG_RUNTIME_DIR/sampled.pid]
    #[arg(long, value_name = "FILE")]
    pidfile: Option<PathBuf>,
    /// How long the daemon may take to be ready, or to end before it is killed
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10s")]
    timeout: Duration,
    /// Append what the daemon has to say to FILE, if it is started [default: nowhere]
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
}

/// What `start` and `restart` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    daemon: DaemonOptions,
    #[command(flatten)]
    host: host::HostOptions,
}

impl DaemonOptions {
    pub(crate) fn daemon(&self) -> Daemon {
        let daemon = Daemon::new("sampled")
            .ready_timeout(self.timeout)
            .stop_timeout(self.timeout);
        match &self.pidfile {
            Some(path) => daemon.pidfile(path),
            None => daemon,
        }
    }
}

impl StartOptions {
    fn detached(&self) -> Daemon {
        let options = &self.daemon;
        // The bus starts one in the place of another that may not have ended yet.
        let daemon = options.daemon().pidfile_if_free(host::is_activated());
        match &options.log_file {
            Some(path) => daemon
                .stdout(Stdio::File(path.clone()))
                .stderr(Stdio::File(path.clone())),
            None => daemon,
        }
    }
}

pub(crate) fn start(common: &Common, options: &StartOptions) -> Result<ExitCode, Error> {
    let host = Host::new(common, &options.host)?;
    launch(common, &host, &options.detached(), |daemon, service| {
        daemon.start(service)
    })
}

/// Stops the service, however it was started, and starts it.
pub(crate) fn restart(common: &Common, options: &StartOptions) -> Result<ExitCode, Error> {
    // A mistake in the configuration, or a log file that cannot be opened, leaves the old one running.
    let host = Host::new(common, &options.host)?;
    let daemon = options.detached();
    daemon.verify()?;
    // In a process of its own: it asks the bus, and a process that has done that must not fork any more.
    let pidfile = daemon.pidfile_path()?;
    let stopped = process::Command::new("/proc/self/exe")
        .arg("stop")
        .arg("--pidfile")
        .arg(pidfile)
        .arg("--timeout")
        .arg(format!("{}ms", options.daemon.timeout.as_millis()))
        .status();
    let stopped = stopped.map_err(|cause| Error::Kernel {
        what: "sampled stop",
        cause,
    })?;
    if !stopped.success() {
        return Ok(ExitCode::FAILURE);
    }
    launch(common, &host, &daemon, |daemon, service| {
        daemon.restart(service)
    })
}

type Service<'a> = &'a dyn Fn(daemon::Ready) -> Result<(), Error>;

fn launch(
    common: &Common,
    host: &Host,
    daemon: &Daemon,
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
            say(format_args!("already running: process {pid}"))?
        }
        Ok(other) => say(other)?,
        Err(error) => match owner() {
            // It was not needed: somebody serves.
            Some(pid) => say(format_args!(
                "already running: process {pid}, {}",
                status::Origin::of(pid)
            ))?,
            None => return Err(error.into()),
        },
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn stop(options: &DaemonOptions) -> Result<ExitCode, Error> {
    let mut stopped = Vec::new();
    stopped.push(options.daemon().stop()?);
    if let Some(process) = owning_process()? {
        stopped.push(process.end(options.timeout)?);
    }
    let mut any = false;
    for stop in stopped {
        match stop {
            Stop::Stopped { pid, .. } => say(format_args!("stopped: process {pid}"))?,
            Stop::Killed { pid, .. } => say(format_args!(
                "killed: process {pid} did not end within {:?}",
                options.timeout
            ))?,
            _ => continue,
        }
        any = true;
    }
    if !any {
        say("not running")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn reload(common: &Common, options: &DaemonOptions) -> Result<ExitCode, Error> {
    // The daemon would keep its configuration and say so in its log: here is somebody who reads it.
    common.absolute()?.settings()?;
    match options.daemon().reload() {
        Ok(pid) => {
            return say(format_args!("told to reload: process {pid}")).map(|()| ExitCode::SUCCESS);
        }
        Err(daemon::Error::NotRunning { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(process) = owning_process()?
        && process.hang_up()?
    {
        say(format_args!("told to reload: process {}", process.pid()))?;
        return Ok(ExitCode::SUCCESS);
    }
    super::note("not running");
    // "The program is not running", as the Linux Standard Base numbers it.
    Ok(ExitCode::from(7))
}

/// The process that has the name on the bus, where there is a bus and somebody has it.
fn owner() -> Option<u32> {
    let asked = super::block_on(async {
        let bus = Bus::session().await?;
        Ok(bus.owner().await)
    });
    asked.ok().flatten()
}

/// The same, held so that a signal can reach nobody else.
fn owning_process() -> Result<Option<Process>, Error> {
    let Some(pid) = owner() else {
        return Ok(None);
    };
    let number = i32::try_from(pid).unwrap_or_default();
    let process = Process::open(number)?;
    // Still the owner: then it has been alive all the time, and the descriptor is of that process.
    Ok(process.filter(|_| owner() == Some(pid)))
}

/// Tells a person what was done. A process that the bus has started says nothing: its output is the bus's.
pub(crate) fn say(text: impl Display) -> Result<(), Error> {
    if env::var_os("DBUS_STARTER_ADDRESS").is_some() {
        return Ok(());
    }
    writeln!(io::stdout(), "sampled: {text}").map_err(Error::Output)
}
