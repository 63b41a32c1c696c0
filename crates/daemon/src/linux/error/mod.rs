mod constructors;
mod death;
mod text;

use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::geteuid;

pub use death::Death;
use text::{cause_text, lock_owner, thread_list, with_causes};

/// The failures in the life of a daemon.
///
/// `Display` and `Debug` are the same: one line for a person, causes included. So `main` may return it, and there is
/// no [`source`](std::error::Error::source) that would say a part of it twice.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, locked, read or written.
    #[error("{}: {}", path.display(), cause_text(cause))]
    #[non_exhaustive]
    File {
        /// The file in question.
        path: PathBuf,
        /// The kernel's answer.
        cause: io::Error,
    },
    /// A system call that names no file failed.
    #[error("{call}: {}", cause_text(cause))]
    #[non_exhaustive]
    Call {
        /// The call's name, as in section 2 of the manual.
        call: &'static str,
        /// The kernel's answer.
        cause: io::Error,
    },
    /// A process could not be opened or signalled.
    #[error("process {pid}: {}", cause_text(cause))]
    #[non_exhaustive]
    Process {
        /// The process.
        pid: i32,
        /// The kernel's answer.
        cause: io::Error,
    },
    /// The kernel, a sandbox or a container lacks something for which there is no safe substitute.
    #[error("{what}")]
    #[non_exhaustive]
    Unsupported {
        /// The missing part.
        what: &'static str,
    },
    /// A path is empty.
    #[error("the path of a file is empty")]
    EmptyPath,
    /// A relative path means nothing, because the current directory has been removed.
    #[error("{}: the current directory does not exist any more, so give an absolute path", path.display())]
    #[non_exhaustive]
    NoCurrentDirectory {
        /// The relative path.
        path: PathBuf,
    },
    /// The pidfile is a symbolic link, which may lead to anybody's file.
    #[error("{}: is a symbolic link", path.display())]
    #[non_exhaustive]
    SymbolicLink {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile is a directory, a device or a FIFO.
    #[error("{}: is not a regular file", path.display())]
    #[non_exhaustive]
    NotRegular {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile has another name as well. It may be anybody's file, so it is neither written nor believed.
    #[error("{}: is a hard link to a file that has another name", path.display())]
    #[non_exhaustive]
    HardLink {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile belongs to another user than the one who starts the daemon.
    #[error("{}: belongs to user {user}, not to user {}", path.display(), geteuid())]
    #[non_exhaustive]
    NotOwned {
        /// The pidfile.
        path: PathBuf,
        /// The user id of its owner.
        user: u32,
    },
    /// The pidfile is locked for writing, but not the way a daemon of this library does it.
    #[error("{}: is locked by {}, which is no daemon of this kind", path.display(), lock_owner(*pid))]
    #[non_exhaustive]
    Locked {
        /// The pidfile.
        path: PathBuf,
        /// The process that has the lock, if it shows.
        pid: Option<i32>,
    },
    /// Another process has a lock for reading on the pidfile, and no new file can be put in its place.
    #[error("{}: is locked for reading by {}, and cannot be replaced: {}", path.display(), lock_owner(*pid), cause_text(cause))]
    #[non_exhaustive]
    ReadLocked {
        /// The pidfile.
        path: PathBuf,
        /// The process that has the lock, if it shows.
        pid: Option<i32>,
        /// The kernel's answer.
        cause: io::Error,
    },
    /// The pidfile is locked, but by no daemon that is known to live: a child that shares its open file has outlived
    /// it; or it is of version 0.1.0 and its locks cannot be seen in /proc.
    #[error("{}: is locked by {}, which is not known as a daemon; perhaps a dead daemon's child", path.display(), lock_owner(*pid))]
    #[non_exhaustive]
    Orphaned {
        /// The pidfile.
        path: PathBuf,
        /// The process that has the lock, if it shows.
        pid: Option<i32>,
    },
    /// The pidfile is held by a daemon that has no process id here.
    #[error("{}: is held by a daemon in another pid namespace or on another machine", path.display())]
    #[non_exhaustive]
    Elsewhere {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile belongs to a user who is not known to own the process that holds it.
    #[error("{}: belongs to user {owner}, who is not known to own process {pid}", path.display())]
    #[non_exhaustive]
    Untrusted {
        /// The pidfile.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// The process that holds it.
        pid: i32,
    },
    /// There is no daemon that could be told to reload.
    #[error("{}: no daemon is running", path.display())]
    #[non_exhaustive]
    NotRunning {
        /// The pidfile.
        path: PathBuf,
    },
    /// A daemon that runs in the foreground found another one at its pidfile.
    #[error("{}: process {pid} is running already", path.display())]
    #[non_exhaustive]
    AlreadyRunning {
        /// The pidfile.
        path: PathBuf,
        /// The other daemon.
        pid: i32,
    },
    /// Another instance was still starting when the time-out was over.
    #[error("{}: another instance is still starting after {after:?}", path.display())]
    #[non_exhaustive]
    StillStarting {
        /// The pidfile.
        path: PathBuf,
        /// How long it was waited for.
        after: Duration,
    },
    /// The daemon said why it could not start; or, in the foreground, why it ended.
    #[error("{}", with_causes(message, causes))]
    #[non_exhaustive]
    Failed {
        /// The service's own words.
        message: String,
        /// The causes of that, the nearest first.
        causes: Vec<String>,
    },
    /// The daemon ended before it was ready and without a word.
    #[error("the daemon died before it was ready: it {how}")]
    #[non_exhaustive]
    Died {
        /// How it ended.
        how: Death,
    },
    /// The daemon was neither ready nor failed in time, and was killed.
    #[error("the daemon was not ready after {after:?} and was killed")]
    #[non_exhaustive]
    TimedOut {
        /// The time-out.
        after: Duration,
    },
    /// The process that [`verify`](crate::Daemon::verify) starts ended without an answer.
    #[error("the check before the start gave no answer: its process {how}")]
    #[non_exhaustive]
    CheckDied {
        /// How it ended.
        how: Death,
    },
    /// The process that [`verify`](crate::Daemon::verify) starts gave no answer in time, and was killed.
    #[error("the check before the start took longer than {after:?} and was killed")]
    #[non_exhaustive]
    CheckTimedOut {
        /// The time-out.
        after: Duration,
    },
    /// The process did not even end after SIGKILL: the kernel holds it (state D in ps), or it is process 1 of a
    /// container that is asked from inside.
    #[error("process {pid}: is still there {after:?} after SIGKILL")]
    #[non_exhaustive]
    Unkillable {
        /// The process.
        pid: i32,
        /// How long it was waited for.
        after: Duration,
    },
    /// Only a process of one thread can be forked, or change its environment, without risk.
    #[error(
        "the process has {} where it may have one thread only",
        thread_list(names)
    )]
    #[non_exhaustive]
    Threads {
        /// The names of its threads, as in proc_pid_comm(5). Empty if /proc does not show them.
        names: Vec<String>,
    },
    /// An async runtime was entered before the daemon was started. It would be shared with the caller.
    #[error(
        "descriptor {fd} is an epoll instance: start the daemon first, and enter the runtime in the service"
    )]
    #[non_exhaustive]
    Runtime {
        /// The runtime's descriptor.
        fd: RawFd,
    },
    /// A name that cannot be part of a file's name.
    #[error("{name:?}: is no name for a daemon")]
    #[non_exhaustive]
    Name {
        /// The name.
        name: String,
    },
    /// There is no directory for the default pidfile.
    #[error("no directory for a pidfile: XDG_RUNTIME_DIR is not set to a directory of this user")]
    NoRuntimeDirectory,
    /// No such user in the user database.
    #[error("{name}: there is no such user")]
    #[non_exhaustive]
    NoUser {
        /// The name.
        name: String,
    },
    /// No such group in the group database.
    #[error("{name}: there is no such group")]
    #[non_exhaustive]
    NoGroup {
        /// The name.
        name: String,
    },
    /// The process may not become that user or group; only root may.
    #[error("cannot become {name}: {call}: {}", cause_text(cause))]
    #[non_exhaustive]
    Become {
        /// The user, or the group where no user was given.
        name: String,
        /// The call that failed.
        call: &'static str,
        /// The kernel's answer.
        cause: io::Error,
    },
    /// `NOTIFY_SOCKET` holds an address of a kind that is not supported.
    #[error("NOTIFY_SOCKET={address}: is neither an absolute path nor an abstract socket")]
    #[non_exhaustive]
    NotifyAddress {
        /// The address.
        address: String,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// Whether it is just that there was no room at this moment (`EAGAIN`), as for a [message](super::Notify) to a
    /// supervisor that does not read.
    #[must_use]
    pub fn would_block(&self) -> bool {
        matches!(self, Self::Call { cause, .. } if cause.kind() == io::ErrorKind::WouldBlock)
    }
}
