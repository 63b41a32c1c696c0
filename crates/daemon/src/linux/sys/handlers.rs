//! The handler of SIGTERM, SIGINT and SIGHUP. It notes the signal and makes an eventfd(2) readable.
//!
//! A handler and no signalfd(2): that needs the signals blocked in every thread, including those that started before,
//! and children inherit a blocked signal through exec(2).

use std::os::fd::{BorrowedFd, IntoRawFd};
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use rustix::event::{EventfdFlags, eventfd};

use super::signals::disposition;
use super::to_nix;
use crate::linux::error::Error;

/// SIGTERM or SIGINT has arrived.
pub(crate) const STOP: u8 = 1;
/// SIGHUP has arrived.
pub(crate) const RELOAD: u8 = 2;

const SIGNALS: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

/// A pending signal in [`PENDING`].
const BITS: u32 = 2;
const MASK: u8 = 3;

/// The signals that have arrived and are not taken: the first one in the two low bits, the second one above. Each of the
/// two is in it once at most.
static PENDING: AtomicU8 = AtomicU8::new(0);

/// The eventfd of this process, readable while a signal is pending; -1 before the first installation. Never closed: a
/// handler may run at any time.
static EVENTFD: AtomicI32 = AtomicI32::new(-1);

/// The process that has created the eventfd. A forked child makes one of its own.
static OWNER: Mutex<i32> = Mutex::new(0);

/// Installs the handlers and returns the eventfd. SIGHUP and SIGINT stay ignored if they are: nohup(1) and the shell, for
/// a background job, have asked for that.
pub(crate) fn install() -> Result<BorrowedFd<'static>, Error> {
    let mut owner = OWNER.lock().unwrap_or_else(PoisonError::into_inner);
    let this = nix::unistd::getpid().as_raw();
    if *owner != this {
        let created = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let created = created.map_err(to_nix).map_err(Error::call("eventfd2"))?;
        PENDING.store(0, SeqCst);
        EVENTFD.store(created.into_raw_fd(), SeqCst);
        *owner = this;
    }
    for signal in SIGNALS {
        let number = signal as i32;
        if signal == Signal::SIGTERM || disposition(number) != Some(libc::SIG_IGN) {
            catch(number).map_err(Error::call("sigaction"))?;
        }
    }
    let unblocked = SigSet::from_iter(SIGNALS).thread_unblock();
    unblocked.map_err(Error::call("sigprocmask"))?;
    Ok(eventfd_of_process())
}

/// Takes the signal that has arrived first; 0 if there is none.
pub(crate) fn take() -> u8 {
    // Before PENDING is read: a signal that arrives in between makes it readable again. EAGAIN if it is not readable.
    let _ = rustix::io::read(eventfd_of_process(), &mut [0; 8]);
    let pending = update(|pending| pending >> BITS);
    if pending >> BITS != 0 {
        wake();
    }
    pending & MASK
}

/// Applies a change to PENDING, and returns the value before it. Lock-free, and so async-signal-safe.
fn update(change: impl Fn(u8) -> u8) -> u8 {
    let mut before = PENDING.load(SeqCst);
    loop {
        match PENDING.compare_exchange_weak(before, change(before), SeqCst, SeqCst) {
            Ok(before) => return before,
            Err(now) => before = now,
        }
    }
}

/// The pending signals with one more.
fn with(pending: u8, signal: u8) -> u8 {
    match (pending & MASK, pending >> BITS) {
        (0, _) => signal,
        (first, second) if first == signal || second == signal => pending,
        (first, _) => first | signal << BITS,
    }
}

fn catch(number: i32) -> Result<(), Errno> {
    let action = libc::sigaction {
        sa_sigaction: handle as *const () as libc::sighandler_t,
        // Otherwise a pending SIGTERM would interrupt the handler of SIGHUP before that has begun, and be the first one.
        sa_mask: *SigSet::from_iter(SIGNALS).as_ref(),
        // Calls elsewhere in the program go on after the handler. poll(2) on the eventfd returns in any case.
        sa_flags: libc::SA_RESTART,
        // SAFETY: all zeroes is "no restorer".
        ..unsafe { std::mem::zeroed() }
    };
    // SAFETY: `handle` is a function of the type that the kernel calls without SA_SIGINFO, and is async-signal-safe.
    Errno::result(unsafe { libc::sigaction(number, &action, std::ptr::null_mut()) }).map(drop)
}

/// Async-signal-safe: it changes atomic values and makes one system call. It preserves errno for the interrupted code.
extern "C" fn handle(number: libc::c_int) {
    let errno = Errno::last_raw();
    let signal = match number {
        libc::SIGHUP => RELOAD,
        _ => STOP,
    };
    update(|pending| with(pending, signal));
    wake();
    Errno::set_raw(errno);
}

/// EAGAIN if the counter is at its maximum: the eventfd is readable then, too.
fn wake() {
    let _ = rustix::io::write(eventfd_of_process(), &1_u64.to_ne_bytes());
}

/// To be called after [`install`].
fn eventfd_of_process() -> BorrowedFd<'static> {
    // SAFETY: the descriptor was stored before a handler was installed, belongs to no value and is never closed.
    unsafe { BorrowedFd::borrow_raw(EVENTFD.load(SeqCst)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_pending_once_in_their_order() {
        let check = |arrived: &[u8], taken: &[u8]| {
            let mut pending = arrived.iter().fold(0, |pending, &it| with(pending, it));
            let mut all = Vec::new();
            while pending != 0 {
                all.push(pending & MASK);
                pending >>= BITS;
            }
            assert_eq!(all, taken, "{arrived:?}");
        };
        check(&[], &[]);
        check(&[RELOAD, RELOAD], &[RELOAD]);
        check(&[RELOAD, STOP, RELOAD, STOP], &[RELOAD, STOP]);
        check(&[STOP, RELOAD, STOP], &[STOP, RELOAD]);
    }
}
