//! Where the story is told: a temporary directory, and a bus that lives in it.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, ErrorKind},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::unistd::mkdtemp;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use sampled::{client::Bus, install, wire::NAME};

use crate::cli::error::DemoError;

/// A private session bus that can start the service. Dropping it ends both.
pub(crate) struct Stage {
    pub(crate) bus: Bus,
    /// The line by which the bus starts the service.
    pub(crate) exec: String,
    service: Option<OwnedFd>,
    // The bus before the directory that it is in.
    _daemon: Daemon,
    dir: Dir,
}

impl Stage {
    /// Sets everything up; this program will be started with these arguments.
    pub(crate) async fn new(arguments: &str) -> Result<Self, DemoError> {
        let dir = Dir::new()?;
        let program = env::current_exe().map_err(at(Path::new("/proc/self/exe")))?;
        let activation = install::activation_file(&program, arguments)?;
        let exec = activation.lines().find(|line| line.starts_with("Exec="));
        let exec = exec.unwrap_or_default().to_owned();
        dir.write(&format!("{NAME}.service"), &activation)?;
        dir.write("bus.conf", &dir.bus_configuration())?;
        let (daemon, address) = Daemon::start(&dir)?;
        Ok(Self {
            bus: Bus::at(&address).await?,
            exec,
            service: None,
            _daemon: daemon,
            dir,
        })
    }

    /// Takes hold of the process that has the name, and returns its number.
    pub(crate) async fn follow(&mut self) -> Result<u32, DemoError> {
        let pid = self.bus.owner().await?.ok_or(DemoError::Left)?;
        let number = Pid::from_raw(pid as i32).ok_or(DemoError::Left)?;
        let held = pidfd_open(number, PidfdFlags::empty()).map_err(|_| DemoError::Left)?;
        self.service = Some(held);
        Ok(pid)
    }

    /// Waits for the process that is followed, and returns whether it has ended. Nothing else is
    /// going on by then, so the thread waits; a signal breaks it off.
    pub(crate) fn has_ended(&self, patience: Duration) -> bool {
        let Some(service) = &self.service else {
            return false;
        };
        let patience = Timespec {
            tv_sec: patience.as_secs() as i64,
            tv_nsec: patience.subsec_nanos().into(),
        };
        // The descriptor of a process can be read when the process has ended.
        let mut ended = [PollFd::new(service, PollFlags::IN)];
        poll(&mut ended, Some(&patience)).is_ok_and(|ready| ready > 0)
    }

    /// Ends the bus and removes its files.
    pub(crate) fn close(self) -> Result<(), DemoError> {
        let path = self.dir.0.clone();
        drop(self);
        match fs::symlink_metadata(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(at(&path)(cause)),
            Ok(_) => Err(at(&path)(ErrorKind::DirectoryNotEmpty.into())),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // One that has ended gets no signal, whoever has its number by now.
        if let Some(service) = &self.service {
            pidfd_send_signal(service, Signal::TERM).ok();
        }
    }
}

/// How long dbus-daemon may take to listen.
const START: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// dbus-daemon, for as long as this is held.
struct Daemon(Child);

impl Daemon {
    /// Starts it, and returns its address: it listens by then.
    fn start(dir: &Dir) -> Result<(Self, String), DemoError> {
        let path = |name: &str| dir.0.join(name);
        let log = fs::File::create(path("log")).map_err(at(&path("log")))?;
        let spawned = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", path("bus.conf").display()))
            .args(["--nofork", "--print-address=1"])
            // The user's own configuration is no part of the story.
            .env("XDG_CONFIG_HOME", &dir.0)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut daemon = match spawned {
            Ok(child) => Self(child),
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Err(DemoError::NoDaemon),
            Err(cause) => return Err(at(Path::new("dbus-daemon"))(cause)),
        };
        let mut address = String::new();
        if let Some(stdout) = daemon.0.stdout.take() {
            // It writes the line at once.
            let mut readable = [PollFd::new(&stdout, PollFlags::IN)];
            let ready = poll(&mut readable, Some(&START)).map_err(io::Error::from);
            if ready.map_err(at(Path::new("dbus-daemon")))? == 0 {
                return Err(DemoError::Daemon {
                    log: format!("it has not said its address within {} s", START.tv_sec),
                });
            }
            let read = BufReader::new(stdout).read_line(&mut address);
            read.map_err(at(Path::new("dbus-daemon")))?;
        }
        if address.is_empty() {
            let log = fs::read_to_string(path("log")).unwrap_or_default();
            let log = log.trim_end().to_owned();
            return Err(DemoError::Daemon { log });
        }
        Ok((daemon, address.trim_end().to_owned()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A temporary directory, for as long as this is held.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Result<Self, DemoError> {
        let template = env::temp_dir().join("sampled-demo-XXXXXX");
        let made = mkdtemp(&template).map_err(io::Error::from);
        made.map(Self).map_err(at(&template))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), DemoError> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(at(&path))
    }

    /// A bus on which everybody may do everything, and everybody is this user.
    fn bus_configuration(&self) -> String {
        let dir = escape(&self.0.display().to_string());
        format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={dir}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{dir}</servicedir>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
        )
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

fn at(path: &Path) -> impl Fn(io::Error) -> DemoError {
    move |cause| DemoError::Io {
        path: path.to_owned(),
        cause,
    }
}
