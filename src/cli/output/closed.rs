//! A standard output that was closed from the start. Rust's runtime opens /dev/null in its place, where all output would
//! be lost without an error.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use rustix::{
    io::{Errno, fcntl_getfd},
    stdio::stdout,
};

static IS_CLOSED: AtomicBool = AtomicBool::new(false);

#[used]
#[allow(
    unsafe_code,
    reason = "`main` is too late, and nothing else is earlier"
)]
// SAFETY: the C library calls the functions of this section before `main`. The arguments that it passes are ignored, as
// C allows; the function makes a system call and stores a constant, for which Rust's runtime is not needed.
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = look;

extern "C" fn look() {
    IS_CLOSED.store(fcntl_getfd(stdout()) == Err(Errno::BADF), Relaxed);
}

/// Fails as a write to a closed standard output does.
pub(super) fn check() -> io::Result<()> {
    match IS_CLOSED.load(Relaxed) {
        true => Err(Errno::BADF.into()),
        false => Ok(()),
    }
}
