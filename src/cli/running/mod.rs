//! The running service, for `start`, `stop`, `restart`, `reload` and `status`.
//!
//! These commands find a daemon that `start` has detached by its pidfile, and a service that the bus, systemd or a
//! person (`serve`) has started by its name on the bus.

mod held_process;
pub(crate) mod name_owner;
mod options;
pub(crate) mod paths;
mod pidfile;
mod starter;

pub(crate) use held_process::HeldProcess;
pub(crate) use options::DaemonOptions;
pub(crate) use starter::Starter;
