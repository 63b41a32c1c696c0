//! Confinement of the service and of the commands that it runs.
//!
//! In a systemd unit, the unit confines the service, and the user may edit that. Elsewhere the service confines itself:
//! no_new_privs, no core files, and a seccomp filter. None of these can be undone.

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

/// Confines this process, all its threads and its children. To be called before `NOTIFY_SOCKET` is removed from the
/// environment.
///
/// A step that the kernel refuses, as it may in a container, is skipped: the readings do not depend on it.
pub(crate) fn begin() {
    // For files that the service creates, such as a reopened log. Commands have their own umask.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let started = env::var_os("SYSTEMD_EXEC_PID");
    let is_notified = env::var_os("NOTIFY_SOCKET").is_some();
    if is_notified && is_own(started.as_deref(), process::id()) {
        debug!("confined as the unit says");
        return;
    }
    let limited = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    log_refusal("core files stay possible (RLIMIT_CORE)", limited);
    // An ordinary user may install a filter only with no_new_privs.
    let kept = prctl::set_no_new_privs();
    log_refusal("privileges can be gained (no_new_privs)", kept);
    match filter::install() {
        Ok(true) => {}
        Ok(false) => debug!("system calls are not filtered: not on this architecture"),
        Err(error) => log_refusal("system calls are not filtered (seccomp)", Err(error)),
    }
}

/// Whether systemd's variables are meant for this process and not inherited. systemd before version 248 does not set
/// `SYSTEMD_EXEC_PID`.
///
/// A unit without `NOTIFY_SOCKET` is not ours: dbus-broker makes one for each activation file.
fn is_own(started: Option<&OsStr>, own: u32) -> bool {
    started.is_none_or(|pid| pid.to_str() == Some(own.to_string().as_str()))
}

fn log_refusal(what: &str, outcome: Result<(), impl Display>) {
    if let Err(error) = outcome {
        info!("{what}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inherited_variables_of_systemd_are_ignored() {
        for (started, expected) in [(None, true), (Some("7"), true), (Some("8"), false)] {
            assert_eq!(is_own(started.map(OsStr::new), 7), expected, "{started:?}");
        }
    }
}
