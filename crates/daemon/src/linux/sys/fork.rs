//! fork(2) and the two ways out of a process.

use nix::libc;
use nix::unistd::ForkResult;

use super::threads;
use crate::linux::error::Error;

/// Forks a process of one thread. Other threads would not exist in the child, but the locks they hold would.
pub(crate) fn fork() -> Result<ForkResult, Error> {
    threads::require_single()?;
    // SAFETY: this is the only thread, so no lock (the allocator's, stdio's) is held by a thread that the child
    // lacks, and the child may call any function.
    unsafe { nix::unistd::fork() }.map_err(Error::call("fork"))
}

/// Writes out what the C library has buffered: printf(3) of a library.
pub(crate) fn flush_c_streams() {
    // SAFETY: a null pointer means all streams. Failure is the stream's, and stays with it.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// Ends the process at once: neither exit handlers nor buffers of the program we were forked from are run.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(status) }
}

/// Has `handler` called when the process ends by exit(3) or by returning from main.
pub(crate) fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the function lives as long as the program. Failure means out of memory: then the pidfile is
    // left behind by an early exit(3), which the next start repairs.
    unsafe { libc::atexit(handler) };
}
