use std::fmt;

/// How a start has ended. Either way a daemon is running and ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Start {
    /// It is a new one.
    #[non_exhaustive]
    Started {
        /// Its process id.
        pid: i32,
    },
    /// It was there before, or another caller was quicker.
    #[non_exhaustive]
    AlreadyRunning {
        /// Its process id.
        pid: i32,
    },
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { pid } => write!(f, "started, process {pid}"),
            Self::AlreadyRunning { pid } => write!(f, "already running, process {pid}"),
        }
    }
}
