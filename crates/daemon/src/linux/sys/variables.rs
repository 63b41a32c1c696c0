//! Environment variables. They may be changed in a process of one thread only.

use std::ffi::OsStr;

use nix::errno::Errno;
use nix::libc;

use super::threads;
use crate::linux::error::Error;

/// Removes a variable from the environment. Only in a process of one thread.
pub(crate) fn remove(name: &OsStr) -> Result<(), Error> {
    threads::require_single()?;
    // SAFETY: this is the only thread, so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) };
    Ok(())
}

/// Removes all variables of the environment. Only in a process of one thread.
pub(crate) fn clear() -> Result<(), Error> {
    threads::require_single()?;
    // SAFETY: as above.
    match unsafe { libc::clearenv() } {
        0 => Ok(()),
        _ => Err(Error::call("clearenv")(Errno::ENOMEM)),
    }
}

/// Sets a variable of the environment. Only in a process of one thread.
pub(crate) fn set(name: &OsStr, value: &OsStr) -> Result<(), Error> {
    threads::require_single()?;
    // SAFETY: as above.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}
