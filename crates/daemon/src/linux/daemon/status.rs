use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use crate::linux::error::Error;
use crate::linux::pidfile::{self, PidfileState, Stage};
use crate::linux::sys::proc;

/// The daemon's state. Numbers in brackets are the Linux Standard Base's exit statuses for `status`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Status {
    /// It is running and ready (0).
    #[non_exhaustive]
    Running {
        /// Its process id.
        pid: i32,
        /// The start time of its process; `None` where /proc does not show it.
        since: Option<SystemTime>,
    },
    /// It is running but not ready yet (0, because it is alive; and its caller still waits).
    #[non_exhaustive]
    Starting {
        /// Its process id.
        pid: i32,
    },
    /// It was killed and its pidfile is left (1). The next start takes the file over.
    Dead,
    /// It is not running (3).
    NotRunning,
    /// The state is unknown (4).
    #[non_exhaustive]
    Unknown {
        /// The cause.
        why: Error,
    },
}

impl Status {
    /// The exit status of the Linux Standard Base for this state.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Running { .. } | Self::Starting { .. } => 0,
            Self::Dead => 1,
            Self::NotRunning => 3,
            Self::Unknown { .. } => 4,
        }
    }
}

impl Status {
    /// The state of the daemon with this pidfile.
    pub(super) fn observe(path: &Path) -> Result<Self, Error> {
        let holder = match pidfile::observe(path)? {
            PidfileState::Absent | PidfileState::Free { empty: true } => {
                return Ok(Self::NotRunning);
            }
            PidfileState::Free { empty: false } => return Ok(Self::Dead),
            PidfileState::Held(holder) => holder,
        };
        let pid = holder.pid;
        Ok(match holder.stage {
            Stage::Ready => Self::Running {
                pid,
                since: proc::started(pid),
            },
            Stage::Locked | Stage::PidWritten => Self::Starting { pid },
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { pid, since } => {
                f.write_str("running")?;
                if let Some(age) = since.and_then(|since| since.elapsed().ok()) {
                    write!(f, " for {} s", age.as_secs())?;
                }
                write!(f, ", process {pid}")
            }
            Self::Starting { pid } => write!(f, "starting, process {pid}"),
            Self::Dead => f.write_str("dead, its pidfile is left"),
            Self::NotRunning => f.write_str("not running"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}
