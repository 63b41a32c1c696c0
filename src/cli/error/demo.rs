//! Errors of `sampled demo`.

use std::{io, path::PathBuf};

use sampled::{client, install, wire::NAME};

/// Why `sampled demo` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("there is no dbus-daemon: install dbus-daemon (Debian: apt install dbus-daemon)")]
    NoDaemon,
    #[error("dbus-daemon does not start: {log}")]
    Daemon { log: String },
    #[error("{}: {cause}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error(transparent)]
    Install(#[from] install::Error),
    #[error("{name} owns {NAME} before anybody has called it")]
    Owned { name: String },
    #[error("the service has ended in the middle of a session")]
    Left,
    #[error("process {pid} sends no frame")]
    Silent { pid: u32 },
    #[error("process {pid} does not end")]
    Stays { pid: u32 },
}
