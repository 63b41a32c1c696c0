//! A daemon with all settings and commands of the library.
//!
//! ```text
//! mydaemon start && mydaemon status && mydaemon reload && mydaemon stop
//! ```
//!
//! It does nothing until SIGTERM or SIGINT. Its exit statuses are those of the Linux Standard Base.

use std::error::Error;
use std::io::{Write, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use sampled_daemon::{Daemon, Error as DaemonError, KillMode, Notify, Ready, Stdio};

const USAGE: &str = "\
usage: mydaemon [options] start|stop|restart|reload|status|run
  --pidfile PATH        the pidfile, instead of $MYDAEMON_PIDFILE and the default path
  --log PATH            the file that it prints to once it is ready
  --user NAME           the user to change to
  --core-limit BYTES    the maximum size of a core file
  --keep-environment NAME  keep this environment variable only
  --keep-fd NUMBER      keep this inherited descriptor
  --check COMMAND       must succeed before it is ready, and before a restart ends the old daemon
  --farewell COMMAND    runs at its end, after the pidfile is released
  --ignore SIGNAL       a signal that does not end it, such as SIGTERM
  --kill-mode MODE      session or process: the processes that stop kills if it does not end
  --ready-timeout SECS  how long it may take to get ready, or max
  --stop-timeout SECS   how long it may take to end, or max";

fn main() -> ExitCode {
    let (daemon, service, command) = match arguments() {
        Ok(parsed) => parsed,
        Err(error) => {
            say(
                &mut std::io::stderr(),
                &format!("mydaemon: {error}\n{USAGE}"),
            );
            return ExitCode::from(2);
        }
    };
    let serve = |ready| service.run(&daemon, &ready);
    let done = match command.as_str() {
        "start" => daemon.start(serve).map(|outcome| outcome.to_string()),
        "restart" => daemon.restart(serve).map(|outcome| outcome.to_string()),
        "run" => {
            let daemon = daemon.clone().foreground_pidfile(true);
            daemon.run(serve).map(|()| "ended".to_owned())
        }
        "stop" => daemon.stop().map(|outcome| outcome.to_string()),
        "reload" => daemon.reload().map(|pid| format!("process {pid} reloads")),
        "status" => {
            let status = daemon.status();
            say(&mut stdout(), &status.to_string());
            return ExitCode::from(status.exit_code());
        }
        _ => {
            say(&mut std::io::stderr(), USAGE);
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(text) => {
            say(&mut stdout(), &text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&mut std::io::stderr(), &format!("mydaemon: {error}"));
            // 7 is "program is not running", for reload; 1 is "generic or unspecified error".
            let not_running = matches!(error, DaemonError::NotRunning { .. });
            ExitCode::from(if not_running { 7 } else { 1 })
        }
    }
}

/// The work of the daemon.
#[derive(Clone, Default)]
struct Service {
    check: Option<String>,
    farewell: Option<String>,
    ignored: Option<Signal>,
}

impl Service {
    /// Runs until SIGTERM or SIGINT.
    fn run(&self, daemon: &Daemon, ready: &Ready) -> Result<(), Box<dyn Error>> {
        // The signals are blocked before the report of readiness, so that none is missed.
        let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
            .into_iter()
            .collect();
        signals.thread_block()?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
        let notify = Notify::from_env()?;

        log("gets ready");
        if let Some(command) = &self.check {
            shell(command)?;
        }
        ready.ready()?;
        notify.ready()?;
        loop {
            match wait(&signals, &notify)? {
                Signal::SIGHUP => {
                    notify.reloading()?;
                    log("has read its configuration again");
                    log(&format!("is {}", daemon.status()));
                    notify.ready()?;
                }
                signal if Some(signal) == self.ignored => {}
                _ => break,
            }
        }

        notify.stopping()?;
        if let Some(command) = &self.farewell {
            ready.pidfile().release()?;
            shell(command)?;
        }
        Ok(())
    }
}

/// Waits for the next signal, and sends watchdog messages meanwhile.
fn wait(signals: &SignalFd, notify: &Notify) -> Result<Signal, Box<dyn Error>> {
    let period = match notify.watchdog_interval() {
        Some(interval) => {
            // poll(2) counts in milliseconds: at least one.
            let period = interval.div_f64(2.0).max(Duration::from_millis(1));
            PollTimeout::try_from(period).unwrap_or(PollTimeout::MAX)
        }
        None => PollTimeout::NONE,
    };
    loop {
        let readable = PollFd::new(signals.as_fd(), PollFlags::POLLIN);
        match poll(&mut [readable], period) {
            // After Ctrl-Z and fg.
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(0) => notify.watchdog()?,
            Ok(_) => {
                if let Some(signal) = signals.read_signal()? {
                    return Ok(Signal::try_from(signal.ssi_signo as i32)?);
                }
            }
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
            .ok_or_else(|| format!("{word} needs a value"))?;
        daemon = match word.as_str() {
            "--pidfile" => daemon.pidfile(value),
            "--log" => daemon
                .stdout(Stdio::File(value.clone().into()))
                .stderr(Stdio::File(value.into())),
            "--user" => daemon.user(value),
            "--core-limit" => daemon.core_limit(number(&value)?),
            "--keep-environment" => daemon.keep_environment([value]),
            "--keep-fd" => daemon
                .keep_fd(inherited(number::<u16>(&value)?.into()))
                .map_err(|error| format!("{word} {value}: {error}"))?,
            "--kill-mode" => daemon.kill_mode(match value.as_str() {
                "session" => KillMode::Session,
                "process" => KillMode::Process,
                _ => return Err(format!("{value}: neither session nor process")),
            }),
            "--ready-timeout" => daemon.ready_timeout(seconds(&value)?),
            "--stop-timeout" => daemon.stop_timeout(seconds(&value)?),
            "--check" => {
                service.check = Some(value.clone());
                daemon.verify_with(move || shell(&value))
            }
            "--ignore" => {
                let signal = value.parse();
                service.ignored = Some(signal.map_err(|_| format!("{value}: no such signal"))?);
                daemon
            }
            "--farewell" => {
                service.farewell = Some(value);
                daemon
            }
            _ => return Err(format!("{word}: no such option")),
        };
    }
    Err("no command is given".to_owned())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("{text}: not a number in the range of this option"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    if text == "max" {
        return Ok(Duration::MAX);
    }
    Duration::try_from_secs_f64(number(text)?).map_err(|error| format!("{text}: {error}"))
}

/// The inherited descriptor of this number.
#[allow(unsafe_code, reason = "the descriptor is known by its number only")]
fn inherited(number: i32) -> BorrowedFd<'static> {
    // SAFETY: no value of this program owns an inherited descriptor, so none closes it.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Prints a line of the log. Unlike println!, it does not panic on a full disk.
fn log(text: &str) {
    say(
        &mut stdout(),
        &format!("process {} {text}", std::process::id()),
    );
}

/// Prints a line. Unlike println! and eprintln!, it does not panic on a closed pipe.
fn say(stream: &mut impl Write, text: &str) {
    let _ = writeln!(stream, "{text}");
}
