//! The options of the commands that control the daemon.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use sampled::{daemon::Daemon, duration};

use super::pidfile;
use crate::cli::deadline::Deadline;

/// The options of `start`, `stop`, `restart`, `reload` and `status`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DaemonOptions {
    /// The pidfile [default: sampled.pid in $XDG_RUNTIME_DIR; with another bus than the user's own, sampled-HASH.pid]
    #[arg(long, value_name = "FILE")]
    pub(crate) pidfile: Option<PathBuf>,
    /// The time limit of the command, including the start or the end of the daemon and the replies of the bus. A daemon
    /// that has not ended by then is killed; `restart` kills it after half of the time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10s")]
    pub(crate) timeout: Duration,
    /// Append the log and output of the daemon to FILE, if it is started [default: discard them]
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
}

impl DaemonOptions {
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::within(self.timeout)
    }

    pub(crate) fn daemon(&self) -> Daemon {
        let daemon = Daemon::new("sampled")
            .ready_timeout(self.timeout)
            .stop_timeout(self.timeout);
        match self.pidfile.clone().or_else(pidfile::default_path) {
            Some(path) => daemon.pidfile(path),
            // Without a directory for a pidfile, the name on the bus keeps a second service from running.
            None => daemon.pidfile_if_free(true),
        }
    }
}
