//! The environment of a daemon.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::listen_fds;
use crate::linux::error::Error;
use crate::linux::sys;

/// The variables that a supervisor sets for one process: see sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
const SUPERVISOR_VARIABLES: [&str; 6] = [
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Removes the supervisor's variables, and no others. [`listen_fds`](super::listen_fds()) still finds the sockets.
pub(crate) fn remove_supervisor_variables() -> Result<(), Error> {
    listen_fds::remember();
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    SUPERVISOR_VARIABLES
        .iter()
        .filter(|name| is_set(name))
        .try_for_each(|name| sys::variables::remove(OsStr::new(name)))
}

/// Removes all variables except these. Also removes entries that are no variables, such as `=x=y`.
pub(crate) fn keep_only(names: &[OsString]) -> Result<(), Error> {
    let kept: Vec<_> = std::env::vars_os()
        .filter(|(name, _)| names.contains(name) && is_name(name))
        .collect();
    sys::variables::clear()?;
    kept.iter()
        .try_for_each(|(name, value)| sys::variables::set(name, value))
}

fn is_name(name: &OsStr) -> bool {
    !name.is_empty() && !name.as_bytes().contains(&b'=')
}
