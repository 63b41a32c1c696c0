//! The children of a guard.

use std::{fs, process};

use rustix::process::{Pid, Signal, kill_process};

use super::pid_stat::Stat;

/// Kills its own children, whose numbers are nobody else's until they are reaped. Their children are its
/// own then, and next.
pub(super) fn kill() {
    for child in list() {
        let _ = kill_process(child, Signal::KILL);
    }
}

/// Its own children, as far as the kernel tells: it may leave out one while another ends.
fn list() -> Vec<Pid> {
    let pid = |text: &str| Pid::from_raw(text.parse().ok()?);
    // Where CONFIG_PROC_CHILDREN is not set there is no such file.
    if let Ok(list) = fs::read_to_string("/proc/thread-self/children") {
        return list.split_ascii_whitespace().filter_map(pid).collect();
    }
    let own = process::id();
    let is_own = |name: &str| {
        let stat = fs::read(format!("/proc/{name}/stat")).ok()?;
        (Stat::parse(&stat)?.parent == own).then_some(())
    };
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| is_own(name).is_some())
        .filter_map(|name| pid(&name))
        .collect()
}
