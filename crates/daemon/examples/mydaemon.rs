//! A daemon with all settings and commands of the library.
//!
//! ```text
//! mydaemon start && mydaemon status && mydaemon reload && mydaemon stop
//! ```
//!
//! It does nothing until SIGTERM or SIGINT. Its exit statuses are those of the Linux Standard Base.

use std::error::Error;
use std::fs::File;
use std::io::{Write, stderr, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Command, ExitCode};
use std::time::Duration;

use sampled_daemon::{Daemon, Event, KillMode, Notify, Ready, Signals, Stdio, listen_fds};

const USAGE: &str = "\
usage: mydaemon [options] start|stop|restart|reload|status|run
  --pidfile PATH        the pidfile, instead of $MYDAEMON_PIDFILE and the default path; none: no pidfile
  --log PATH            the file that it prints to once it is ready; journal: systemd's
  --user NAME           the user to change to
  --core-limit BYTES    the maximum size of a core file
  --open-files COUNT    the maximum number of open descriptors
  --nice VALUE          the nice value
  --oom-score-adj SCORE how willingly the kernel kills it when memory runs out
  --no-new-privs BOOL   whether programs that it executes get no privileges
  --empty-bounding-set BOOL  whether they get no capabilities
  --keep-environment NAME  keep this environment variable only
  --keep-fd NUMBER      keep this inherited descriptor
  --check COMMAND       must succeed before it is ready, and before a restart ends the old daemon
  --privileged COMMAND  runs before the change of user
  --farewell COMMAND    runs at its end, after the pidfile is released
  --ignore-stop BOOL    whether SIGTERM and SIGINT do not end it
  --extend SECS         asks the supervisor for this time to get ready
  --store PATH          has the supervisor store this open file
  --main-pid PID        makes another process the main one of its unit
  --barrier SECS        at its end, waits until the supervisor has processed its messages
  --kill-mode MODE      session or process: the processes that stop kills if it does not end
  --ready-timeout SECS  how long it may take to get ready, or max
  --stop-timeout SECS   how long it may take to end, or max";

fn main() -> ExitCode {
    match arguments() {
        Ok((daemon, service, command)) => {
            let status = daemon.clone();
            let privileged = || service.privileged.as_deref().map_or(Ok(()), shell);
            let daemon = daemon.foreground_pidfile(true).privileged(privileged);
            daemon.main(["mydaemon".to_owned(), command], |ready, ()| {
                service.run(&status, &ready)
            })
        }
        Err(error) => {
            say(&mut stderr(), &format!("mydaemon: {error}\n{USAGE}"));
            ExitCode::from(2)
        }
    }
}

/// The work of the daemon.
#[derive(Clone, Default)]
struct Service {
    check: Option<String>,
    privileged: Option<String>,
    farewell: Option<String>,
    ignore_stop: bool,
    extend: Duration,
    store: Option<String>,
    main_pid: Option<i32>,
    barrier: Duration,
}

impl Service {
    /// Runs until SIGTERM or SIGINT.
    fn run(&self, daemon: &Daemon, ready: &Ready) -> Result<(), Box<dyn Error>> {
        // Before the report of readiness, so that no signal is missed.
        let signals = Signals::new()?;
        let notify = Notify::from_env()?;

        log("gets ready");
        let sockets = listen_fds()?;
        for socket in &sockets {
            log(&format!("has got {}", socket.name()));
        }
        if !self.extend.is_zero() {
            notify.extend_timeout(self.extend)?;
        }
        if let Some(command) = &self.check {
            shell(command)?;
        }
        if let Some(path) = &self.store {
            notify.store_fds("stored", &[File::open(path)?.as_fd()])?;
        }
        if let Some(pid) = self.main_pid {
            notify.main_pid(pid)?;
        }
        ready.ready()?;
        notify.ready()?;
        // A watchdog wants a message twice as often as it looks.
        let interval = notify.watchdog_interval().unwrap_or(Duration::MAX);
        loop {
            match signals.wait_timeout(interval.div_f64(2.0))? {
                None => notify.watchdog()?,
                Some(Event::Reload) => {
                    notify.reloading()?;
                    ready.reopen_logs()?;
                    log("has read its configuration again");
                    log(&format!("is {}", daemon.status()));
                    notify.ready()?;
                }
                Some(Event::Stop) if self.ignore_stop => {}
                Some(Event::Stop) => break,
            }
        }

        notify.stopping()?;
        if !self.barrier.is_zero() {
            notify.barrier(self.barrier)?;
        }
        if let Some(command) = &self.farewell {
            ready.pidfile().release()?;
            shell(command)?;
        }
        Ok(())
    }
}

impl Service {
    fn set(&mut self, option: &str, value: String) -> Result<(), String> {
        match option {
            "--privileged" => self.privileged = Some(value),
            "--farewell" => self.farewell = Some(value),
            "--ignore-stop" => self.ignore_stop = number(&value)?,
            "--extend" => self.extend = seconds(&value)?,
            "--store" => self.store = Some(value),
            "--barrier" => self.barrier = seconds(&value)?,
            "--main-pid" => self.main_pid = Some(number(&value)?),
            _ => return Err(format!("{option}: no such option")),
        }
        Ok(())
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
            "--pidfile" if value == "none" => daemon.without_pidfile(),
            "--pidfile" => daemon.pidfile(value),
            "--log" if value == "journal" => daemon.stdout(Stdio::Journal).stderr(Stdio::Journal),
            "--log" => daemon
                .stdout(Stdio::File(value.clone().into()))
                .stderr(Stdio::File(value.into())),
            "--user" => daemon.user(value),
            "--core-limit" => daemon.core_limit(number(&value)?),
            "--open-files" => daemon.open_files(number(&value)?),
            "--nice" => daemon.nice(number(&value)?),
            "--oom-score-adj" => daemon.oom_score_adj(number(&value)?),
            "--no-new-privs" => daemon.no_new_privs(number(&value)?),
            "--empty-bounding-set" => daemon.empty_bounding_set(number(&value)?),
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
            _ => {
                service.set(&word, value)?;
                daemon
            }
        };
    }
    Err("no command is given".to_owned())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("{text}: not a value of this option"))
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
