//! The service that runs: what `start`, `stop`, `restart`, `reload` and `status` share.
//!
//! They see both a daemon that `start` has detached, by its pidfile, and one that the bus or systemd
//! has started, or a person by `serve`, by its name on the bus.

mod options;
pub(crate) mod owner;
mod starter;

pub(crate) use options::DaemonOptions;
pub(crate) use starter::Starter;
