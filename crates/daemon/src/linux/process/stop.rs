use std::fmt;

/// The outcome of a stop. In each case no daemon is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Stop {
    /// It ended after SIGTERM.
    #[non_exhaustive]
    Stopped {
        /// Its former process id.
        pid: i32,
    },
    /// It did not end in time, and was killed by SIGKILL. Its pidfile is still there.
    #[non_exhaustive]
    Killed {
        /// Its former process id.
        pid: i32,
    },
    /// No daemon was running.
    NotRunning,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped { pid } => write!(f, "stopped, process {pid}"),
            Self::Killed { pid } => write!(f, "killed, process {pid}"),
            Self::NotRunning => f.write_str("not running"),
        }
    }
}

/// The processes that get SIGKILL if a daemon does not end in time, as `KillMode=` in systemd.kill(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KillMode {
    /// All processes of its session, if [`start`](crate::Daemon::start) or [`run`](crate::Daemon::run) has made it a
    /// session of its own; else the daemon alone. A child that has left the session by setsid(2) is not killed.
    #[default]
    Session,
    /// The daemon alone.
    Process,
}
