//! Ending a process, where that cannot hold anything up.

use std::time::Duration;

use tokio::{sync::oneshot, time::timeout};

use crate::{
    process::{self, EndError},
    service::{error::Error, peer},
};

use super::worker::Worker;

/// What `/proc/PID/stat` says is there at once, unless the kernel holds the process.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What dbus-broker calls the process that is the bus: the bus itself tells of its parent.
const BROKER: &str = "dbus-broker";

/// Sends a signal to a process, if it is the one that started at this moment: see [`process::end`]. `bus` is the
/// process of which the bus tells.
///
/// # Errors
/// When there is no such process, it may not be sent this signal, or the kernel does not tell in time which
/// process it is.
pub(crate) async fn end(
    worker: &Worker,
    pid: u32,
    start: u64,
    signal: i32,
    bus: Option<u32>,
) -> Result<(), Error> {
    let roots = worker.roots().clone();
    let (sender, receiver) = oneshot::channel();
    let place = format!("process {pid}").into();
    let end = move || {
        let is_bus = bus.is_some_and(|bus| process::is_child(&roots, pid, bus, BROKER));
        let ended = match is_bus {
            true => Err(peer::refusal(pid, "the session bus")),
            false => process::end(&roots, pid, start, signal).map_err(Error::from),
        };
        drop(sender.send(ended));
    };
    // When this is dropped, nobody waits for the signal any more, and it is not sent later.
    let _submitted = worker.pool().submit_at_once(&place, TIMEOUT, end);
    match timeout(TIMEOUT, receiver).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) => Err(Error::failed(format!(
            "process {pid}: the service has failed"
        ))),
        Err(_) => Err(Error::timeout(format!(
            "process {pid}: the kernel has not told in {} s which process it is",
            TIMEOUT.as_secs()
        ))),
    }
}

impl From<EndError> for Error {
    fn from(error: EndError) -> Self {
        let message = error.to_string();
        match error {
            EndError::NoSuchProcess(_) | EndError::AnotherProcess(_) => {
                Self::no_such_process(message)
            }
            EndError::Denied(_) => Self::access_denied(message),
            EndError::BadSignal(_) => Self::invalid_args(message),
            EndError::OtherNamespace(_) => Self::not_supported(message),
            EndError::Unreadable(_) => Self::failed(message),
        }
    }
}
