//! A daemon of one's own, with everything that belongs to it.
//!
//! ```text
//! mydaemon start && mydaemon status && mydaemon reload && mydaemon stop
//! ```
//!
//! It does nothing until it is told to end. Its exit statuses are those of the Linux Standard Base.

use std::error::Error;
use std::io::{Write, stdout};
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sampled_daemon::{Daemon, Error as DaemonError, Notify, Ready, Start, Status, Stdio, Stop};

const USAGE: &str = "\
usage: mydaemon [options] start|stop|restart|reload|status|run
  --pidfile PATH        instead of $MYDAEMON_PIDFILE and the usual place
  --log PATH            where it prints to once it is ready
  --user NAME           whom it becomes
  --core-limit BYTES    how large a core file may become
  --keep-environment NAME  the one variable it keeps
  --keep-fd NUMBER      the one descriptor it keeps
  --check COMMAND       what must succeed before it is ready
  --farewell COMMAND    what it does at its end, when a successor may already start
  --ready-timeout SECS  how long it may take to get ready
  --stop-timeout SECS   how long it may take to end";

fn main() -> ExitCode {
    let (daemon, service, verb) = match arguments() {
        Ok(told) => told,
        Err(wrong) => {
            eprintln!("mydaemon: {wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = match verb.as_str() {
        "start" => daemon.start(|ready| service.run(&ready)).map(started),
        "restart" => daemon.restart(|ready| service.run(&ready)).map(started),
        "run" => daemon
            .foreground_pidfile(true)
            .run(|ready| service.run(&ready))
            .map(|()| String::new()),
        "stop" => daemon.stop().map(stopped),
        "reload" => daemon
            .reload()
            .map(|pid| format!("process {pid} reloads\n")),
        "status" => {
            let status = daemon.status();
            say(&described(&status));
            return ExitCode::from(status.exit_code());
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mydaemon: {error}");
            // "Program is not running" for a reload, "unspecified error" for all else.
            ExitCode::from(if matches!(error, DaemonError::NotRunning { .. }) {
                7
            } else {
                1
            })
        }
    }
}

/// What the daemon is there for.
#[derive(Default)]
struct Service {
    check: Option<String>,
    farewell: Option<String>,
}

impl Service {
    /// Runs until SIGTERM or SIGINT.
    fn run(&self, ready: &Ready) -> Result<(), Box<dyn Error>> {
        // The signals are blocked before anybody is told that we are ready, so that none is missed. Files are
        // opened in here and not in main, for the daemon has closed what was open there.
        let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
            .into_iter()
            .collect();
        signals.thread_block()?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
        let notify = Notify::from_env()?;

        println!("process {} gets ready", std::process::id());
        if let Some(command) = &self.check {
            shell(command)?;
        }
        ready.ready()?;
        notify.ready()?;
        while wait(&signals, &notify)? == Signal::SIGHUP {
            notify.reloading()?;
            println!(
                "process {} has read its configuration again",
                std::process::id()
            );
            notify.ready()?;
        }

        notify.stopping()?;
        if let Some(command) = &self.farewell {
            ready.pidfile().release()?;
            shell(command)?;
        }
        Ok(())
    }
}

/// Waits for the next signal, and tells the watchdog meanwhile that we are alive.
fn wait(signals: &SignalFd, notify: &Notify) -> Result<Signal, Box<dyn Error>> {
    let period = notify
        .watchdog_interval()
        .map(|interval| Timespec::try_from(interval / 2))
        .transpose()?;
    loop {
        if poll(
            &mut [PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)],
            period.as_ref(),
        )? == 0
        {
            notify.watchdog()?;
        } else if let Some(signal) = signals.read_signal()? {
            return Ok(Signal::try_from(signal.ssi_signo as i32)?);
        }
    }
}

fn shell(command: &str) -> Result<(), Box<dyn Error>> {
    let status = Command::new("sh").args(["-c", command]).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command}: {status}").into())
    }
}

fn arguments() -> Result<(Daemon, Service, String), String> {
    let mut daemon = Daemon::new("mydaemon");
    let mut service = Service::default();
    if let Some(path) = std::env::var_os("MYDAEMON_PIDFILE") {
        daemon = daemon.pidfile(path);
    }
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            return Ok((daemon, service, word));
        }
        let value = words
            .next()
            .ok_or_else(|| format!("{word} wants a value"))?;
        daemon = match word.as_str() {
            "--pidfile" => daemon.pidfile(value),
            "--log" => daemon
                .stdout(Stdio::File(value.clone().into()))
                .stderr(Stdio::File(value.into())),
            "--user" => daemon.user(value),
            "--core-limit" => daemon.core_limit(number(&value)?),
            "--keep-environment" => daemon.keep_environment([value]),
            "--keep-fd" => daemon.keep_fds([number(&value)?]),
            "--ready-timeout" => daemon.ready_timeout(seconds(&value)?),
            "--stop-timeout" => daemon.stop_timeout(seconds(&value)?),
            "--check" => {
                service.check = Some(value);
                daemon
            }
            "--farewell" => {
                service.farewell = Some(value);
                daemon
            }
            _ => return Err(format!("{word}: no such option")),
        };
    }
    Err("what shall it do?".to_owned())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("{text}: not such a number"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number(text)?).map_err(|wrong| format!("{text}: {wrong}"))
}

fn started(how: Start) -> String {
    match how {
        Start::Started { pid } => format!("started, process {pid}\n"),
        Start::AlreadyRunning { pid } => format!("already running, process {pid}\n"),
    }
}

fn stopped(how: Stop) -> String {
    match how {
        Stop::Stopped { pid } => format!("stopped, process {pid}\n"),
        Stop::Killed { pid } => format!("killed, process {pid}\n"),
        Stop::NotRunning => "not running\n".to_owned(),
    }
}

fn described(status: &Status) -> String {
    match status {
        Status::Running { pid, since } => {
            let age = since.elapsed().unwrap_or_default().as_secs();
            format!("running for {age} s, process {pid}\n")
        }
        Status::Starting { pid: Some(pid) } => format!("starting, process {pid}\n"),
        Status::Starting { pid: None } => "starting\n".to_owned(),
        Status::Dead => "dead, its pidfile is left\n".to_owned(),
        Status::NotRunning => "not running\n".to_owned(),
        Status::Unknown { why } => format!("unknown: {why}\n"),
    }
}

/// Unlike `print!`, does not mind if nobody reads it.
fn say(text: &str) {
    let _ = stdout().write_all(text.as_bytes());
}
