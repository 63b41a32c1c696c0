//! What a command can fail with: what is printed behind `sampled: `.

mod demo;
mod stranger;

use std::io;

use sampled::{client, config, install, service, source};

pub(crate) use demo::DemoError;
pub(crate) use stranger::{NotOurs, Stranger};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The configuration, where its file system does not answer.
    #[error("{path}: {what}")]
    Unread { path: String, what: &'static str },
    #[error(transparent)]
    Service(#[from] service::Error),
    #[error(transparent)]
    Daemon(#[from] sampled::daemon::Error),
    #[error(transparent)]
    Client(#[from] client::Error),
    /// There is no way to the service, and a sandbox is around this process.
    #[error(
        "{error}; {}. What /proc and /sys show in here is not the whole machine: --procfs /proc reads that all the same",
        sandbox.remedy()
    )]
    Sandboxed {
        error: client::Error,
        sandbox: client::Sandbox,
    },
    /// What is read in-process, or a directory of definitions of sources.
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Install(#[from] install::Error),
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// What has the name of the service is not sampled, or not this user's.
    #[error("{stranger}: {effect}")]
    Stranger {
        #[source]
        stranger: Stranger,
        effect: &'static str,
    },
    /// `restart` was given what does not reach a service that systemd starts.
    #[error(
        "systemd has started process {pid} ({unit}), and would start it again without {options}: put that into the \
         unit by `systemctl --user edit --full {unit}`, or have a daemon of your own with these options by \
         `sampled stop` and `sampled start`"
    )]
    Unreachable {
        pid: u32,
        unit: String,
        options: String,
    },
    /// The service that systemd has restarted does not serve.
    #[error(
        "systemd has restarted {unit}, and that has not taken its name in time (see `systemctl --user status {unit}`)"
    )]
    Nameless { unit: String },
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
    /// The kernel refused what no program can do without.
    #[error("{what}: {cause}")]
    Kernel {
        what: &'static str,
        #[source]
        cause: io::Error,
    },
}

impl Error {
    /// Whether it is just that nobody reads what is printed any more, as in `sampled watch | head`.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
    }
}
