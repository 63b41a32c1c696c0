//! The double fork of daemon(7): fork, setsid, fork.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{self, ForkResult, Pid};

use super::intermediate::{self, Intermediate, Socket};
use super::launcher::Launcher;
use crate::linux::error::Error;
use crate::linux::pidfile;
use crate::linux::readiness::{Message, Reader, Writer};
use crate::linux::setup::{descriptors, environment};
use crate::linux::sys::{self, threads};

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
pub(crate) fn double_fork() -> Result<Side, Error> {
    threads::require_single()?;
    descriptors::refuse_async_runtime()?;
    sys::fd::open_closed_standard()?;
    // They were passed to this process and not to its child.
    let listen_fds = environment::listen_fds();
    // Both sides would print the text that is still buffered.
    let _ = io::stdout().flush();
    sys::fork::flush_c_streams();
    let (reader, writer) = unistd::pipe2(OFlag::O_CLOEXEC).map_err(Error::call("pipe2"))?;
    let (socket, daemon_socket) = UnixStream::pair().map_err(Error::call("socketpair"))?;
    // All that may fail comes before the fork: nothing is left half done.
    let (pipe, socket) = (Reader::new(reader)?, Socket::new(socket.into())?);
    // The caller's handlers must not run in the child.
    let mask = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_SETMASK)
        .map_err(Error::call("sigprocmask"))?;
    let forked = sys::fork::fork();
    if let Ok(ForkResult::Child) = forked {
        drop((pipe, socket));
        return Ok(Side::Daemon(run_first_child(
            writer,
            daemon_socket.into(),
            listen_fds,
        )));
    }
    mask.thread_set_mask().map_err(Error::call("sigprocmask"))?;
    match forked? {
        ForkResult::Parent { child: pid } => Ok(Side::Launcher(Launcher {
            pipe,
            intermediate: Intermediate { pid, socket },
        })),
        ForkResult::Child => unreachable!("the child has returned above"),
    }
}

/// The steps of the first child. Returns in the second one only, the daemon.
fn run_first_child(pipe: OwnedFd, socket: OwnedFd, listen_fds: usize) -> Writer {
    let pipe = Writer::new(pipe);
    pidfile::close_inherited();
    let forked = refuse_process_1()
        .and_then(|()| sys::signals::reset(false))
        .and_then(|()| descriptors::keep_passed(listen_fds))
        .and_then(|()| descriptors::replace_inherited())
        .and_then(|()| unistd::setsid().map_err(Error::call("setsid")))
        .and_then(|_| second_fork());
    match forked {
        Ok(None) => {
            pipe.write(&Message::Pid(unistd::getpid().as_raw()));
            pipe
        }
        Ok(Some((daemon, child_ended))) => {
            drop(pipe);
            intermediate::watch_daemon(daemon, &child_ended, socket)
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
fn second_fork() -> Result<Option<(Pid, SignalFd)>, Error> {
    let child_ended = SigSet::from(Signal::SIGCHLD);
    child_ended
        .thread_block()
        .map_err(Error::call("sigprocmask"))?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let fd = SignalFd::with_flags(&child_ended, flags).map_err(Error::call("signalfd"))?;
    match sys::fork::fork()? {
        ForkResult::Parent { child } => Ok(Some((child, fd))),
        ForkResult::Child => {
            child_ended
                .thread_unblock()
                .map_err(Error::call("sigprocmask"))?;
            Ok(None)
        }
    }
}
