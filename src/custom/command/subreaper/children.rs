//! The children of a subreaper.

use std::{fs, process};

// The pid of `subreaper`.
use rustix::process::{Pid, Signal, kill_process};

use crate::custom::command::pid_stat::Stat;

/// Kills the children of this process. Their pids cannot be reused before they are reaped. Their own children are
/// then reparented to this process, for the next call.
pub(super) fn kill() {
    for child in list() {
        let _ = kill_process(child, Signal::KILL);
    }
}

/// The children of this process. The kernel's list may leave out a child while another one ends, see proc(5).
fn list() -> Vec<Pid> {
    let pid = |text: &str| Pid::from_raw(text.parse().ok()?);
    // The file does not exist without CONFIG_PROC_CHILDREN.
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
