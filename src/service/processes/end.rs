//! `End`: signals a process from a thread of the blocking pool.

use std::time::Duration;

use tokio::{sync::oneshot, time::timeout};

use crate::{
    process::{self, EndError},
    service::{error::Error, peer},
};

use super::async_table::AsyncTable;

/// The timeout. `/proc/PID/stat` is read at once, unless the kernel holds the process.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The name of the process that is the bus with dbus-broker: the pid that the bus reports is its parent's.
const BROKER: &str = "dbus-broker";

/// Sends a signal to the process with this pid and start time: see [`process::end`]. `bus` is the pid that the bus
/// reports as its own.
///
/// # Errors
/// When there is no such process, the user may not send it this signal, or its start time is not read before the
/// timeout.
pub(crate) async fn end(
    table: &AsyncTable,
    pid: u32,
    start: u64,
    signal: i32,
    bus: Option<u32>,
) -> Result<(), Error> {
    let roots = table.roots().clone();
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
    // Dropping the job when the call ends prevents a signal that is sent late.
    let _submitted = table.pool().submit_at_once(&place, TIMEOUT, end);
    match timeout(TIMEOUT, receiver).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) => Err(Error::failed(format!(
            "process {pid}: the service has failed"
        ))),
        Err(_) => Err(Error::timeout(format!(
            "process {pid}: the kernel has not reported its start time within {} s",
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
