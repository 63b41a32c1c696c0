//! How a process of the service was started.

use std::{fmt, fs};

/// How a process of the service was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Starter {
    Start,
    Bus,
    Systemd,
    Hand,
}

impl Starter {
    /// Derived from the environment and arguments of a process that does not hold the pidfile.
    pub(crate) fn of(pid: u32) -> Self {
        let strings = |file| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let environment = strings("environ");
        let has = |start: &str| {
            let mut variables = environment.split(|&byte| byte == 0);
            variables.any(|variable| variable.starts_with(start.as_bytes()))
        };
        let is_detached = || {
            let arguments = strings("cmdline");
            let mut arguments = arguments.split(|&byte| byte == 0);
            arguments.any(|argument| [&b"start"[..], b"restart"].contains(&argument))
        };
        if has(&format!("SYSTEMD_EXEC_PID={pid}")) {
            Self::Systemd
        } else if has("DBUS_STARTER_ADDRESS=") {
            Self::Bus
        } else if is_detached() {
            Self::Start
        } else {
            Self::Hand
        }
    }

    /// Its name in JSON.
    pub(crate) fn json_name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Bus => "bus",
            Self::Systemd => "systemd",
            Self::Hand => "hand",
        }
    }
}

impl fmt::Display for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "detached by `sampled start`",
            Self::Bus => "started by the session bus",
            Self::Systemd => "started by systemd",
            Self::Hand => "started by hand",
        })
    }
}
