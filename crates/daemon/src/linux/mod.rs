//! The modules from the bottom up: each imports only from those above it in this list.
//!
//! - `error`: the errors, with the exit status of a daemon that died.
//! - `sys`: system calls and /proc.
//! - `process`: another process, by its pidfd.
//! - `pidfile`: its locks; taking it, and finding the daemon that holds it.
//! - `setup`: the steps of daemon(7) that change one process.
//! - `readiness`: the pipe over which the daemon reports the outcome of its start.
//! - `detach`: fork, setsid, fork; the launcher, which waits for the outcome.
//! - `foreground`, `notify`: for a service under a supervisor.
//! - `signals`: the signals that stop and reload a service.
//! - `daemon`: settings and commands.

mod daemon;
mod detach;
mod error;
mod foreground;
mod notify;
mod pidfile;
mod process;
mod readiness;
mod setup;
mod signals;
mod sys;

pub use daemon::{Daemon, Privileged, Status};
pub use detach::detach;
pub use error::{Death, Error};
pub use foreground::{seclude, settle};
pub use notify::Notify;
pub use pidfile::Pidfile;
pub use process::{KillMode, Process, Stop};
pub use readiness::{Ready, Start};
pub use setup::{ListenFd, Stdio, listen_fds};
pub use signals::{Event, Signals};
