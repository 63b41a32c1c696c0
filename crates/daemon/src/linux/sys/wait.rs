//! Waits for descriptors, and between two attempts.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::linux::error::Error;

/// poll(2) with POLLIN. False if no descriptor is readable: after the timeout, after a signal, or after the longest
/// timeout of the call if `timeout` is longer.
pub(crate) fn poll_readable(fds: &[BorrowedFd<'_>], timeout: Duration) -> Result<bool, Error> {
    let mut fds: Vec<PollFd<'_>> = fds
        .iter()
        .map(|&fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    // Rounded up to milliseconds: a last fraction rounded to 0 would make a busy loop.
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

/// Sleeps between two attempts for an event that poll(2) does not report: a released lock, an ended thread, room in a
/// queue. fcntl(2) and flock(2) cannot wait for a lock with a timeout, and a waiting process would itself show in the
/// list of locks.
pub(crate) fn before_retry() {
    std::thread::sleep(Duration::from_millis(2));
}
