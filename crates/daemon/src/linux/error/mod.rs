mod constructors;
mod death;
mod properties;
mod text;

use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::geteuid;

pub use death::Death;
use text::{cause_text, lock_owner, thread_list, with_causes};

/// An error of this library.
///
/// `Display` and `Debug` are the same: one line for a person, causes included. So `main` may return it. There is no
/// [`source`](std::error::Error::source), because it would repeat a part of that line.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, locked, read or written.
    #[error("{}: {}", path.display(), cause_text(cause))]
    #[non_exhaustive]
    File {
        /// The file in question.
        path: PathBuf,
        /// The error of the system call.
        cause: io::Error,
    },
    /// A system call that names no file failed.
    #[error("{call}: {}", cause_text(cause))]
    #[non_exhaustive]
    Call {
        /// The call's name, as in section 2 of the manual.
        call: &'static str,
        /// The error of the system call.
        cause: io::Error,
    },
    /// A process could not be opened or signalled.
    #[error("process {pid}: {}", cause_text(cause))]
    #[non_exhaustive]
    Process {
        /// The process.
        pid: i32,
        /// The error of the system call.
        cause: io::Error,
    },
    /// The kernel, a sandbox or a container lacks a feature for which there is no safe substitute.
    #[error("{what}")]
    #[non_exhaustive]
    Unsupported {
        /// The missing feature.
        what: &'static str,
    },
    /// A path is empty.
    #[error("the path of a file is empty")]
    EmptyPath,
    /// A relative path cannot be resolved, because the current directory has been removed.
    #[error("{}: the current directory does not exist any more, so give an absolute path", path.display())]
    #[non_exhaustive]
    NoCurrentDirectory {
        /// The relative path.
        path: PathBuf,
    },
    /// The pidfile is a symbolic link, which may lead to a file of any user.
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
    /// The pidfile has a second name. It may be a file of any user, so it is neither written nor trusted.
    #[error("{}: is a hard link to a file that has another name", path.display())]
    #[non_exhaustive]
    HardLink {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile belongs to another user than the caller.
    #[error("{}: belongs to user {user}, not to user {}", path.display(), geteuid())]
    #[non_exhaustive]
    NotOwned {
        /// The pidfile.
        path: PathBuf,
        /// The user id of its owner.
        user: u32,
    },
    /// The pidfile is locked for writing, but not with the locks of this library.
    #[error("{}: is locked by {}, which does not hold the locks of a daemon of this library", path.display(), lock_owner(*pid))]
    #[non_exhaustive]
    Locked {
        /// The pidfile.
        path: PathBuf,
        /// The process that has the lock, if it can be found.
        pid: Option<i32>,
    },
    /// Another process has a lock for reading on the pidfile, and the file cannot be replaced by a new one.
    #[error("{}: is locked for reading by {}, and cannot be replaced: {}", path.display(), lock_owner(*pid), cause_text(cause))]
    #[non_exhaustive]
    ReadLocked {
        /// The pidfile.
        path: PathBuf,
        /// The process that has the lock, if it can be found.
        pid: Option<i32>,
        /// The error of the system call.
        cause: io::Error,
    },
    /// The pidfile is locked, but no running daemon is known to hold it: a child that shares the daemon's open file
    /// description has outlived it; or the daemon is of version 0.1.0 and /proc does not show its locks.
    #[error("{}: is locked by {}, which is not known as a daemon; perhaps a dead daemon's child", path.display(), lock_owner(*pid))]
    #[non_exhaustive]
    Orphaned {
        /// The pidfile.
        path: PathBuf,
        /// The process that has the lock, if it can be found.
        pid: Option<i32>,
    },
    /// The pidfile is held by a process without a process id in this pid namespace: a daemon in another one; or, in any
    /// pid namespace but the first, a child that shares the descriptor table of a dead daemon. There the kernel reports
    /// the process id of a dead process as 0.
    #[error("{}: is held by a daemon in another pid namespace or on another machine, or by a dead daemon's child", path.display())]
    #[non_exhaustive]
    Elsewhere {
        /// The pidfile.
        path: PathBuf,
    },
    /// The pidfile belongs to a user, and the process that holds it is not known to be of that user.
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
    /// There is no daemon to reload.
    #[error("{}: no daemon is running", path.display())]
    #[non_exhaustive]
    NotRunning {
        /// The pidfile.
        path: PathBuf,
    },
    /// [`run`](crate::Daemon::run) found that another daemon holds the pidfile.
    #[error("{}: process {pid} is running already", path.display())]
    #[non_exhaustive]
    AlreadyRunning {
        /// The pidfile.
        path: PathBuf,
        /// The other daemon.
        pid: i32,
    },
    /// Another instance was still starting after the timeout.
    #[error("{}: another instance is still starting after {after:?}", path.display())]
    #[non_exhaustive]
    StillStarting {
        /// The pidfile.
        path: PathBuf,
        /// The time waited.
        after: Duration,
    },
    /// The daemon reported why it could not start; or, in the foreground, why it ended.
    #[error("{}", with_causes(message, causes))]
    #[non_exhaustive]
    Failed {
        /// The text of the service's error.
        message: String,
        /// Its causes, the nearest first.
        causes: Vec<String>,
        /// Whether it or a cause is a lack of permission.
        denied: bool,
    },
    /// The daemon ended before it was ready, and reported no error.
    #[error("the daemon died before it was ready: it {how}")]
    #[non_exhaustive]
    Died {
        /// The way in which it ended.
        how: Death,
    },
    /// The daemon reported neither readiness nor an error in time, and was killed.
    #[error("the daemon was not ready after {after:?} and was killed")]
    #[non_exhaustive]
    TimedOut {
        /// The timeout.
        after: Duration,
    },
    /// The process that [`verify`](crate::Daemon::verify) starts ended without a result.
    #[error("the check before the start gave no answer: its process {how}")]
    #[non_exhaustive]
    CheckDied {
        /// The way in which it ended.
        how: Death,
    },
    /// The process that [`verify`](crate::Daemon::verify) starts gave no result in time, and was killed.
    #[error("the check before the start took longer than {after:?} and was killed")]
    #[non_exhaustive]
    CheckTimedOut {
        /// The timeout.
        after: Duration,
    },
    /// The process did not end after SIGKILL: it is in uninterruptible sleep (state D in ps), or it is process 1 of a
    /// container and the signal came from inside.
    #[error("process {pid}: is still there {after:?} after SIGKILL")]
    #[non_exhaustive]
    Unkillable {
        /// The process.
        pid: i32,
        /// The time waited.
        after: Duration,
    },
    /// The process has several threads. Only a process of one thread can be forked, or change its environment, safely.
    #[error(
        "the process has {} where it may have one thread only",
        thread_list(names)
    )]
    #[non_exhaustive]
    Threads {
        /// The names of its threads, as in proc_pid_comm(5). Empty if /proc does not show them.
        names: Vec<String>,
    },
    /// An async runtime was entered before the start of the daemon, which would share it with the caller.
    #[error(
        "descriptor {fd} is an epoll instance: start the daemon first, and enter the runtime in the service"
    )]
    #[non_exhaustive]
    Runtime {
        /// The runtime's epoll descriptor.
        fd: RawFd,
    },
    /// The name of a daemon is empty or contains a character that no file name may have.
    #[error("{name:?}: is not a valid name of a daemon")]
    #[non_exhaustive]
    Name {
        /// The name.
        name: String,
    },
    /// There is no directory for the default pidfile.
    #[error("no directory for a pidfile: XDG_RUNTIME_DIR is not set to a directory of this user")]
    NoRuntimeDirectory,
    /// The daemon has [no pidfile](crate::Daemon::without_pidfile), so its process cannot be found.
    #[error("this daemon has no pidfile, so its process cannot be found")]
    NoPidfile,
    /// The variables of socket activation contradict the open descriptors, or a socket is of another kind than the
    /// service expects.
    #[error("{variable}={value}: {reason}")]
    #[non_exhaustive]
    ListenFds {
        /// `LISTEN_FDS` or `LISTEN_FDNAMES`; `FileDescriptorName`, as in the socket unit, if it is one socket.
        variable: &'static str,
        /// Its value.
        value: String,
        /// The contradiction.
        reason: String,
    },
    /// The user database has no user of this name.
    #[error("{name}: there is no such user")]
    #[non_exhaustive]
    NoUser {
        /// The name.
        name: String,
    },
    /// The group database has no group of this name.
    #[error("{name}: there is no such group")]
    #[non_exhaustive]
    NoGroup {
        /// The name.
        name: String,
    },
    /// The process may not change to that user or group; only root may.
    #[error("cannot become {name}: {call}: {}", cause_text(cause))]
    #[non_exhaustive]
    Become {
        /// The user, or the group if no user was given.
        name: String,
        /// The call that failed.
        call: &'static str,
        /// The error of the system call.
        cause: io::Error,
    },
    /// A name of stored descriptors that systemd would ignore: see `FDNAME=` in sd_notify(3).
    #[error("{name:?}: is not a valid name of stored descriptors")]
    #[non_exhaustive]
    FdName {
        /// The name.
        name: String,
    },
    /// The supervisor has not processed the messages in time.
    #[error("the supervisor has not processed the messages after {after:?}")]
    #[non_exhaustive]
    BarrierTimedOut {
        /// The timeout.
        after: Duration,
    },
    /// `NOTIFY_SOCKET` holds an address of an unsupported kind.
    #[error("NOTIFY_SOCKET={address}: is neither an absolute path nor an abstract socket")]
    #[non_exhaustive]
    NotifyAddress {
        /// The address.
        address: String,
    },
}
