//! `sampled status`: whether the service runs, and which way it was started.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use serde_json::json;

use sampled::{
    client::{self, Client},
    daemon::{Process, Status},
    service::CONFIGURATION,
};

use crate::cli::{
    common::Common,
    deadline::Deadline,
    error::{Error, Stranger},
    output::{format, plain::Plain},
    running::{DaemonOptions, Starter, owner},
    runtime::block_on,
};

/// What `status` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusOptions {
    #[command(flatten)]
    daemon: DaemonOptions,
}

/// A service that runs.
struct Running {
    pid: u32,
    starter: Starter,
    since: Option<SystemTime>,
    /// What the service says, if it is the one that has the name.
    facts: Option<Facts>,
}

/// What the service says of itself.
#[derive(Clone, Default)]
struct Facts {
    sessions: usize,
    /// What is wrong with its configuration.
    configuration_error: Option<String>,
}

/// What the bus and the service say.
#[derive(Default)]
struct Answer {
    /// The process that has the name.
    owner: Option<u32>,
    /// What has the name in its place.
    stranger: Option<Stranger>,
    facts: Option<Facts>,
    /// Who has not answered.
    error: Option<client::Error>,
}

pub(crate) fn run(common: &Common, options: &StatusOptions) -> Result<ExitCode, Error> {
    let deadline = options.daemon.deadline();
    let daemon = options.daemon.daemon();
    let status = daemon.status();
    let answer = ask(deadline)?;
    let found = match (&status, answer.owner) {
        (Status::Running { pid, since, .. }, owner) => {
            let pid = pid.unsigned_abs();
            Some(Running {
                pid,
                starter: Starter::Start,
                since: *since,
                facts: answer.facts.filter(|_| owner == Some(pid)),
            })
        }
        (_, Some(pid)) => Some(Running {
            pid,
            starter: Starter::of(pid),
            since: since(pid),
            facts: answer.facts,
        }),
        (_, None) => None,
    };
    let state = match (&found, &status) {
        _ if answer.error.is_some() => "unknown",
        (Some(_), _) => "running",
        (None, Status::Starting { .. }) => "starting",
        (None, Status::Dead) => "dead",
        (None, Status::Unknown { .. }) => "unknown",
        (None, _) => "stopped",
    };
    let pidfile = daemon.pidfile_path().ok();
    let mut out = io::stdout().lock();
    let printed = if common.format.json {
        let running = found.as_ref();
        let facts = running.and_then(|running| running.facts.as_ref());
        let since = running.and_then(|running| running.since?.duration_since(UNIX_EPOCH).ok());
        let stranger = answer.stranger.as_ref().map(ToString::to_string);
        let error = answer.error.as_ref().map(ToString::to_string).or(stranger);
        let object = json!({
            "state": state,
            "pid": running.map(|running| running.pid),
            "origin": running.map(|running| running.starter.word()),
            "since": since.map(|since| since.as_micros() as u64),
            "sessions": facts.map(|facts| facts.sessions),
            "configuration_error": facts.and_then(|facts| facts.configuration_error.as_ref()),
            "pidfile": pidfile,
            "error": error,
        });
        format::write_json(&mut out, &object)
    } else {
        let mut out = Plain(out);
        match (&found, &status, &answer.error) {
            (found, _, Some(error)) => print_silent(&mut out, found.as_ref(), error),
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
        .and_then(|()| match &answer.stranger {
            Some(stranger) => writeln!(out, "{stranger}"),
            None => Ok(()),
        })
    };
    printed.map_err(Error::Output)?;
    let code = match (&found, &answer.error) {
        // "Program or service status is unknown", as the Linux Standard Base numbers it.
        (_, Some(_)) => 4,
        (Some(_), None) => 0,
        (None, None) => status.exit_code(),
    };
    Ok(ExitCode::from(code))
}

/// Where somebody has not answered: what is known all the same.
fn print_silent(
    out: &mut impl Write,
    running: Option<&Running>,
    error: &client::Error,
) -> io::Result<()> {
    let Some(Running { pid, starter, .. }) = running else {
        return writeln!(out, "sampled is in an unknown state: {error}");
    };
    writeln!(
        out,
        "sampled does not answer: process {pid}, {starter}\n{error}"
    )
}

fn print(out: &mut impl Write, running: &Running) -> io::Result<()> {
    writeln!(
        out,
        "sampled is running: process {}, {}",
        running.pid, running.starter
    )?;
    if let Some(since) = running.since {
        writeln!(out, "since {}", humantime::format_rfc3339_seconds(since))?;
    }
    let Some(facts) = &running.facts else {
        return writeln!(out, "it has no name on this session bus");
    };
    match facts.sessions {
        1 => writeln!(out, "1 session")?,
        sessions => writeln!(out, "{sessions} sessions")?,
    }
    match &facts.configuration_error {
        Some(error) => writeln!(out, "{error}"),
        None => Ok(()),
    }
}

/// Asks for the process that has the name on the bus, and what it says of itself.
fn ask(deadline: Deadline) -> Result<Answer, Error> {
    let mut answer = Answer::default();
    let asked = block_on(async { Ok(ask_bus(deadline, &mut answer).await) })?;
    answer.error = asked.err().filter(|error| {
        matches!(
            error,
            client::Error::NoAnswer { .. } | client::Error::Handshake(_)
        )
    });
    Ok(answer)
}

async fn ask_bus(deadline: Deadline, answer: &mut Answer) -> Result<(), client::Error> {
    let bus = deadline.session().await?;
    answer.owner = bus.owner().await?;
    answer.stranger = answer.owner.and_then(owner::another_program);
    if answer.stranger.is_some() {
        answer.owner = None;
    }
    if answer.owner.is_some()
        && let Some(client) = Client::of_owner(bus).await?
    {
        let facts = answer.facts.insert(Facts {
            sessions: client.sessions().await?.len(),
            configuration_error: None,
        });
        let sources = client.sources().await?;
        let configuration = sources.get(CONFIGURATION);
        facts.configuration_error = configuration.map(|source| source.error.clone());
    }
    Ok(())
}

fn since(pid: u32) -> Option<SystemTime> {
    Process::open(pid.try_into().ok()?).ok()??.started()
}
