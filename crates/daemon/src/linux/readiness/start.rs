use std::fmt;

/// The outcome of a start. In each case a daemon is running and ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Start {
    /// This call has started it.
    #[non_exhaustive]
    Started {
        /// Its process id.
        pid: i32,
    },
    /// It was running before, or a concurrent start was faster.
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
