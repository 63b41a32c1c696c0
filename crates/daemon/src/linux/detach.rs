use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{self, ForkResult, Pid};

use super::launcher::{Intermediate, Launcher, Link};
use super::readiness::{Reader, Record, Writer};
use super::sys::{self, threads};
use super::{Death, Error, descriptors, environment, pidfile, stdio};

/// Turns the program into a daemon with the usual settings: the safe form of the C function `init_daemon()`
/// and of daemon(3).
///
/// Returns in the daemon only. The process that called leaves by `_exit(0)` as soon as the daemon stands, or
/// prints why it does not and leaves by `_exit(1)`. The daemon
///
/// - is no child of the caller, leads no session and has no controlling terminal, nor can it get one;
/// - has default signal actions, no blocked signal, the file mode mask 022, and `/` as its directory;
/// - has /dev/null for its standard streams and for every other descriptor that it inherited. What this program has
///   opened itself, close-on-exec as Rust does, stays open.
///
/// There is no pidfile, and "stands" does not mean that the service works; [`Daemon`](super::Daemon) has both.
///
/// # Errors
/// [`Error::Threads`] if the process has more than one thread, [`Error::Runtime`] if it has entered an async runtime,
/// [`Error::Call`] if it cannot be forked. All are returned in the caller, which is still what it was.
pub fn detach() -> Result<(), Error> {
    match split()? {
        Side::Launcher(launcher) => match launcher.wait(Duration::from_secs(30)) {
            Ok(_) => sys::fork::exit_now(0),
            Err(error) => {
                // Nobody could return from here and not carry on in the foreground.
                let _ = writeln!(io::stderr(), "{error}");
                sys::fork::exit_now(1)
            }
        },
        Side::Daemon(pipe) => {
            let done = environment::remove_supervision()
                .and_then(|()| surroundings(Path::new("/"), Mode::from_bits_truncate(0o022)))
                .and_then(|()| stdio::Streams::null()?.install());
            if let Err(error) = done {
                pipe.failed(&error);
                sys::fork::exit_now(1);
            }
            pipe.write(&Record::Ready);
            Ok(())
        }
    }
}

/// The processes that come out of the double fork. The intermediate one between them leads the daemon's session, and
/// waits for the daemon's death until the launcher needs that no more.
pub(crate) enum Side {
    /// Where the caller goes on.
    Launcher(Launcher),
    /// The daemon: still with the caller's streams, directory and file mode mask.
    Daemon(Writer),
}

/// Fork, setsid, fork.
///
/// The first fork makes a process that leads no group, so that setsid(2) works, and frees it of the terminal. The
/// second one makes a process that leads no session, for only a session's leader gets a terminal by opening one.
/// Signals and descriptors are put right in the first child and not before the fork, since the caller lives on and
/// may need its own.
pub(crate) fn split() -> Result<Side, Error> {
    threads::require_one()?;
    descriptors::refuse_runtime()?;
    sys::fd::fill_standard()?;
    // They were passed to this process and not to its child.
    let passed = environment::listen_fds();
    // Both sides would print the text that is still buffered.
    let _ = io::stdout().flush();
    sys::fork::flush_c();
    let (reader, writer) = unistd::pipe2(OFlag::O_CLOEXEC).map_err(Error::call("pipe2"))?;
    let (link, far_link) = UnixStream::pair().map_err(Error::call("socketpair"))?;
    // All that may fail comes before the fork: nothing is left half done.
    let (pipe, link) = (Reader::new(reader)?, Link::new(link.into())?);
    // The caller's handlers must not run in the child.
    let mask = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_SETMASK)
        .map_err(Error::call("sigprocmask"))?;
    let forked = sys::fork::fork();
    if let Ok(ForkResult::Child) = forked {
        drop((pipe, link));
        return Ok(Side::Daemon(detach_child(writer, far_link.into(), passed)));
    }
    mask.thread_set_mask().map_err(Error::call("sigprocmask"))?;
    match forked? {
        ForkResult::Parent { child: pid } => Ok(Side::Launcher(Launcher {
            pipe,
            intermediate: Intermediate { pid, link },
        })),
        ForkResult::Child => unreachable!("the child has returned above"),
    }
}

/// The steps of the first child. Returns in the second one only, the daemon.
fn detach_child(pipe: OwnedFd, link: OwnedFd, passed: usize) -> Writer {
    let pipe = Writer::new(pipe);
    pidfile::close_inherited();
    let forked = refuse_process_1()
        .and_then(|()| sys::signals::reset(false))
        .and_then(|()| descriptors::keep_passed(passed))
        .and_then(|()| descriptors::replace_inherited())
        .and_then(|()| unistd::setsid().map_err(Error::call("setsid")))
        .and_then(|_| fork_daemon());
    match forked {
        Ok(None) => {
            pipe.write(&Record::Pid(unistd::getpid().as_raw()));
            pipe
        }
        Ok(Some((daemon, ends))) => {
            drop(pipe);
            attend(daemon, &ends, link)
        }
        Err(error) => {
            pipe.failed(&error);
            // `exit_now`, since exit handlers and buffers are the launcher's.
            sys::fork::exit_now(1)
        }
    }
}

/// After unshare(2) of a pid namespace without a fork the first child is process 1 there. The kernel would kill the
/// daemon with it.
fn refuse_process_1() -> Result<(), Error> {
    match unistd::getpid().as_raw() {
        1 => Err(Error::Unsupported {
            what: "this process has left its pid namespace, and a daemon would be killed in the new one (unshare has --fork for that)",
        }),
        _ => Ok(()),
    }
}

/// The second fork. In the parent, the daemon's process id and a descriptor for SIGCHLD; `None` in the daemon.
fn fork_daemon() -> Result<Option<(Pid, SignalFd)>, Error> {
    let ends = SigSet::from(Signal::SIGCHLD);
    ends.thread_block().map_err(Error::call("sigprocmask"))?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let fd = SignalFd::with_flags(&ends, flags).map_err(Error::call("signalfd"))?;
    match sys::fork::fork()? {
        ForkResult::Parent { child } => Ok(Some((child, fd))),
        ForkResult::Child => {
            ends.thread_unblock().map_err(Error::call("sigprocmask"))?;
            Ok(None)
        }
    }
}

/// The intermediate process: only a parent hears how its child ended, and can kill it by its number. Ends when the
/// launcher closes its side.
fn attend(daemon: Pid, ends: &SignalFd, link: OwnedFd) -> ! {
    let (Ok(far), link) = (link.try_clone(), Writer::new(link)) else {
        sys::fork::exit_now(1)
    };
    let Ok(mut far) = Reader::new(far) else {
        sys::fork::exit_now(1)
    };
    let mut ended = false;
    loop {
        let woken = sys::wait::readable(&[ends.as_fd(), far.as_fd()], Duration::MAX);
        let Ok(records) = far.read() else {
            sys::fork::exit_now(1)
        };
        if woken.is_err() || !far.is_open() {
            sys::fork::exit_now(0);
        }
        while let Ok(Some(_)) = ends.read_signal() {}
        if ended {
            continue;
        }
        // Its number is its own until it is waited for.
        if records.contains(&Record::Kill) {
            let _ = kill(daemon, Signal::SIGKILL);
        }
        let how = match waitpid(daemon, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, status)) => Death::Exited { status },
            Ok(WaitStatus::Signaled(_, signal, _)) => Death::Killed {
                signal: signal as i32,
            },
            _ => continue,
        };
        ended = true;
        link.write(&Record::Ended(how));
    }
}

/// Sets the file mode mask and the directory. A daemon in `/` keeps no file system from being unmounted.
pub(crate) fn surroundings(directory: &Path, umask: Mode) -> Result<(), Error> {
    nix::sys::stat::umask(umask);
    unistd::chdir(directory).map_err(|errno| Error::file(directory, errno))
}
