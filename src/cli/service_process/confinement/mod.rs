//! What the service gives up at its start, and the user's commands with it.
//!
//! In a unit of systemd, the unit says what the service may do, and its user may edit that. Elsewhere the service
//! confines itself: no new privileges, no core files, and a filter of system calls. None of it can be had back.

#[cfg_attr(
    not(all(
        target_pointer_width = "64",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        )
    )),
    path = "no_filter.rs"
)]
mod filter;

use std::{env, ffi::OsStr, fmt::Display, process};

use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
    stat::{Mode, umask},
};
use tracing::{debug, info};

/// Confines this process, all its threads and what it starts. Before `NOTIFY_SOCKET` is taken from the
/// environment.
///
/// What the kernel refuses, as it may in a container, is left out: the readings are right without it.
pub(crate) fn begin() {
    // Files that the service makes, such as a log that is opened again. Commands have their own.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let started = env::var_os("SYSTEMD_EXEC_PID");
    let is_notified = env::var_os("NOTIFY_SOCKET").is_some();
    if is_notified && is_own(started.as_deref(), process::id()) {
        debug!("confined as the unit says");
        return;
    }
    let limited = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    refused("core files stay possible (RLIMIT_CORE)", limited);
    // Without it, the kernel takes no filter from an ordinary user.
    let kept = prctl::set_no_new_privs();
    refused("privileges can be gained (no_new_privs)", kept);
    match filter::install() {
        Ok(true) => {}
        Ok(false) => debug!("system calls are not filtered: not on this architecture"),
        Err(error) => refused("system calls are not filtered (seccomp)", Err(error)),
    }
}

/// Whether what systemd has said is for this process, and not for one that has started it. Before version 248 systemd
/// does not tell.
///
/// A unit that asks for no notification is none of ours: dbus-broker makes one for each activation file.
fn is_own(started: Option<&OsStr>, own: u32) -> bool {
    started.is_none_or(|pid| pid.to_str() == Some(own.to_string().as_str()))
}

fn refused(what: &str, outcome: Result<(), impl Display>) {
    if let Err(error) = outcome {
        info!("{what}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_says_is_for_one_process() {
        for (started, expected) in [(None, true), (Some("7"), true), (Some("8"), false)] {
            assert_eq!(is_own(started.map(OsStr::new), 7), expected, "{started:?}");
        }
    }
}
