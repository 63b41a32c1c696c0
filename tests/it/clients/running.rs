//! A program of the page that runs, and what the service has sent to it.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use futures_util::StreamExt;
use sampled::wire::NAME;
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, fdo::MonitoringProxy, message::Type};

use super::page::Program;
use crate::support::{bus::Bus, process::DEADLINE};

/// The metrics of the programs.
const METRICS: [&str; 3] = ["cpu/all/usage", "memory/physical/used", "os/kernel/name"];

/// How long a program may take until its first line: a compiler may run before.
const FIRST_LINE: Duration = Duration::from_secs(180);

/// A program that writes its readings, a line each.
pub(super) struct Client {
    pub(super) child: Child,
    lines: Receiver<String>,
    /// What it has written to stderr.
    errors: PathBuf,
    deadline: Duration,
}

/// A frame that a program has printed.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) timestamp: u64,
    /// The reading of `cpu/all/usage`.
    pub(super) usage: String,
}

impl Client {
    /// Runs a program of the page with this bus address.
    pub(super) fn of_page(bus: &Bus, address: &str, program: &Program) -> Self {
        let mut command = tools(bus, "sh");
        command.args(["-ec", &program.command]);
        let directory = directory(bus);
        fs::write(directory.join(&program.file), &program.code).expect("program");
        Self::run_in(directory, command, address)
    }

    /// Runs a command with this bus address.
    pub(super) fn run(bus: &Bus, command: Command, address: &str) -> Self {
        Self::run_in(directory(bus), command, address)
    }

    fn run_in(directory: PathBuf, mut command: Command, address: &str) -> Self {
        let errors = directory.join("errors");
        let piped = command
            .current_dir(directory)
            .env("DBUS_SESSION_BUS_ADDRESS", address)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&errors).expect("errors"));
        let mut child = piped.spawn().expect("the program can be run");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            errors,
            deadline: FIRST_LINE,
        }
    }

    /// The next line of its output.
    #[track_caller]
    pub(super) fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(self.deadline);
        self.deadline = DEADLINE;
        line.unwrap_or_else(|error| {
            let errors = fs::read_to_string(&self.errors).unwrap_or_default();
            panic!("no further line ({error}): {errors}")
        })
    }

    /// The next frame, with the right columns and texts.
    #[track_caller]
    pub(super) fn frame(&mut self) -> Frame {
        let readings = METRICS.map(|metric| {
            let line = self.line();
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let [timestamp, id, value] = words.try_into().expect(&line);
            assert_eq!(id, metric, "{line}");
            (timestamp.parse::<u64>().expect(&line), value)
        });
        let [(timestamp, usage), (second, used), (third, name)] = readings;
        assert_eq!((second, third), (timestamp, timestamp), "one frame");
        assert!(used.parse::<f64>().expect(&used) > 0.0, "{used}");
        assert_eq!(name, "Linux");
        Frame { timestamp, usage }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The home of the test kills what it has started.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn directory(bus: &Bus) -> PathBuf {
    tempfile::tempdir_in(bus.dir()).expect("directory").keep()
}

/// A program with the interpreters, compilers and libraries of the distribution, whose output is not buffered.
pub(super) fn tools(bus: &Bus, program: &str) -> Command {
    let mut command = bus.command("stdbuf");
    let path = env::var("PATH").unwrap_or_default();
    // `npm install --prefix target/tmp` puts packages there, as .ci/run does.
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node_modules");
    command
        .env("PATH", format!("/usr/bin:{path}"))
        .env("PYTHONUNBUFFERED", "1")
        .env("NODE_PATH", packages)
        .args(["-oL", program]);
    command
}

/// The timestamps of all frames that pass the bus.
pub(super) struct Sent {
    messages: MessageStream,
    _monitor: Connection,
}

impl Sent {
    pub(super) async fn on(bus: &Bus) -> Self {
        let monitor = bus.connect().await;
        let messages = MessageStream::from(&monitor);
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(NAME)
            .member("Sampled")
            .build();
        let proxy = MonitoringProxy::new(&monitor).await.expect("proxy");
        let rule = rule.expect("rule");
        proxy.become_monitor(&[rule], 0).await.expect("monitor");
        Self {
            messages,
            _monitor: monitor,
        }
    }

    /// All until this one.
    pub(super) async fn until(&mut self, last: u64) -> Vec<u64> {
        let mut timestamps = Vec::new();
        while timestamps.last() != Some(&last) {
            let message = timeout(DEADLINE, self.messages.next()).await;
            let message = message
                .expect("a frame")
                .expect("a bus")
                .expect("a message");
            if message
                .header()
                .member()
                .is_some_and(|name| name == "Sampled")
            {
                let (_, timestamp, _) = message
                    .body()
                    .deserialize::<(u32, u64, Vec<f64>)>()
                    .expect("a frame");
                timestamps.push(timestamp);
            }
        }
        timestamps
    }
}
