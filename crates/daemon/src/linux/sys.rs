//! Every `unsafe` of the crate, behind safe functions.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::SigSet;
use nix::unistd::ForkResult;

use super::{Error, threads};

/// Forks a process of one thread. Other threads would not exist in the child, but the locks they hold would.
pub(crate) fn fork() -> Result<ForkResult, Error> {
    threads::require_one()?;
    // SAFETY: this is the only thread, so no lock (the allocator's, stdio's) is held by a thread that the child
    // lacks, and the child may call any function.
    unsafe { nix::unistd::fork() }.map_err(Error::call("fork"))
}

/// Writes out what the C library has buffered: printf(3) of a library.
pub(crate) fn flush_c() {
    // SAFETY: a null pointer means all streams. Failure is the stream's, and stays with it.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// Ends the process at once: neither exit handlers nor buffers of the program we were forked from are run.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(status) }
}

/// Gives signals their default actions back and unblocks all of them.
///
/// exec(2) passes on which signals are ignored and which are blocked, so a daemon started from nohup, from a
/// careless supervisor or from a shell's background job would not hear of SIGHUP, SIGTERM or SIGINT. Two
/// exceptions: SIGPIPE stays ignored, as in every Rust program, and Rust's own report of a stack overflow
/// (handlers of SIGSEGV and SIGBUS) stays in place. `keep_nohup` leaves an ignored SIGHUP ignored.
pub(crate) fn reset_signals(keep_nohup: bool) -> Result<(), Error> {
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
    disposition(number).is_some_and(|now| now != libc::SIG_DFL && now != libc::SIG_IGN)
}

fn disposition(number: i32) -> Option<libc::sighandler_t> {
    // SAFETY: all zeroes is a valid sigaction to be written over.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no new action is given; the old one is written to `now`, which outlives the call.
    let done = unsafe { libc::sigaction(number, std::ptr::null(), &mut now) };
    (done == 0).then_some(now.sa_sigaction)
}

/// Opens /dev/null on those of the descriptors 0, 1 and 2 that are closed. Without that the next file to be
/// opened would get such a number, and everything printed would end in it.
pub(crate) fn fill_standard_fds() -> Result<(), Error> {
    for fd in 0..=2 {
        if descriptor_flags(fd).is_ok() {
            continue;
        }
        // SAFETY: the path is a C string. The kernel gives the lowest free number, which is `fd`.
        // Not close-on-exec: 0, 1 and 2 are there to be passed on.
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_NOCTTY) } < 0 {
            return Err(Error::file(Path::new("/dev/null"), Errno::last()));
        }
    }
    Ok(())
}

/// The flags of a descriptor (`FD_CLOEXEC`), or EBADF if the number is free.
pub(crate) fn descriptor_flags(fd: RawFd) -> Result<i32, Errno> {
    // SAFETY: F_GETFD reads a number's flags and changes nothing.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_GETFD) })
}

/// Sets `FD_CLOEXEC` on a number, or is EBADF if that is free.
pub(crate) fn set_close_on_exec(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: F_SETFD changes what exec(2) does with the descriptor, and nothing that its owner relies on.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
}

/// Makes the number `fd` a close-on-exec duplicate of `file`.
pub(crate) fn replace_descriptor(file: impl AsFd, fd: RawFd) -> Result<(), Errno> {
    let file = file.as_fd().as_raw_fd();
    // SAFETY: dup3(2) swaps the file behind the number in one step. The number stays open, so a value that owns it
    // still owns an open descriptor, and can never meet another value's file.
    Errno::result(unsafe { libc::dup3(file, fd, libc::O_CLOEXEC) }).map(drop)
}

/// Closes a number that the process cannot be given again.
pub(crate) fn close(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: the caller has found the number above a limit that it cannot raise, so no file gets it any more, and a
    // value that owns it meets EBADF at worst.
    Errno::result(unsafe { libc::close(fd) }).map(drop)
}

/// pidfd_open(2), Linux 5.3.
pub(crate) fn pidfd_open(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes two numbers and returns a descriptor (always close-on-exec) that nobody else owns.
    unsafe {
        let fd = Errno::result(libc::syscall(libc::SYS_pidfd_open, pid, 0))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// pidfd_send_signal(2), Linux 5.1.
pub(crate) fn pidfd_send_signal(pidfd: &OwnedFd, signal: i32) -> Result<(), Errno> {
    let (pidfd, no_info) = (pidfd.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
    // SAFETY: a null siginfo is allowed and means what kill(2) sends.
    let done = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal, no_info, 0_u32) };
    Errno::result(done).map(drop)
}

/// flock(2) for writing, without waiting.
pub(crate) fn try_flock(file: impl AsFd) -> Result<(), Errno> {
    // SAFETY: the descriptor is open for as long as it is borrowed.
    let done = unsafe { libc::flock(file.as_fd().as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    Errno::result(done).map(drop)
}

/// renameat2(2) with RENAME_EXCHANGE: swaps two names in one step. By number, because musl has no wrapper.
pub(crate) fn exchange(one: &Path, other: &Path) -> Result<(), Errno> {
    use nix::NixPath;
    let done = one.with_nix_path(|one| {
        other.with_nix_path(|other| {
            // SAFETY: both paths are C strings that outlive the call.
            unsafe {
                let here = libc::AT_FDCWD;
                let flags = libc::RENAME_EXCHANGE;
                let call = libc::SYS_renameat2;
                libc::syscall(call, here, one.as_ptr(), here, other.as_ptr(), flags)
            }
        })
    })??;
    Errno::result(done).map(drop)
}

/// Removes a variable from the environment. Only in a process of one thread.
pub(crate) fn remove_variable(name: &OsStr) -> Result<(), Error> {
    threads::require_one()?;
    // SAFETY: this is the only thread, so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) };
    Ok(())
}

/// Removes all variables of the environment. Only in a process of one thread.
pub(crate) fn clear_environment() -> Result<(), Error> {
    threads::require_one()?;
    // SAFETY: as above.
    match unsafe { libc::clearenv() } {
        0 => Ok(()),
        _ => Err(Error::call("clearenv")(Errno::ENOMEM)),
    }
}

/// Sets a variable of the environment. Only in a process of one thread.
pub(crate) fn set_variable(name: &OsStr, value: &OsStr) -> Result<(), Error> {
    threads::require_one()?;
    // SAFETY: as above.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}

/// Has `handler` called when the process ends by exit(3) or by returning from main.
pub(crate) fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the function lives as long as the program. Failure means out of memory: then the pidfile is
    // left behind by an early exit(3), which the next start repairs.
    unsafe { libc::atexit(handler) };
}
