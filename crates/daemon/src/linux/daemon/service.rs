//! Calls the service in the daemon, and turns its return, error or panic into the outcome of the start.

use std::any::Any;
use std::error::Error as StdError;
use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::linux::error::Error;
use crate::linux::readiness::{Readiness, Ready};

/// Calls the service and returns the exit status. `name` is the daemon's, for messages.
pub(super) fn call<F, E>(name: &str, ready: &Ready, service: F) -> i32
where
    F: FnOnce(Ready) -> Result<(), E>,
    E: Into<Box<dyn StdError>>,
{
    let pidfile = ready.pidfile();
    // Unwind safety: no value of the service is used after a panic.
    let returned = catch_unwind(AssertUnwindSafe(|| service(ready.clone())));
    let (error, status) = match returned {
        Ok(Ok(())) => (None, 0),
        Ok(Err(error)) => (Some(Error::failed(error.into().as_ref())), 1),
        Err(panic) => (Some(panic_error(panic.as_ref())), 101),
    };
    // Before the last message: after it the caller may start the next daemon.
    if let Err(error) = pidfile.release() {
        print_error(name, &error);
    }
    match (ready.readiness(), error) {
        (Readiness::Ready, None) => {}
        (Readiness::Ready, Some(error)) => print_error(name, &error),
        (Readiness::Failed(_), _) => return status.max(1),
        (Readiness::Pending, Some(error)) => ready.fail_with(&error),
        (Readiness::Pending, None) => {
            ready.fail("the daemon ended before it was ready");
            return 1;
        }
    }
    status
}

/// Not by eprintln!, which panics on a closed pipe.
fn print_error(name: &str, error: &Error) {
    let _ = writeln!(stderr(), "{name}: {error}");
}

/// Turns a panic into an error, so that it does not unwind into the caller's code in the forked process.
pub(super) fn catch_panic<T>(step: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let done = catch_unwind(AssertUnwindSafe(step));
    done.unwrap_or_else(|panic| Err(panic_error(panic.as_ref())))
}

fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Error::message(format!("panicked: {}", text.unwrap_or("without a message")))
}
