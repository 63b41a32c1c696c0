use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use super::Error;
use super::sys::handlers::{self, RELOAD, STOP};
use super::sys::wait;

/// The request that a signal makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SIGTERM or SIGINT: end. [`stop`](crate::Daemon::stop), a supervisor and Ctrl-C send it.
    Stop,
    /// SIGHUP: read the configuration and open the logs again. [`reload`](crate::Daemon::reload) sends it.
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP, caught from its creation on: a blocking wait, and a descriptor for poll(2), epoll(7) or
/// an async runtime.
///
/// ```no_run
/// # fn serve(ready: sampled_daemon::Ready) -> Result<(), sampled_daemon::Error> {
/// let signals = sampled_daemon::Signals::new()?;
/// ready.ready()?;
/// while signals.wait()? == sampled_daemon::Event::Reload {
///     // Read the configuration again.
/// }
/// # Ok(())
/// # }
/// ```
///
/// Make it in the service, before it reports readiness: a process that [`start`](crate::Daemon::start) forks has default
/// signal actions again. Threads may exist already, and need not block the signals. Child processes get the default
/// actions when they execute a program.
///
/// Events come in the order in which their signals arrived. A signal that arrives again before it is taken counts once, as
/// in the kernel. The signals stay caught when
/// the value is dropped, so that a late SIGTERM does not kill a service that removes its pidfile. All values of a process
/// share the signals: one of them takes each.
///
/// A SIGHUP or SIGINT that is ignored when this is created stays ignored: `nohup` and the `&` of a script ask for that.
/// `start` resets both, since its daemon has left the caller's terminal; [`run`](crate::Daemon::run) keeps an ignored
/// SIGHUP.
#[derive(Debug)]
pub struct Signals {
    eventfd: BorrowedFd<'static>,
    process: u32,
}

impl Signals {
    /// Catches the signals, and unblocks them in this thread.
    ///
    /// # Errors
    /// [`Error::Call`] if the process has no descriptor left.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            eventfd: handlers::install()?,
            process: std::process::id(),
        })
    }

    /// Waits for a signal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] in another process than the one that has created this value.
    pub fn wait(&self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.wait_timeout(Duration::MAX)? {
                return Ok(event);
            }
        }
    }

    /// Waits for a signal for at most this time; `None` if there was none.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<Event>, Error> {
        let start = Instant::now();
        loop {
            if let Some(event) = self.take()? {
                return Ok(Some(event));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            wait::poll_readable(&[self.eventfd], left)?;
        }
    }

    /// Waits for a signal, or until a descriptor is readable: `None`, for example, when a listening socket has a
    /// connection. A signal comes first, so that a busy socket does not delay a stop.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_or_readable(&self, fd: impl AsFd) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.take()? {
                return Ok(Some(event));
            }
            if wait::poll_readable(&[fd.as_fd()], Duration::ZERO)? {
                return Ok(None);
            }
            wait::poll_readable(&[self.eventfd, fd.as_fd()], Duration::MAX)?;
        }
    }

    /// Takes a signal that has arrived, without waiting.
    ///
    /// For an event loop: the [descriptor](AsFd) is readable while there is one, and may be readable without one. An
    /// edge-triggered loop, such as tokio's `AsyncFd`, calls this until it returns `None`.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn take(&self) -> Result<Option<Event>, Error> {
        if self.process != std::process::id() {
            return Err(Error::Unsupported {
                what: "the signals were caught before a fork: call Signals::new in the service",
            });
        }
        Ok(match handlers::take() {
            STOP => Some(Event::Stop),
            RELOAD => Some(Event::Reload),
            _ => None,
        })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.eventfd
    }
}

/// For tokio's `AsyncFd`.
impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.eventfd.as_raw_fd()
    }
}
