use std::fmt;

/// How a stop has ended. Either way no daemon is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Stop {
    /// It was asked (SIGTERM), and is gone.
    #[non_exhaustive]
    Stopped {
        /// The process id it had.
        pid: i32,
    },
    /// It did not go in time and was killed (SIGKILL), and is gone. Its pidfile is still there.
    #[non_exhaustive]
    Killed {
        /// The process id it had.
        pid: i32,
    },
    /// There was none.
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

/// Which processes get the SIGKILL of a daemon that does not end in time. systemd.kill(5) has the same choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KillMode {
    /// All processes of its session(7), if [`start`](crate::Daemon::start) or [`run`](crate::Daemon::run) made it a session of its
    /// own; else the daemon alone. A child that has left the session by setsid(2) is spared.
    #[default]
    Session,
    /// The daemon alone.
    Process,
}
