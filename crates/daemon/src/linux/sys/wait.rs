//! Waiting for descriptors, and between two attempts.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::linux::error::Error;

/// poll(2) for reading. False if nothing has happened: the time is up, or a signal came, or it was more time than
/// the call can take.
pub(crate) fn poll_readable(fds: &[BorrowedFd<'_>], timeout: Duration) -> Result<bool, Error> {
    let mut fds: Vec<PollFd<'_>> = fds
        .iter()
        .map(|&fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    // Rounded up, so that the last fraction of a millisecond is no busy loop.
    let timeout = match timeout.is_zero() {
        true => timeout,
        false => timeout.saturating_add(Duration::from_micros(999)),
    };
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    match poll(&mut fds, timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(Error::call("poll")(errno)),
    }
}

/// The time between two attempts at what poll(2) does not report: locks, threads, a full queue. The kernel has no wait
/// for a lock that ends after a given time, and waiting in line would itself show as a lock.
pub(crate) fn before_retry() {
    std::thread::sleep(Duration::from_millis(2));
}
