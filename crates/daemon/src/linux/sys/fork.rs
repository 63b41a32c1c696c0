//! fork(2), _exit(2) and atexit(3).

use nix::libc;
use nix::unistd::ForkResult;

use super::threads;
use crate::linux::error::Error;

/// Forks a process of one thread. In the child other threads would be missing, but the locks that they hold would stay.
pub(crate) fn fork() -> Result<ForkResult, Error> {
    threads::require_single()?;
    // SAFETY: this is the only thread, so no lock (the allocator's, stdio's) is held by a thread that the child
    // lacks, and the child may call any function.
    unsafe { nix::unistd::fork() }.map_err(Error::call("fork"))
}

/// Flushes the streams of the C library, which a linked C library may have printed to.
pub(crate) fn flush_c_streams() {
    // SAFETY: a null pointer means all streams. An error stays recorded in its stream.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// _exit(2): ends the process without the exit handlers and buffers that it inherited by fork(2).
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(status) }
}

/// atexit(3): `handler` is called at exit(3) and at the return from main.
pub(crate) fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the function lives as long as the program. atexit(3) fails only without memory: then exit(3) leaves the
    // pidfile behind, and the next start takes it over.
    unsafe { libc::atexit(handler) };
}
