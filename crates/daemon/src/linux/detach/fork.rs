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
use crate::linux::setup::{descriptors, listen_fds};
use crate::linux::sys::{self, threads};

/// The two processes in which [`double_fork`] returns. The intermediate process between them leads the daemon's
/// session, and reports the daemon's death until the launcher closes its socket.
pub(crate) enum Side {
    /// The process of the caller.
    Launcher(Launcher),
    /// The daemon, still with the caller's streams, directory and file mode mask.
    Daemon(Writer),
}

/// Fork, setsid, fork.
///
/// The first fork makes a process that leads no process group, so that setsid(2) succeeds and removes the controlling
/// terminal. The second fork makes a process that is no session leader, since only a leader gets a controlling terminal
/// by opening one. Signals and descriptors are reset in the first child and not before the fork, because the caller
/// continues and may need its own.
pub(crate) fn double_fork() -> Result<Side, Error> {
    threads::require_single()?;
    descriptors::refuse_async_runtime()?;
    sys::fd::open_closed_standard()?;
    listen_fds::remember();
    // Text that is still buffered would be printed by both processes.
    let _ = io::stdout().flush();
    sys::fork::flush_c_streams();
    let (reader, writer) = unistd::pipe2(OFlag::O_CLOEXEC).map_err(Error::call("pipe2"))?;
    let (socket, daemon_socket) = UnixStream::pair().map_err(Error::call("socketpair"))?;
    // Every step that may fail comes before the fork, so that a failure leaves no process behind.
    let (pipe, socket) = (Reader::new(reader)?, Socket::new(socket.into())?);
    // Signals are blocked: the caller's handlers must not run in the child.
    let mask = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_SETMASK)
        .map_err(Error::call("sigprocmask"))?;
    let forked = sys::fork::fork();
    if let Ok(ForkResult::Child) = forked {
        drop((pipe, socket));
        return Ok(Side::Daemon(run_first_child(writer, daemon_socket.into())));
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

/// The steps of the first child, the intermediate process. Returns in the second child only, the daemon.
fn run_first_child(pipe: OwnedFd, socket: OwnedFd) -> Writer {
    let pipe = Writer::new(pipe);
    pidfile::close_inherited();
    let forked = refuse_process_1()
        .and_then(|()| sys::signals::reset(false))
        .and_then(|()| listen_fds::keep())
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
            // `exit_now`, because exit handlers and buffers are the launcher's.
            sys::fork::exit_now(1)
        }
    }
}

/// After unshare(2) of a pid namespace without a fork, the first child is process 1 of the namespace. When it ended,
/// the kernel would kill the daemon.
fn refuse_process_1() -> Result<(), Error> {
    match unistd::getpid().as_raw() {
        1 => Err(Error::Unsupported {
            what: "this process has left its pid namespace, and a daemon would be killed in the new one (unshare has --fork for that)",
        }),
        _ => Ok(()),
    }
}

/// The second fork. Returns the daemon's process id and a signalfd for SIGCHLD in the parent, `None` in the daemon.
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
