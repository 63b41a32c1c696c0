//! What shows of a process whether it is in a sandbox: files of its root, its control group, its label.
//!
//! The root is whatever the process has made of it, a network mount or FUSE for instance: all of this may block.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::regular_file;

use super::{
    Who, flatpak,
    snap::{self, Snap},
};

/// No `.flatpak-info` and no list of control groups is larger, in bytes.
const LARGEST: u64 = 64 << 10;

/// A process that has called, held so that its number cannot become another's.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    descriptor: OwnedFd,
}

impl Process {
    /// The process of this number, if there is one.
    pub(super) fn of_number(number: u32) -> Option<Self> {
        let pid = Pid::from_raw(number.try_into().ok()?)?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        Some(Self { pid, descriptor })
    }

    /// The process of a descriptor of pidfd_open(2); none if it has ended, or is in another pid namespace.
    pub(super) fn of_descriptor(descriptor: OwnedFd) -> Option<Self> {
        let path = format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd());
        let facts = regular_file::read(path.as_ref(), LARGEST).ok()?;
        let facts = String::from_utf8(facts).ok()?;
        let number = facts.lines().find_map(|line| line.strip_prefix("Pid:"))?;
        let pid = number.trim().parse().ok().filter(|&number| number > 0);
        let pid = Pid::from_raw(pid?)?;
        Some(Self { pid, descriptor })
    }

    /// Its number.
    pub(super) fn number(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    fn has_ended(&self) -> bool {
        let mut ended = [PollFd::from_borrowed_fd(
            self.descriptor.as_fd(),
            PollFlags::IN,
        )];
        poll(&mut ended, Some(&Timespec::default())) != Ok(0)
    }

    /// Who it is; nothing if it has ended. `label` is what the bus knows of its label.
    pub(super) fn look(&self, label: Option<&str>) -> Option<Who> {
        let who = self.who(label).unwrap_or_else(|unseen| {
            Who::Unknown(format!(
                "it cannot be seen whether it is in a sandbox ({unseen})"
            ))
        });
        // What was looked at is what was held.
        (!self.has_ended()).then_some(who)
    }

    fn who(&self, label: Option<&str>) -> Result<Who, String> {
        let number = self.number();
        let failed = |name: &str, cause: io::Error| format!("/proc/{number}/{name}: {cause}");
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let process = openat(CWD, format!("/proc/{number}"), directory, Mode::empty());
        let process = process.map_err(|cause| failed("", cause.into()))?;
        let root = openat(&process, "root", directory, Mode::empty());
        let root = root.map_err(|cause| failed("root", cause.into()))?;
        match read(root.as_fd(), ".flatpak-info") {
            Ok(text) => {
                let app = flatpak::app_id(&text);
                return Ok(app.map_or_else(
                    || Who::Unknown("its /.flatpak-info names no application".to_owned()),
                    |app| Who::Sandboxed(app.into()),
                ));
            }
            Err(cause) if Errno::from_io_error(&cause) == Some(Errno::NOENT) => {}
            Err(cause) => return Err(failed("root/.flatpak-info", cause)),
        }
        let groups = read(process.as_fd(), "cgroup").map_err(|cause| failed("cgroup", cause))?;
        let snap = label.and_then(snap::of_label);
        Ok(match snap.or_else(|| snap::of_cgroup(&groups)) {
            None => Who::Host,
            Some(Snap::Named(app)) => Who::Sandboxed(app.into()),
            Some(Snap::Unnamed) => Who::Unknown("it is a snap without a name".to_owned()),
        })
    }
}

/// A regular file of a directory, which is not followed anywhere else.
fn read(directory: BorrowedFd<'_>, name: &str) -> io::Result<String> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty())?);
    let about = regular_file::check(&file)?;
    let text = regular_file::rest(file, &about, LARGEST)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command};

    use super::*;

    #[test]
    fn a_descriptor_says_which_process_it_is_of() {
        let own = Process::of_number(process::id()).unwrap();
        let number = own.number();
        let same = Process::of_descriptor(own.descriptor).unwrap();
        assert_eq!(same.number(), number);
        assert!(same.look(None).is_some());
        // One of something else.
        let file = File::open("/proc/self/stat").unwrap();
        assert!(Process::of_descriptor(file.into()).is_none());
        assert!(Process::of_number(0).is_none());
        assert!(Process::of_number(u32::MAX).is_none());
    }

    #[test]
    fn nothing_is_said_of_a_process_that_has_ended() {
        let mut child = Command::new("true").spawn().unwrap();
        let held = Process::of_number(child.id()).unwrap();
        child.wait().unwrap();
        assert_eq!(held.look(None), None);
        assert_eq!(held.look(Some("snap.example.app")), None);
    }
}
