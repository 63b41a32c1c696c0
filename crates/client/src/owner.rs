//! The owner of the service's name, and its pid.

use std::{
    fs::{self, File},
    io::Read,
    os::fd::{AsFd, AsRawFd},
    path::Path,
    process,
};

/// The owner of the service's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its unique name, which the bus gives to no other connection.
    pub name: String,
    /// Its pid in the pid namespace of this process; `None` if that is unknown.
    ///
    /// A pid is a number of one pid namespace. Read by a bus or a /proc of another namespace, it is the number of a
    /// stranger here.
    pub pid: Option<u32>,
}

/// Whether /proc numbers processes as this process does. It does not if it was mounted in another pid namespace.
pub(crate) fn proc_is_own() -> bool {
    fs::read_link("/proc/self").is_ok_and(|own| own == Path::new(&process::id().to_string()))
}

/// The pid of the process that a pidfd refers to, as /proc numbers it. `None` if the process has ended, or is not in
/// the namespace of /proc.
pub(crate) fn pid_of_pidfd(pidfd: impl AsFd) -> Option<u32> {
    /// The kernel writes less than 200 bytes.
    const MAX_BYTES: u64 = 4096;
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd());
    let mut fdinfo = String::new();
    let file = File::open(path).ok()?.take(MAX_BYTES);
    { file }.read_to_string(&mut fdinfo).ok()?;
    let pid = fdinfo.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    // 0 for a process in another namespace, -1 for one that has ended.
    pid.trim().parse().ok().filter(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

    use super::*;

    #[test]
    fn a_pidfd_has_the_pid_of_its_process_until_that_is_reaped() {
        let own = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
        assert_eq!(pid_of_pidfd(&own), Some(process::id()));
        let mut child = Command::new("true").spawn().unwrap();
        let pid = Pid::from_raw(child.id() as i32).unwrap();
        let held = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        assert_eq!(pid_of_pidfd(&held), Some(child.id()));
        child.wait().unwrap();
        assert_eq!(pid_of_pidfd(&held), None);
        assert_eq!(pid_of_pidfd(File::open("/dev/null").unwrap()), None);
    }

    #[test]
    fn proc_of_this_namespace_is_recognised() {
        assert!(proc_is_own());
    }
}
