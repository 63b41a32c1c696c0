//! Changes the environment. Each function returns an error in a process of several threads.

use std::ffi::OsStr;

use nix::errno::Errno;
use nix::libc;

use super::threads;
use crate::linux::error::Error;

/// Removes a variable.
pub(crate) fn remove(name: &OsStr) -> Result<(), Error> {
    threads::require_single()?;
    // SAFETY: this is the only thread, so no other thread reads the environment.
    unsafe { std::env::remove_var(name) };
    Ok(())
}

/// Removes all variables.
pub(crate) fn clear() -> Result<(), Error> {
    threads::require_single()?;
    // SAFETY: this is the only thread.
    match unsafe { libc::clearenv() } {
        0 => Ok(()),
        _ => Err(Error::call("clearenv")(Errno::ENOMEM)),
    }
}

/// Sets a variable.
pub(crate) fn set(name: &OsStr, value: &OsStr) -> Result<(), Error> {
    threads::require_single()?;
    // SAFETY: this is the only thread.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}
