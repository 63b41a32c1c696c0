//! From the bottom up; a folder stands on those above it in this list.
//!
//! - `error`: the errors, with how a daemon died.
//! - `sys`: system calls and /proc.
//! - `process`: another process, held by a pidfd.
//! - `pidfile`: its locks; taking it, and finding the daemon that holds it.
//! - `setup`: the steps of daemon(7) that change one process.
//! - `readiness`: the pipe over which the daemon tells how its start went.
//! - `detach`: fork, setsid, fork; the launcher that waits.
//! - `foreground`, `notify`: for a service that a supervisor runs.
//! - `daemon`: settings and verbs.

mod daemon;
mod detach;
mod error;
mod foreground;
mod notify;
mod pidfile;
mod process;
mod readiness;
mod setup;
mod sys;

pub use daemon::{Daemon, Status};
pub use detach::detach;
pub use error::{Death, Error};
pub use foreground::{seclude, settle};
pub use notify::Notify;
pub use pidfile::Pidfile;
pub use process::{KillMode, Process, Stop};
pub use readiness::{Ready, Start};
pub use setup::Stdio;
