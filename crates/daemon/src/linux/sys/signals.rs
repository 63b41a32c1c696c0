//! Signal actions and the signal mask.

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::SigSet;

use crate::linux::error::Error;

/// Resets all signals to their default actions, and unblocks them.
///
/// exec(2) preserves ignored and blocked signals, so a daemon started from nohup, from a careless supervisor or from a
/// shell's background job would not receive SIGHUP, SIGTERM or SIGINT. Two exceptions: SIGPIPE stays ignored, as in
/// every Rust program, and Rust's handlers of SIGSEGV and SIGBUS, which report a stack overflow, stay installed. With
/// `keep_nohup` an ignored SIGHUP stays ignored.
pub(crate) fn reset(keep_nohup: bool) -> Result<(), Error> {
    let action = |handler| libc::sigaction {
        sa_sigaction: handler,
        // SAFETY: all zeroes is a valid (empty) signal set and "no restorer".
        ..unsafe { std::mem::zeroed() }
    };
    for number in 1..=libc::SIGRTMAX() {
        let handler = match number {
            libc::SIGKILL | libc::SIGSTOP => continue,
            libc::SIGPIPE => libc::SIG_IGN,
            libc::SIGSEGV | libc::SIGBUS if has_handler(number) => continue,
            libc::SIGHUP if keep_nohup && disposition(number) == Some(libc::SIG_IGN) => continue,
            _ => libc::SIG_DFL,
        };
        // SAFETY: the action is a constant disposition and no function.
        let done = unsafe { libc::sigaction(number, &action(handler), std::ptr::null_mut()) };
        // The C library reserves signals 32 and 33, and returns EINVAL for them.
        if done < 0 && Errno::last() != Errno::EINVAL {
            return Err(Error::call("sigaction")(Errno::last()));
        }
    }
    SigSet::empty()
        .thread_set_mask()
        .map_err(Error::call("sigprocmask"))
}

fn has_handler(number: i32) -> bool {
    disposition(number).is_some_and(|now| now != libc::SIG_DFL && now != libc::SIG_IGN)
}

pub(super) fn disposition(number: i32) -> Option<libc::sighandler_t> {
    // SAFETY: all zeroes is a valid sigaction to be written over.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no new action is given; the old one is written to `now`, which outlives the call.
    let done = unsafe { libc::sigaction(number, std::ptr::null(), &mut now) };
    (done == 0).then_some(now.sa_sigaction)
}
