//! The private session bus of `sampled demo`, in a temporary directory.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, ErrorKind},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, ppoll},
    unistd::mkdtemp,
};
// nix has no pidfd_open(2) and no pidfd_send_signal(2).
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use sampled::{client::Bus, install, wire::NAME};

use crate::cli::error::DemoError;

/// A private session bus that can start the service. Dropping it ends the service and the bus.
pub(crate) struct PrivateBus {
    pub(crate) bus: Bus,
    /// The line by which the bus starts the service.
    pub(crate) exec: String,
    service: Option<OwnedFd>,
    // Dropped before its directory.
    _daemon: BusDaemon,
    dir: TemporaryDirectory,
}

impl PrivateBus {
    /// Starts a bus that activates this program with these arguments.
    pub(crate) async fn new(arguments: &str) -> Result<Self, DemoError> {
        let dir = TemporaryDirectory::new()?;
        let program = env::current_exe().map_err(at(Path::new("/proc/self/exe")))?;
        let activation = install::activation_file(&program, arguments)?;
        let exec = activation.lines().find(|line| line.starts_with("Exec="));
        let exec = exec.unwrap_or_default().to_owned();
        dir.write(&format!("{NAME}.service"), &activation)?;
        dir.write("bus.conf", &dir.bus_configuration())?;
        let (daemon, address) = BusDaemon::start(&dir)?;
        Ok(Self {
            bus: Bus::at(&address).await?,
            exec,
            service: None,
            _daemon: daemon,
            dir,
        })
    }

    /// Opens a pidfd of the process that owns the name, and returns its pid.
    pub(crate) async fn hold_service(&mut self) -> Result<u32, DemoError> {
        let owner = self.bus.owner().await?;
        let pid = owner.and_then(|owner| owner.pid);
        let pid = pid.ok_or(DemoError::Left)?;
        let number = Pid::from_raw(pid as i32).ok_or(DemoError::Left)?;
        let held = pidfd_open(number, PidfdFlags::empty()).map_err(|_| DemoError::Left)?;
        self.service = Some(held);
        Ok(pid)
    }

    /// Waits for the held process, and returns whether it has ended. This blocks the thread, which has nothing else
    /// to do; a signal interrupts it.
    pub(crate) fn service_has_ended(&self, timeout: Duration) -> bool {
        let Some(service) = &self.service else {
            return false;
        };
        // A pidfd becomes readable when its process ends.
        let mut ended = [PollFd::new(service.as_fd(), PollFlags::POLLIN)];
        ppoll(&mut ended, Some(timeout.into()), None).is_ok_and(|ready| ready > 0)
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

impl Drop for PrivateBus {
    fn drop(&mut self) {
        // By the pidfd, so that a process that has reused the pid gets no signal.
        if let Some(service) = &self.service {
            pidfd_send_signal(service, Signal::TERM).ok();
        }
    }
}

/// The timeout for the start of dbus-daemon.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A dbus-daemon, killed on drop.
struct BusDaemon(Child);

impl BusDaemon {
    /// Starts it, waits until it listens, and returns its address.
    fn start(dir: &TemporaryDirectory) -> Result<(Self, String), DemoError> {
        let path = |name: &str| dir.0.join(name);
        let log = fs::File::create(path("log")).map_err(at(&path("log")))?;
        let spawned = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", path("bus.conf").display()))
            .args(["--nofork", "--print-address=1"])
            // The user's own configuration stays out of the demo.
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
            let mut readable = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
            let ready =
                ppoll(&mut readable, Some(START_TIMEOUT.into()), None).map_err(io::Error::from);
            if ready.map_err(at(Path::new("dbus-daemon")))? == 0 {
                return Err(DemoError::Daemon {
                    log: format!(
                        "it has not said its address within {} s",
                        START_TIMEOUT.as_secs()
                    ),
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

impl Drop for BusDaemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A temporary directory, removed on drop.
struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn new() -> Result<Self, DemoError> {
        let template = env::temp_dir().join("sampled-demo-XXXXXX");
        let made = mkdtemp(&template).map_err(io::Error::from);
        made.map(Self).map_err(at(&template))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), DemoError> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(at(&path))
    }

    /// The configuration of a bus that accepts this user only, and allows every call and name.
    fn bus_configuration(&self) -> String {
        let address = address_value(&self.0);
        let dir = escape(&self.0.display().to_string());
        format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={address}</listen>
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

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A path as a value in an address of a bus, where other bytes are escaped.
fn address_value(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes().iter();
    let escaped = bytes.map(|&byte| match byte {
        b'-' | b'_' | b'/' | b'.' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    });
    escaped.collect()
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
