//! The event loop of a command.

use std::{fs::File, io};

use tokio::runtime;

use super::error::Error;

/// The file descriptors that a command needs at least: epoll and signals of the runtime, the bus, a timer, some files.
const DESCRIPTORS: usize = 16;

/// Runs a command on this thread.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    check_descriptors().map_err(|cause| Error::Kernel {
        what: "too few files can be open (RLIMIT_NOFILE)",
        cause,
    })?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::Kernel {
        what: "event queue",
        cause,
    })?;
    let done = runtime.block_on(command);
    // The runtime's threads resolve host names. One that gets no answer would delay the exit.
    runtime.shutdown_background();
    done
}

/// Checks that enough files can be opened: otherwise tokio panics at its first signal.
fn check_descriptors() -> io::Result<()> {
    let first = File::open("/dev/null")?;
    let others: io::Result<Vec<_>> = (1..DESCRIPTORS).map(|_| first.try_clone()).collect();
    others.map(drop)
}
