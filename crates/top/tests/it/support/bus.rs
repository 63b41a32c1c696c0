//! A private session bus that starts the service.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use sampled_client::{Client, SessionInfo};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use super::{DEADLINE, machine::Machine};

/// The program under test.
pub(crate) const TOP: &str = env!("CARGO_BIN_EXE_sampled-top");

/// A bus, with the home of its user. `drop` ends it and the service.
pub(crate) struct Bus {
    daemon: Child,
    address: String,
    home: TempDir,
    runtime: Runtime,
}

impl Bus {
    pub(crate) fn new() -> Self {
        Self::with_service(&format!("{} serve", sampled().display()))
    }

    /// A bus whose service reads another machine.
    pub(crate) fn on(machine: &Machine) -> Self {
        Self::with_service(&format!(
            "{} serve {}",
            sampled().display(),
            machine.roots()
        ))
    }

    /// A bus with another program as the service.
    pub(crate) fn with_service(exec: &str) -> Self {
        let home = tempfile::Builder::new().prefix("sampled-top-").tempdir();
        let home = home.expect("temporary directory");
        for directory in ["run", "config", "data/dbus-1/services"] {
            fs::create_dir_all(home.path().join(directory)).expect("directory");
        }
        let file = format!("[D-BUS Service]\nName=io.github.sampled.Sampler1\nExec={exec}\n");
        let services = home.path().join("data/dbus-1/services");
        fs::write(services.join("io.github.sampled.Sampler1.service"), file).expect("file");
        let mut command = command(home.path(), "dbus-daemon");
        let address = format!("--address=unix:path={}/bus", home.path().display());
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let piped = command.arg(address).stdout(Stdio::piped());
        let mut daemon = piped.stderr(Stdio::null()).spawn().expect("dbus-daemon");
        let mut address = String::new();
        let stdout = daemon.stdout.take().expect("a pipe");
        let read = BufReader::new(stdout).read_line(&mut address);
        read.expect("the address");
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        Self {
            daemon,
            address: address.trim().to_owned(),
            home,
            runtime: runtime.expect("runtime"),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The layout file.
    pub(crate) fn layout(&self) -> PathBuf {
        self.home().join("config/sampled/top.toml")
    }

    /// A program in the environment of the user.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = command(self.home(), program);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    /// `sampled` with these arguments.
    pub(crate) fn sampled(&self, arguments: &str) -> Command {
        let mut command = self.command(sampled().to_str().expect("UTF-8"));
        command.args(arguments.split(' '));
        command
    }

    /// The pid of the service; `None` if none runs.
    pub(crate) fn service(&self) -> Option<u32> {
        self.runtime.block_on(async {
            let bus = sampled_client::Bus::at(&self.address).await.expect("bus");
            bus.owner()
                .await
                .expect("owner")
                .and_then(|owner| owner.pid)
        })
    }

    /// Waits until the sessions of all programs satisfy a condition.
    #[track_caller]
    pub(crate) fn until_sessions(&self, are_right: impl Fn(&[SessionInfo]) -> bool) {
        let start = Instant::now();
        loop {
            let sessions = self.runtime.block_on(async {
                let bus = sampled_client::Bus::at(&self.address).await.expect("bus");
                let client = Client::on(bus).await.expect("client");
                client.sessions().await.expect("sessions")
            });
            let sessions: Vec<SessionInfo> = sessions.into_values().collect();
            if are_right(&sessions) {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "{sessions:#?}");
            thread::yield_now();
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        if let Some(pid) = self.service() {
            kill(pid, Signal::KILL);
        }
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// Sends a signal to a process.
pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().expect("a pid")).expect("a pid");
    if let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) {
        pidfd_send_signal(process, signal).ok();
    }
}

/// The monitor: the program under test, or the one that a bench is to measure.
pub(crate) fn top() -> PathBuf {
    let other = env::var_os("SAMPLED_TOP");
    other.map_or_else(|| PathBuf::from(TOP), PathBuf::from)
}

/// The program of the service, which `cargo build` puts beside the monitor.
fn sampled() -> PathBuf {
    let path = top().with_file_name("sampled");
    let profile = if cfg!(debug_assertions) {
        ""
    } else {
        " --release"
    };
    assert!(
        path.is_file(),
        "{}: run `cargo build{profile}` first",
        path.display()
    );
    path
}

fn command(home: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm-256color")
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_DATA_DIRS", home.join("share"));
    command
}
