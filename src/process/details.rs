//! The details of a process beyond its stat, which are read on demand.

use std::{io::Read, os::fd::OwnedFd, sync::Arc, time::Duration};

use nix::{
    time::ClockId,
    unistd::{Uid, User},
};
// As in `stat_reader`, which the errors go to.
use rustix::{
    fs::{AtFlags, Mode, OFlags, openat, readlinkat, statat},
    io::Errno,
};

use crate::{
    process::{cgroup::Cgroup, files::Files, task_runner::Task},
    reading::{Fault, Reading, Value, clock},
};

/// A request that may block: for files of a process, or for the name of a user, which may come from a server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Request {
    Process { pid: u32, files: Files },
    User(u32),
}

/// The key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Process(u32),
    User(u32),
}

impl Task for Request {
    type Key = Subject;

    fn key(&self) -> Subject {
        match self {
            Self::Process { pid, .. } => Subject::Process(*pid),
            Self::User(uid) => Subject::User(*uid),
        }
    }
}

/// The response to a request.
#[derive(Debug)]
pub(super) enum Response {
    Process(Box<Details>),
    User(Arc<str>),
}

/// The details of a process; none for a file that the request did not include.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) command_line: Option<Reading>,
    pub(super) executable: Option<Result<Executable, Fault>>,
    pub(super) cgroup: Option<Result<Cgroup, Fault>>,
    pub(super) io: Option<Result<Io, Fault>>,
    pub(super) pss: Option<Result<u64, Fault>>,
    pub(super) swap: Option<Result<u64, Fault>>,
    /// Whether a file could not be opened because too many files are open.
    pub(super) lacks_descriptors: bool,
}

impl Details {
    /// The details if none of the files could be read, for one reason.
    pub(super) fn failed(files: Files, fault: Fault) -> Self {
        fn of<T>(is_asked: bool, fault: Fault) -> Option<Result<T, Fault>> {
            is_asked.then_some(Err(fault))
        }
        Self {
            command_line: of(files.has(Files::COMMAND_LINE), fault),
            executable: of(files.has(Files::EXECUTABLE), fault),
            cgroup: of(files.has(Files::CGROUP), fault),
            io: of(files.has(Files::IO), fault),
            pss: of(files.has(Files::PSS), fault),
            swap: of(files.has(Files::SWAP), fault),
            lacks_descriptors: false,
        }
    }
}

/// The file that a process executes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Executable {
    pub(super) path: Arc<str>,
    /// Whether the file has been removed or replaced since the process started it.
    pub(super) is_deleted: bool,
}

/// The counters of `/proc/PID/io` and the moment at which they were read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Io {
    /// The moment on CLOCK_MONOTONIC, which stands still during a suspend, and on CLOCK_BOOTTIME, which does not.
    pub(super) monotonic: Duration,
    pub(super) boottime: Duration,
    /// The line read_bytes.
    pub(super) read: Result<u64, Fault>,
    /// The line write_bytes.
    pub(super) write: Result<u64, Fault>,
}

/// The limit for a command line; a program may have megabytes of arguments.
const LONGEST_COMMAND_LINE: u64 = 32 * 1024;

/// The limit for any other file.
const LONGEST: u64 = 64 * 1024;

/// The bytes that the first read of a file asks for: most are shorter, and take one read and one that finds the end.
const FIRST_READ: usize = 2048;

/// Answers a request, below this directory. It may never return.
pub(super) fn answer(proc: &OwnedFd, request: &Request) -> Response {
    match *request {
        Request::User(uid) => {
            let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
            let name = user.map_or_else(|| uid.to_string(), |user| user.name);
            Response::User(name.into())
        }
        Request::Process { pid, files } => Response::Process(Box::new(read(proc, pid, files))),
    }
}

fn read(proc: &OwnedFd, pid: u32, files: Files) -> Details {
    let mut details = Details::default();
    let mut lacks_descriptors = false;
    let mut fault = |cause: Errno| {
        lacks_descriptors |= matches!(cause, Errno::MFILE | Errno::NFILE);
        self::fault(cause)
    };
    let mut file = |name: &str, limit| whole(proc, pid, name, limit).map_err(&mut fault);
    if files.has(Files::COMMAND_LINE) {
        let text = file("cmdline", LONGEST_COMMAND_LINE);
        details.command_line = Some(text.map(|text| Value::Text(command_line(&text))));
    }
    if files.has(Files::CGROUP) {
        let text = file("cgroup", LONGEST);
        let cgroup = text.and_then(|text| Cgroup::parse(&text).ok_or(Fault::Malformed));
        details.cgroup = Some(cgroup);
    }
    if files.has(Files::IO) {
        let text = file("io", LONGEST);
        details.io = Some(text.map(|text| Io::parse(&text)));
    }
    if files.has(Files::PSS) {
        let text = file("smaps_rollup", LONGEST);
        let pss = text.and_then(|text| kilobytes(&text, b"Pss:").ok_or(Fault::Malformed));
        details.pss = Some(pss);
    }
    if files.has(Files::SWAP) {
        // A process without memory has no such line: it has just ended.
        let text = file("status", LONGEST);
        let swap = text.and_then(|text| kilobytes(&text, b"VmSwap:").ok_or(Fault::Gone));
        details.swap = Some(swap);
    }
    if files.has(Files::EXECUTABLE) {
        let link = readlinkat(proc, format!("{pid}/exe"), Vec::new());
        let executable = link.map(|link| Executable::of(proc, pid, link.as_bytes()));
        details.executable = Some(executable.map_err(&mut fault));
    }
    details.lacks_descriptors = lacks_descriptors;
    details
}

/// The fault that a client gets for an error.
pub(super) fn fault(cause: Errno) -> Fault {
    match cause {
        Errno::ACCESS | Errno::PERM => Fault::Denied,
        Errno::NOENT | Errno::SRCH => Fault::Gone,
        _ => Fault::Stale,
    }
}

fn whole(proc: &OwnedFd, pid: u32, name: &str, limit: u64) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(proc, format!("{pid}/{name}"), flags, Mode::empty())?;
    let mut text = Vec::with_capacity(FIRST_READ);
    let read = std::fs::File::from(file).take(limit).read_to_end(&mut text);
    read.map_err(|cause| Errno::from_io_error(&cause).unwrap_or(Errno::IO))?;
    Ok(text)
}

/// The arguments with blanks in between. Each ends with a zero byte. A process that has written a title over its
/// arguments may have left zero bytes behind it.
fn command_line(text: &[u8]) -> Arc<str> {
    let end = text.iter().rposition(|&byte| byte != 0);
    let text = end.map_or(&[][..], |end| &text[..=end]);
    String::from_utf8_lossy(text).replace('\0', " ").into()
}

/// Bytes of the kernel as a text for D-Bus: bytes that are not UTF-8 become U+FFFD, and zero bytes blanks.
pub(super) fn lossy_text(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).replace('\0', " ").into()
}

impl Executable {
    /// The kernel writes ` (deleted)` after the path of a file that has been removed (`d_path` of fs/d_path.c). A file may
    /// have such a name, too: then the path leads to the file that the process executes.
    fn of(proc: &OwnedFd, pid: u32, link: &[u8]) -> Self {
        let removed = link.strip_suffix(b" (deleted)").filter(|_| {
            let is = |path: &[u8]| {
                let status = statat(proc, path, AtFlags::empty()).ok()?;
                Some((status.st_dev, status.st_ino))
            };
            let executed = is(format!("{pid}/exe").as_bytes());
            executed.is_none() || executed != is(link)
        });
        Self {
            path: lossy_text(removed.unwrap_or(link)),
            is_deleted: removed.is_some(),
        }
    }
}

impl Io {
    fn parse(text: &[u8]) -> Self {
        let number = |name: &[u8]| number(text, name).ok_or(Fault::Malformed);
        Self {
            monotonic: clock(ClockId::CLOCK_MONOTONIC),
            boottime: clock(ClockId::CLOCK_BOOTTIME),
            read: number(b"read_bytes:"),
            write: number(b"write_bytes:"),
        }
    }
}

fn number(text: &[u8], name: &[u8]) -> Option<u64> {
    let value = value(text, name)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The number of bytes on the line that begins with this name and ends with `kB`.
fn kilobytes(text: &[u8], name: &[u8]) -> Option<u64> {
    let value = value(text, name)?.strip_suffix(b" kB")?;
    let kilobytes: u64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

fn value<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = text.split_inclusive(|&byte| byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(name))?;
    // A cut line may have lost digits.
    Some(line.strip_suffix(b"\n")?.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        #[track_caller]
        fn check(text: &[u8], expected: &str) {
            assert_eq!(&*command_line(text), expected);
        }
        check(b"", "");
        check(b"ls\0-l\0a b\0", "ls -l a b");
        check(b"ls\0\0x\0", "ls  x");
        check(b"postgres: writer\0\0\0\0", "postgres: writer");
        check(b"sshd: root", "sshd: root");
        check(b"a\nb\xff\0", "a\nb\u{fffd}");
        check(b"\0\0", "");
    }

    #[test]
    fn lines() {
        let text = b"rchar: 1\nread_bytes: 4096\nwrite_bytes: 18446744073709551615\ncancelled_write_bytes: 0\n";
        let io = Io::parse(text);
        assert_eq!((io.read, io.write), (Ok(4096), Ok(u64::MAX)));
        let malformed = Err(Fault::Malformed);
        let io = Io::parse(b"read_bytes: -1\nwrite_bytes: 12\n");
        assert_eq!((io.read, io.write), (malformed, Ok(12)));
        let io = Io::parse(b"read_bytes: 1\nwrite_bytes: 12");
        assert_eq!((io.read, io.write), (Ok(1), malformed));
        assert_eq!(
            kilobytes(b"Rss: 9 kB\nPss:      12 kB\n", b"Pss:"),
            Some(12288)
        );
        assert_eq!(kilobytes(b"Pss: 12\n", b"Pss:"), None);
        assert_eq!(kilobytes(b"", b"Pss:"), None);
    }
}
