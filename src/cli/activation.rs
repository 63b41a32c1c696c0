//! Whether the session bus or systemd has started this process.

use std::{env, process};

/// Whether the bus or systemd has started this process, and not a person.
///
/// The parent process does not tell: dbus-daemon starts services as children of init.
pub(crate) fn is_activated() -> bool {
    let own = process::id().to_string();
    env::var_os("DBUS_STARTER_ADDRESS").is_some()
        || env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == own)
}
