//! `sampled status`: whether the service runs, and how it was started.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use serde_json::json;

use sampled::{
    client::{self, Client, Owner, transport::addresses::is_session_given},
    daemon::{Process, Status},
    service::CONFIGURATION,
};

use crate::cli::{
    common_options::CommonOptions,
    deadline::Deadline,
    error::{Error, ForeignOwner},
    output::{format, terminal_text::EscapingWriter},
    running::{DaemonOptions, Starter, name_owner},
    runtime::block_on,
};

/// The options of `status`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusOptions {
    #[command(flatten)]
    daemon: DaemonOptions,
}

/// A running service.
struct Running {
    /// `None` if it is unknown here.
    process: Option<RunningProcess>,
    /// The answers of the service, if this process owns the name.
    service: Option<ServiceInfo>,
}

/// The process of a running service.
struct RunningProcess {
    pid: u32,
    starter: Starter,
    since: Option<SystemTime>,
}

/// The answers of the service to calls.
#[derive(Clone, Default)]
struct ServiceInfo {
    /// The number of its sessions, if it tells it.
    sessions: Option<usize>,
    /// The error in its configuration.
    configuration_error: Option<String>,
}

/// The answers of the bus and the service.
#[derive(Default)]
struct BusInfo {
    /// The owner of the name.
    owner: Option<Owner>,
    /// Another program that owns the name.
    foreign: Option<ForeignOwner>,
    service: Option<ServiceInfo>,
    /// The error, if the bus or the service has not answered.
    error: Option<client::Error>,
}

pub(crate) fn run(common: &CommonOptions, options: &StatusOptions) -> Result<ExitCode, Error> {
    let deadline = options.daemon.deadline();
    let daemon = options.daemon.daemon();
    let status = daemon.status();
    let bus_info = ask(deadline)?;
    let found = match (&status, &bus_info.owner) {
        (Status::Running { pid, since, .. }, owner) => {
            let process = RunningProcess {
                pid: pid.unsigned_abs(),
                starter: Starter::Start,
                since: *since,
            };
            let owns_name = owner.as_ref().is_some_and(|it| it.pid == Some(process.pid));
            Some(Running {
                process: Some(process),
                service: bus_info.service.filter(|_| owns_name),
            })
        }
        (_, Some(owner)) => Some(Running {
            process: owner.pid.map(|pid| RunningProcess {
                pid,
                starter: Starter::of(pid),
                since: since(pid),
            }),
            service: bus_info.service,
        }),
        (_, None) => None,
    };
    let state = match (&found, &status) {
        _ if bus_info.error.is_some() => "unknown",
        (Some(_), _) => "running",
        (None, Status::Starting { .. }) => "starting",
        (None, Status::Dead) => "dead",
        (None, Status::Unknown { .. }) => "unknown",
        (None, _) => "stopped",
    };
    let pidfile = daemon.pidfile_path().ok();
    format::print(|out| {
        if common.format.json {
            let running = found.as_ref();
            let service = running.and_then(|running| running.service.as_ref());
            let process = running.and_then(|running| running.process.as_ref());
            let since = process.and_then(|process| process.since?.duration_since(UNIX_EPOCH).ok());
            let foreign = bus_info.foreign.as_ref().map(ToString::to_string);
            let error = bus_info.error.as_ref().map(ToString::to_string).or(foreign);
            let object = json!({
                "state": state,
                "pid": process.map(|process| process.pid),
                "origin": process.map(|process| process.starter.json_name()),
                "since": since.map(|since| since.as_micros() as u64),
                "sessions": service.and_then(|service| service.sessions),
                "configuration_error": service.and_then(|service| service.configuration_error.as_ref()),
                "pidfile": pidfile,
                "error": error,
            });
            format::write_json(out, &object)
        } else {
            let mut out = EscapingWriter(out);
            match (&found, &status, &bus_info.error) {
                (found, _, Some(error)) => print_unresponsive(&mut out, found.as_ref(), error),
                (Some(running), ..) => print(&mut out, running),
                (None, Status::Starting { .. }, _) => writeln!(out, "sampled is starting"),
                (None, Status::Dead, _) => writeln!(
                    out,
                    "sampled is dead, and has left its pidfile {}",
                    pidfile.unwrap_or_default().display()
                ),
                (None, Status::Unknown { why, .. }, _) => {
                    writeln!(out, "sampled is in an unknown state: {why}")
                }
                (None, ..) => writeln!(out, "sampled is not running"),
            }
            .and_then(|()| match &bus_info.foreign {
                Some(foreign) => writeln!(out, "{foreign}"),
                None => Ok(()),
            })
        }
    })?;
    let code = match (&found, &bus_info.error) {
        // The Linux Standard Base defines 4 as "program or service status is unknown".
        (_, Some(_)) => 4,
        (Some(_), None) => 0,
        (None, None) => status.exit_code(),
    };
    Ok(ExitCode::from(code))
}

/// Prints what is known although the bus or the service has not answered.
fn print_unresponsive(
    out: &mut impl Write,
    running: Option<&Running>,
    error: &client::Error,
) -> io::Result<()> {
    match running {
        None => writeln!(out, "sampled is in an unknown state: {error}"),
        Some(running) => writeln!(out, "sampled does not answer: {running}\n{error}"),
    }
}

fn print(out: &mut impl Write, running: &Running) -> io::Result<()> {
    writeln!(out, "sampled is running: {running}")?;
    if let Some(since) = running.process.as_ref().and_then(|it| it.since) {
        writeln!(out, "since {}", humantime::format_rfc3339_seconds(since))?;
    }
    let Some(service) = &running.service else {
        return writeln!(out, "it has no name on this session bus");
    };
    match service.sessions {
        Some(1) => writeln!(out, "1 session")?,
        Some(sessions) => writeln!(out, "{sessions} sessions")?,
        None => {}
    }
    match &service.configuration_error {
        Some(error) => writeln!(out, "{error}"),
        None => Ok(()),
    }
}

/// Asks the bus for the owner of the name, and the owner for its sessions and sources.
fn ask(deadline: Deadline) -> Result<BusInfo, Error> {
    let mut bus_info = BusInfo::default();
    let asked = block_on(async { Ok(ask_bus(deadline, &mut bus_info).await) })?;
    let is_known = bus_info.owner.is_some();
    bus_info.error = asked.err().filter(|error| match error {
        client::Error::NoBus(_) => is_session_given(),
        client::Error::NoAnswer { .. } => true,
        // A service of another version may refuse the questions.
        _ => !is_known,
    });
    Ok(bus_info)
}

async fn ask_bus(deadline: Deadline, bus_info: &mut BusInfo) -> Result<(), client::Error> {
    let bus = deadline.session().await?;
    let Some(owner) = bus.owner().await? else {
        return Ok(());
    };
    bus_info.foreign = name_owner::another_program(&owner);
    if bus_info.foreign.is_none() {
        let client = Client::of(bus, &owner.name).await?;
        bus_info.owner = Some(owner);
        let service = bus_info.service.insert(ServiceInfo::default());
        service.sessions = Some(client.sessions().await?.len());
        let sources = client.sources().await?;
        let configuration = sources.get(CONFIGURATION);
        service.configuration_error = configuration.map(|source| source.error.clone());
    }
    Ok(())
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some(RunningProcess { pid, starter, .. }) => write!(f, "process {pid}, {starter}"),
            None => f.write_str("a process without a known pid, as in another pid namespace"),
        }
    }
}

fn since(pid: u32) -> Option<SystemTime> {
    Process::open(pid.try_into().ok()?).ok()??.started()
}
