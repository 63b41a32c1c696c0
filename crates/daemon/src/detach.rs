use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::stat::Mode;
use nix::unistd::{self, ForkResult, Pid};

use super::word::{self, Word};
use super::{Error, stdio, sys};

/// Turns the program into a daemon with the usual settings: the safe form of the C function `init_daemon()`
/// and of daemon(3).
///
/// Returns in the daemon only. The process that called leaves by `_exit(0)` as soon as the daemon stands, or
/// prints why it does not and leaves by `_exit(1)`. The daemon
///
/// - is no child of the caller, leads no session and has no controlling terminal, nor can it get one;
/// - has default signal actions, no blocked signal, the file mode mask 022, and `/` as its directory;
/// - has /dev/null for its standard streams, and **no other open file**: everything opened before is closed.
///   Call this first in `main`.
///
/// There is no pidfile, and "stands" does not mean that the service works; [`Daemon`](super::Daemon) has both.
///
/// # Errors
/// [`Error::Threads`] if the process has more than one thread, [`Error::Call`] if it cannot be forked. Both are
/// returned in the caller, which is still what it was.
pub fn detach() -> Result<(), Error> {
    match split(&[])? {
        Side::Launcher { pipe, child } => {
            match word::listen(pipe, child, Duration::from_secs(30)) {
                Ok(_) => sys::exit_now(0),
                Err(error) => {
                    // There is nobody to return to who would not carry on in the foreground.
                    let _ = writeln!(io::stderr(), "{error}");
                    sys::exit_now(1)
                }
            }
        }
        Side::Daemon { word } => {
            word.pid();
            let ready = strip_supervision()
                .and_then(|()| surroundings(Path::new("/"), Mode::from_bits_truncate(0o022)))
                .and_then(|()| stdio::Streams::null()?.install());
            if let Err(error) = ready {
                word.failed(&error.to_string());
                sys::exit_now(1);
            }
            word.ready();
            Ok(())
        }
    }
}

/// Cleans a foreground process of what it inherited: what `sampled serve` does, and anything else that systemd,
/// a container or the bus starts and watches.
///
/// Default signal actions and no blocked signal; a session of its own unless the process leads its group (a
/// shell's job does, and keeps its terminal and Ctrl-C); the file mode mask 022; `/` as the directory; standard
/// input from /dev/null. Output and other descriptors stay what they are: the supervisor meant them.
/// Relative paths mean something else afterwards, so make them absolute before, and install signal handlers
/// and start threads after.
///
/// # Errors
/// [`Error::Threads`] if there is more than one thread: signals are blocked per thread.
pub fn settle() -> Result<(), Error> {
    settle_in(Path::new("/"), Mode::from_bits_truncate(0o022))
}

/// Like [`settle`], and also closes every descriptor but the standard streams and `keep`, whatever was opened
/// before. For a program that runs others, which are to inherit nothing. Call this first in `main`.
///
/// # Errors
/// As [`settle`].
pub fn seclude(keep: BorrowedFd<'_>) -> Result<(), Error> {
    settle()?;
    sys::close_except(&[keep.as_raw_fd()])
}

pub(super) fn settle_in(directory: &Path, umask: Mode) -> Result<(), Error> {
    single_threaded()?;
    sys::fill_standard_fds()?;
    sys::reset_signals()?;
    match unistd::setsid() {
        // A group's leader cannot leave its group, and has been given one of its own on purpose.
        Ok(_) | Err(Errno::EPERM) => {}
        Err(errno) => return Err(Error::call("setsid")(errno)),
    }
    surroundings(directory, umask)?;
    unistd::dup2_stdin(stdio::null()?).map_err(Error::call("dup2"))
}

/// The two processes that come out of the double fork; the one between them is gone.
pub(super) enum Side {
    /// Where the caller goes on. `child` led the daemon's session; it is a zombie until the launcher reaps it,
    /// so that its number, which is the daemon's process group, is nobody else's.
    Launcher { pipe: OwnedFd, child: Pid },
    /// The daemon: in nobody's hands, still with the caller's streams, directory and file mode mask.
    Daemon { word: Word },
}

/// Fork, setsid, fork.
///
/// The first fork puts the caller's shell at ease and makes a process that leads no group, so that setsid(2)
/// works. That frees it of the terminal. The second fork makes a process that leads no session, for only a
/// session's leader gets a terminal by opening one. Signals and descriptors are put right in the first child
/// and not before the fork, since the caller lives on and may need its own.
pub(super) fn split(keep: &[RawFd]) -> Result<Side, Error> {
    single_threaded()?;
    sys::fill_standard_fds()?;
    // What is buffered now would be printed by both sides.
    let _ = io::stdout().flush();
    let (pipe, word) = unistd::pipe2(OFlag::O_CLOEXEC).map_err(Error::call("pipe2"))?;
    // The caller's handlers must not run in the child.
    let mask = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_SETMASK)
        .map_err(Error::call("sigprocmask"))?;
    let forked = sys::fork();
    if let Ok(ForkResult::Child) = forked {
        drop(pipe);
        return Ok(Side::Daemon {
            word: leave(word, keep),
        });
    }
    mask.thread_set_mask().map_err(Error::call("sigprocmask"))?;
    match forked? {
        ForkResult::Parent { child } => Ok(Side::Launcher { pipe, child }),
        ForkResult::Child => unreachable!("the child has returned above"),
    }
}

/// What is between the forks. Returns in the second child only.
fn leave(word: OwnedFd, keep: &[RawFd]) -> Word {
    let mut kept = keep.to_vec();
    kept.push(word.as_fd().as_raw_fd());
    let word = Word::from(word);
    let forked = sys::reset_signals()
        .and_then(|()| sys::close_except(&kept))
        .and_then(|()| unistd::setsid().map_err(Error::call("setsid")))
        .and_then(|_| sys::fork());
    match forked {
        Ok(ForkResult::Child) => word,
        // `_exit`, since exit handlers and buffers are the launcher's.
        Ok(ForkResult::Parent { .. }) => sys::exit_now(0),
        Err(error) => {
            word.failed(&error.to_string());
            sys::exit_now(1)
        }
    }
}

/// Sets the file mode mask and the directory. A daemon in `/` keeps no file system from being unmounted.
pub(super) fn surroundings(directory: &Path, umask: Mode) -> Result<(), Error> {
    nix::sys::stat::umask(umask);
    unistd::chdir(directory).map_err(|errno| Error::file(directory, errno))
}

/// Forgets the caller's supervisor, which watches the caller and passed its sockets to it, not to a daemon.
pub(super) fn strip_supervision() -> Result<(), Error> {
    let theirs = |name: &str| {
        name == "NOTIFY_SOCKET" || name.starts_with("LISTEN_") || name.starts_with("WATCHDOG_")
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(theirs) {
            sys::remove_variable(&name)?;
        }
    }
    Ok(())
}

/// Refuses to go on in a process of several threads.
pub(super) fn single_threaded() -> Result<(), Error> {
    let path = Path::new("/proc/self/task");
    let count = std::fs::read_dir(path)
        .map_err(|cause| Error::file(path, cause))?
        .count();
    if count == 1 {
        Ok(())
    } else {
        Err(Error::Threads { count })
    }
}
