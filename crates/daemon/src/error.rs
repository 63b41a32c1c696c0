use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What can go wrong in the life of a daemon, in words fit to be printed once.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, locked, read or written.
    #[error("{}: {}", path.display(), words(source))]
    File {
        /// The file in question.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A system call that names no file failed.
    #[error("{call}: {}", words(source))]
    Call {
        /// The call's name, as in section 2 of the manual.
        call: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A process could not be signalled.
    #[error("process {pid}: {}", words(source))]
    Process {
        /// The process.
        pid: i32,
        /// What the kernel said.
        source: io::Error,
    },
    /// The pidfile is a directory, a device or a fifo.
    #[error("{}: is not a regular file", path.display())]
    NotRegular {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile is locked, but not the way a daemon of this library does it.
    #[error("{}: is locked by something that is no daemon of this kind", path.display())]
    Locked {
        /// The pidfile.
        path: PathBuf,
    },
    /// A daemon holds the pidfile, which contains no usable process id: it was written over.
    #[error("{}: is locked but holds no process id", path.display())]
    NoPid {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile is locked, but the process it names does not exist: the lock was left to a forked child,
    /// or the daemon lives in another pid namespace.
    #[error("{}: is locked, but there is no process {pid}", path.display())]
    Orphaned {
        /// The pidfile.
        path: PathBuf,
        /// The id it holds.
        pid: i32,
    },
    /// The pidfile belongs to a user who does not own the process that it names.
    #[error("{}: belongs to a user who does not own process {pid}", path.display())]
    Untrusted {
        /// The pidfile.
        path: PathBuf,
        /// The id it holds.
        pid: i32,
    },
    /// There is no daemon to be told something.
    #[error("{}: no daemon is running", path.display())]
    NotRunning {
        /// The pidfile.
        path: PathBuf,
    },
    /// A daemon that runs in the foreground found another one at its pidfile.
    #[error("{}: process {pid} is running already", path.display())]
    AlreadyRunning {
        /// The pidfile.
        path: PathBuf,
        /// The other daemon.
        pid: i32,
    },
    /// Another instance has been starting for so long that it was not waited for any further.
    #[error("{}: another instance is still starting after {after:?}", path.display())]
    StillStarting {
        /// The pidfile.
        path: PathBuf,
        /// How long it was waited for.
        after: Duration,
    },
    /// The daemon said why it could not start; or, in the foreground, why it ended.
    #[error("{message}")]
    Failed {
        /// Its own words.
        message: String,
    },
    /// The daemon died before it was ready and without a word.
    #[error("the daemon died before it was ready")]
    Died,
    /// The daemon was neither ready nor failed in time, and was killed.
    #[error("the daemon was not ready after {after:?} and was killed")]
    TimedOut {
        /// The time-out.
        after: Duration,
    },
    /// The process did not even end after SIGKILL: the kernel holds it (state D in ps).
    #[error("process {pid}: is still there {after:?} after SIGKILL")]
    Unkillable {
        /// The process.
        pid: i32,
        /// How long it was waited for.
        after: Duration,
    },
    /// Only a process of one thread can be forked, or change its environment, without risk.
    #[error("the process has {count} threads where it may have one only")]
    Threads {
        /// How many there are.
        count: usize,
    },
    /// A name that cannot be part of a file's name.
    #[error("{name:?}: is no name for a daemon")]
    Name {
        /// The name.
        name: String,
    },
    /// There is no directory for the default pidfile.
    #[error("no directory for a pidfile: XDG_RUNTIME_DIR is not set to a directory of this user")]
    NoRuntimeDirectory,
    /// No such user in the user database.
    #[error("{name}: there is no such user")]
    NoUser {
        /// The name.
        name: String,
    },
    /// No such group in the group database.
    #[error("{name}: there is no such group")]
    NoGroup {
        /// The name.
        name: String,
    },
    /// `NOTIFY_SOCKET` holds an address of a kind that is not supported.
    #[error("{address}: is neither an absolute path nor an abstract socket")]
    NotifyAddress {
        /// The address.
        address: String,
    },
}

impl Error {
    pub(super) fn file(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::File {
            path: path.to_path_buf(),
            source: source.into(),
        }
    }

    /// For `map_err`: names the call that failed.
    pub(super) fn call<E: Into<io::Error>>(call: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Call {
            call,
            source: source.into(),
        }
    }
}

/// The cause as a phrase: lower case, without the number that `io::Error` appends.
fn words(error: &io::Error) -> String {
    use nix::errno::Errno;
    let text = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ELOOP) => "is a symbolic link".to_owned(),
        Some(errno) => errno.desc().to_owned(),
        None => error.to_string(),
    };
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn a_cause_is_a_phrase() {
        let check = |errno: Errno, expected| {
            assert_eq!(
                Error::file(Path::new("/run/x.pid"), errno).to_string(),
                expected
            );
        };
        check(Errno::EISDIR, "/run/x.pid: is a directory");
        check(Errno::ELOOP, "/run/x.pid: is a symbolic link");
        check(Errno::ENOENT, "/run/x.pid: no such file or directory");
    }
}
