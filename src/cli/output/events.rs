//! Events of standard output while a command waits: its reader goes, or a shell stops the command and continues
//! it. SIGCONT is blocked and read from a descriptor, so that a drawing knows of it before its first byte.

use std::{
    future::pending,
    io, mem,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};
// nix has no instance of epoll as an `OwnedFd`, and tcdrain(3) and tcgetpgrp(3) with more than is needed here.
use rustix::{
    event::epoll,
    process::getpgrp,
    termios::{tcdrain, tcgetpgrp},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::Notify,
};

use crate::cli::error::Error;

/// The events of standard output.
pub(crate) struct StdoutEvents {
    /// An epoll instance: it is readable if standard output has no reader, or SIGCONT has arrived.
    events: AsyncFd<OwnedFd>,
    stops: Arc<Stops>,
}

/// The stops of this process, each of which a SIGCONT has ended.
pub(crate) struct Stops {
    signals: SignalFd,
    /// Whether the process was stopped since the last call of [`take`](Self::take).
    was_stopped: Mutex<bool>,
    continued: Notify,
}

impl StdoutEvents {
    /// Begins to watch. Call it before there is a second thread, which would not block SIGCONT.
    pub(crate) fn listen() -> Result<Self, Error> {
        Self::new().map_err(|cause| Error::Kernel {
            what: "events of standard output",
            cause,
        })
    }

    fn new() -> io::Result<Self> {
        let stops = Stops::new()?;
        let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let data = epoll::EventData::new_u64(0);
        epoll::add(&events, &stops.signals, data, epoll::EventFlags::IN)?;
        // Without an event that is asked for, the kernel reports errors and the end of the reader. A file has none.
        match epoll::add(&events, io::stdout(), data, epoll::EventFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self {
            events: register(events)?,
            stops: Arc::new(stops),
        })
    }

    /// The stops of this process. They are noted while [`broken_pipe`](Self::broken_pipe) is polled.
    pub(crate) fn stops(&self) -> Arc<Stops> {
        self.stops.clone()
    }

    /// Waits until nobody can read standard output any more. Returns the error of a write.
    pub(crate) async fn broken_pipe(&self) -> Error {
        loop {
            let Ok(mut ready) = self.events.readable().await else {
                return pending().await;
            };
            if is_broken() {
                return Error::Output(io::ErrorKind::BrokenPipe.into());
            }
            if *self.stops.read() {
                self.stops.continued.notify_one();
            }
            ready.clear_ready();
        }
    }
}

/// Registers an epoll instance with the runtime.
fn register(events: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[allow(
        unsafe_code,
        reason = "tokio has no safe way to register such descriptors"
    )]
    // SAFETY: an `OwnedFd` stays open and keeps its number until it is dropped, and the `AsyncFd` that owns it drops it.
    let registered = unsafe { AsyncFd::register_with_interest(events, Interest::READABLE) };
    Ok(registered?)
}

/// Whether standard output has no reader.
fn is_broken() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

impl Stops {
    fn new() -> nix::Result<Self> {
        let signals = SigSet::from(Signal::SIGCONT);
        signals.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self {
            signals: SignalFd::with_flags(&signals, flags)?,
            was_stopped: Mutex::new(false),
            continued: Notify::new(),
        })
    }

    /// Reads the signal, if there is one. Whoever has the lock afterwards knows of it.
    fn read(&self) -> MutexGuard<'_, bool> {
        let was_stopped = self.was_stopped.lock();
        let mut was_stopped = was_stopped.unwrap_or_else(PoisonError::into_inner);
        while let Ok(Some(_)) = self.signals.read_signal() {
            *was_stopped = true;
        }
        was_stopped
    }

    /// Whether the process was stopped since the last call.
    pub(crate) fn take(&self) -> bool {
        mem::take(&mut *self.read())
    }

    /// Waits until the process goes on after a stop.
    pub(crate) async fn continued(&self) {
        self.continued.notified().await;
    }
}

/// Waits until this process may write to its terminal: in the background of a shell, the kernel stops it until the shell
/// brings it to the foreground.
pub(crate) fn wait_for_foreground() -> io::Result<()> {
    let stdout = io::stdout();
    while tcgetpgrp(&stdout).is_ok_and(|group| group != getpgrp()) {
        match tcdrain(&stdout) {
            Err(rustix::io::Errno::INTR) => {}
            drained => return Ok(drained?),
        }
    }
    Ok(())
}
