//! System calls and /proc. All `unsafe` code of the crate is here, behind safe functions.

#[allow(unsafe_code, reason = "nix has no safe form for numbers")]
pub(crate) mod fd;
pub(crate) mod file;
#[allow(unsafe_code, reason = "fork, _exit and atexit have no safe form")]
pub(crate) mod fork;
#[allow(unsafe_code, reason = "a signal's action has no safe form")]
pub(crate) mod handlers;
pub(crate) mod pidfd;
pub(crate) mod proc;
#[allow(unsafe_code, reason = "a signal's action has no safe form")]
pub(crate) mod signals;
pub(crate) mod threads;
#[allow(unsafe_code, reason = "another thread could read the environment")]
pub(crate) mod variables;
pub(crate) mod wait;

use nix::errno::Errno;

pub(crate) fn to_nix(cause: rustix::io::Errno) -> Errno {
    Errno::from_raw(cause.raw_os_error())
}
