//! Everything that the compiler cannot check for us, in one place, behind safe functions.

use std::os::fd::RawFd;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::SigSet;
use nix::unistd::ForkResult;

use super::{Error, detach};

/// Forks a process of one thread. Other threads would not exist in the child, but the locks they hold would.
pub(super) fn fork() -> Result<ForkResult, Error> {
    detach::single_threaded()?;
    // SAFETY: this is the only thread, so no lock (the allocator's, stdio's) is held by a thread that the child
    // lacks, and the child may call whatever it likes.
    unsafe { nix::unistd::fork() }.map_err(Error::call("fork"))
}

/// Ends the process at once: neither exit handlers nor buffers of the program we were forked from are run.
pub(super) fn exit_now(status: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(status) }
}

/// Gives every signal its default action back and unblocks all.
///
/// exec(2) passes on which signals are ignored and which are blocked, so a daemon started from nohup, from a
/// careless supervisor or from a shell's background job would not hear of SIGHUP, SIGTERM or SIGINT. Two
/// exceptions: SIGPIPE stays ignored, as in every Rust program, and Rust's own report of a stack overflow
/// (handlers of SIGSEGV and SIGBUS) stays in place.
pub(super) fn reset_signals() -> Result<(), Error> {
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
            _ => libc::SIG_DFL,
        };
        // SAFETY: the action is a constant disposition and no function, so nothing can run in a bad moment.
        let done = unsafe { libc::sigaction(number, &action(handler), std::ptr::null_mut()) };
        // The C library keeps a few numbers (32, 33) to itself and answers EINVAL.
        if done < 0 && Errno::last() != Errno::EINVAL {
            return Err(Error::call("sigaction")(Errno::last()));
        }
    }
    SigSet::empty()
        .thread_set_mask()
        .map_err(Error::call("sigprocmask"))
}

fn has_handler(number: i32) -> bool {
    // SAFETY: all zeroes is a valid sigaction to be written over.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no new action is given; the old one is written to `now`, which outlives the call.
    let done = unsafe { libc::sigaction(number, std::ptr::null(), &mut now) };
    done == 0 && now.sa_sigaction != libc::SIG_DFL && now.sa_sigaction != libc::SIG_IGN
}

/// Opens /dev/null on those of the descriptors 0, 1 and 2 that are closed. Without that the next file to be
/// opened would get such a number, and everything printed would end in it.
pub(super) fn fill_standard_fds() -> Result<(), Error> {
    for fd in 0..=2 {
        // SAFETY: F_GETFD only asks; a closed descriptor is answered with EBADF.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0 {
            continue;
        }
        // SAFETY: the path is a C string. The kernel gives the lowest free number, which is `fd`.
        // Not close-on-exec: 0, 1 and 2 are there to be passed on.
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_NOCTTY) } < 0 {
            return Err(Error::file("/dev/null".as_ref(), Errno::last()));
        }
    }
    Ok(())
}

/// Closes every descriptor above 2 that is not in `keep`.
pub(super) fn close_except(keep: &[RawFd]) -> Result<(), Error> {
    let mut keep: Vec<RawFd> = keep.iter().copied().filter(|&fd| fd > 2).collect();
    keep.sort_unstable();
    keep.dedup();
    let mut first = 3;
    for kept in keep.into_iter().chain([RawFd::MAX]) {
        if first < kept {
            close_range(first, kept - 1)?;
        }
        first = kept.saturating_add(1);
    }
    Ok(())
}

fn close_range(first: RawFd, last: RawFd) -> Result<(), Error> {
    // SAFETY: `start` and `detach` say that they close what is not named to them, and are called by the sole
    // thread. As a raw system call, because not every C library has a wrapper.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    match Errno::result(done) {
        Ok(_) => return Ok(()),
        // Linux before 5.9, or a sandbox older than that.
        Err(Errno::ENOSYS | Errno::EPERM) => {}
        Err(errno) => return Err(Error::call("close_range")(errno)),
    }
    let path = Path::new("/proc/self/fd");
    let names = std::fs::read_dir(path).map_err(|cause| Error::file(path, cause))?;
    let open: Vec<RawFd> = names
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open.into_iter().filter(|fd| (first..=last).contains(fd)) {
        // SAFETY: as above. The listing's own descriptor is closed already: EBADF is no failure.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Removes a variable from the environment. Only for a process of one thread.
pub(super) fn remove_variable(name: &std::ffi::OsStr) -> Result<(), Error> {
    detach::single_threaded()?;
    // SAFETY: this is the only thread, so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) };
    Ok(())
}

/// Has `last_act` called when the process ends by exit(3) or by returning from main.
pub(super) fn at_exit(last_act: extern "C" fn()) {
    // SAFETY: the function lives as long as the program. Failure means out of memory: then the pidfile is
    // left behind by an early exit(3), which the next start repairs.
    unsafe { libc::atexit(last_act) };
}
