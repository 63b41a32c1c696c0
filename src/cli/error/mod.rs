//! Errors of commands, printed after `sampled: `.

mod demo;
mod foreign_owner;

use std::io;

use sampled::{client, config, install, service, source, systemd};

pub(crate) use demo::DemoError;
pub(crate) use foreign_owner::{ForeignOwner, ForeignReason};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The configuration was not read in time: its file system does not answer.
    #[error("{path}: {what}")]
    Unread { path: String, what: &'static str },
    #[error(transparent)]
    Service(#[from] service::Error),
    #[error(transparent)]
    Daemon(#[from] sampled::daemon::Error),
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error(transparent)]
    Systemd(#[from] systemd::Error),
    /// This process is in a sandbox and cannot reach the service.
    #[error(
        "{error}; {}. What /proc and /sys show in here is not the whole machine: --local reads that all the same",
        sandbox.remedy()
    )]
    Sandboxed {
        error: client::Error,
        sandbox: client::Sandbox,
    },
    /// There is no bus at the address that the environment gives.
    #[error(
        "{0}. DBUS_SESSION_BUS_ADDRESS gives this address; --local reads this machine without the service"
    )]
    Unreachable(#[source] client::Error),
    /// An error of a source that is read in-process, or of a directory of definitions.
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Install(#[from] install::Error),
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The process that owns the service's name is not sampled, or belongs to another user.
    #[error("{owner}: {effect}")]
    ForeignOwner {
        #[source]
        owner: ForeignOwner,
        effect: &'static str,
    },
    /// `restart` was given options, and systemd would start the service without them.
    #[error(
        "systemd has started process {pid} ({unit}), and would start it again without {options}: put that into the \
         unit by `systemctl --user edit --full {unit}`, or have a daemon of your own with these options by \
         `sampled stop` and `sampled start`"
    )]
    NotInUnit {
        pid: u32,
        unit: String,
        options: String,
    },
    /// The service that systemd has restarted has not taken its name.
    #[error(
        "systemd has restarted {unit}, and the service has not taken its name in time (see `systemctl --user status {unit}`)"
    )]
    NameNotTaken { unit: String },
    /// SIGINT has arrived, and everything is cleaned up.
    #[error("interrupted")]
    Interrupted,
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
    /// The program of `top` is missing.
    #[error(
        "{beside}: there is no such program, and PATH has no sampled-top either: install it, as by `cargo install sampled-top`"
    )]
    NoMonitor { beside: String },
    /// The kernel refused something that the command needs.
    #[error("{what}: {cause}")]
    Kernel {
        what: &'static str,
        #[source]
        cause: io::Error,
    },
}

impl Error {
    /// Whether the reader of standard output has gone, as in `sampled watch | head`.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
    }
}
