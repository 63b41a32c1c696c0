//! Processes whose open files the kernel denies: which of them may be using a GPU.
//!
//! The kernel shows the open files of a process to its own user, unless the process has privileges or asked to be left
//! alone (`PTRACE_MODE_READ_FSCREDS`, ptrace(2); `PR_SET_DUMPABLE`). Its status is readable for all.

use std::path::Path;

use crate::{regular_file, source::parse};

/// The text of `/proc/PID/status`, as far as it tells whether a process may be using a GPU.
///
/// ```text
/// Uid:    1000    1000    1000    1000
/// Groups:    24 44 1000
/// Threads:    12
/// CapPrm:    0000000000800000
/// ```
///
/// proc_pid_status(5)
#[derive(Debug, Default, PartialEq)]
struct ProcessStatus {
    /// `Uid`: the real user, who has started the process.
    uid: Option<u32>,
    /// `Groups`: the supplementary groups.
    groups: Vec<u32>,
    /// `Threads`.
    threads: Option<u32>,
    /// `CapPrm`: the permitted capabilities.
    cap_prm: Option<u64>,
}

/// `CAP_SYS_ADMIN` and `CAP_SYS_NICE` of linux/capability.h. DRM drivers let a process draw before others only with the
/// second (`amdgpu_ctx_priority_permit`, `validate_priority` of i915), and so compositors have it. Programs that capture
/// screens have the first.
const GRAPHICS_CAPABILITIES: u64 = 1 << 21 | 1 << 23;

/// The users that are persons: <https://systemd.io/UIDS-GIDS/>.
const PERSONS: std::ops::RangeInclusive<u32> = 1000..=60513;

/// Whether a process, whose open files are denied, may be using a GPU. `own` is the user of the service, `groups` are those
/// that may open the nodes of the GPU.
///
/// Daemons of the system are taken not to: nobody but root can see more of them, and every system has some.
pub(super) fn may_use_gpu(process: &Path, own: u32, groups: &[u32]) -> bool {
    match regular_file::table(&process.join("status")) {
        Ok(status) => ProcessStatus::parse(&status).may_use_gpu(own, groups),
        Err(_) => process.is_dir(),
    }
}

/// Whether a file of a process cannot be read because the process, or its file, is no longer there.
pub(super) fn has_ended(cause: &std::io::Error) -> bool {
    matches!(
        cause.raw_os_error(),
        Some(nix::libc::ENOENT | nix::libc::ESRCH)
    )
}

impl ProcessStatus {
    fn parse(text: &[u8]) -> Self {
        let mut status = Self::default();
        for line in parse::lines(text) {
            let Some((key, value)) = parse::pair(line) else {
                continue;
            };
            let numbers = || parse::fields(value).map_while(parse::number);
            let first = || u32::try_from(numbers().next()?).ok();
            match key {
                b"Uid" => status.uid = first(),
                b"Groups" => {
                    status.groups = numbers()
                        .filter_map(|group| group.try_into().ok())
                        .collect();
                }
                b"Threads" => status.threads = first(),
                b"CapPrm" => {
                    let digits = std::str::from_utf8(value).unwrap_or_default();
                    status.cap_prm = u64::from_str_radix(digits, 16).ok();
                }
                _ => {}
            }
        }
        status
    }

    fn may_use_gpu(&self, own: u32, groups: &[u32]) -> bool {
        match self.uid {
            // Root is denied nothing, unless it is confined.
            _ if own == 0 => true,
            None => true,
            Some(uid) if uid == own => {
                // (sd-pam), ssh-agent and wallets hide their memory. They have one thread, or no capability.
                let is_privileged = |set| set & GRAPHICS_CAPABILITIES != 0;
                self.threads.is_none_or(|threads| threads > 1)
                    && self.cap_prm.is_none_or(is_privileged)
            }
            Some(uid) if PERSONS.contains(&uid) => true,
            Some(_) => self.groups.iter().any(|group| groups.contains(group)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: &str, expected: bool) {
        let status = ProcessStatus::parse(status.as_bytes());
        assert_eq!(status.may_use_gpu(1000, &[44, 105]), expected, "{status:?}");
    }

    #[test]
    fn who_may_be_drawing() {
        // A compositor with CAP_SYS_NICE.
        check(
            "Name:\tkwin_wayland\nUid:\t1000\t1000\t1000\t1000\nThreads:\t14\nCapPrm:\t0000000000800000\n",
            true,
        );
        check(
            "Uid:\t1000\t1000\t1000\t1000\nThreads:\t1\nCapPrm:\t0000000000800000\n",
            false,
        );
        // A key ring with CAP_IPC_LOCK, a wallet without capabilities.
        check(
            "Uid:\t1000\t1000\t1000\t1000\nThreads:\t4\nCapPrm:\t0000000000004000\n",
            false,
        );
        check(
            "Uid:\t1000\t1000\t1000\t1000\nThreads:\t4\nCapPrm:\t0000000000000000\n",
            false,
        );
        // Another person; a daemon, and one that may open render nodes.
        check("Uid:\t1001\t1001\t1001\t1001\nThreads:\t1\n", true);
        check("Uid:\t0\t0\t0\t0\nGroups:\t \nThreads:\t1\n", false);
        check("Uid:\t110\t110\t110\t110\nGroups:\t110\n", false);
        check("Uid:\t110\t110\t110\t110\nGroups:\t105 110\n", true);
        // Without the facts, the process may be using a GPU.
        check("", true);
        check("Uid:\t1000\t1000\t1000\t1000\n", true);
        check("Uid:\tx\n", true);
        let root = ProcessStatus::parse(b"Uid:\t110\t110\t110\t110\n");
        assert!(root.may_use_gpu(0, &[]));
    }
}
