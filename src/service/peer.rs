//! The processes that the service depends on: no client may end them, nor the service itself.

use std::{process, sync::OnceLock};

use zbus::Connection;

use crate::{reading::Stamp, transport::Stream};

use super::{
    caller::{self, Callers},
    error::Error,
};

/// The process at the other end of the socket, by pid and the time of the connection in microseconds since boot: the
/// bus, or the service manager that listens for the bus.
#[derive(Default)]
pub(super) struct Peer(OnceLock<(u32, u64)>);

impl Peer {
    /// Records the peer of the socket and the time. A process with this pid that started later is another one.
    pub(super) fn record(&self, stream: &Stream) {
        if let Some(pid) = stream.peer() {
            let now = Stamp::now().boottime.as_micros();
            self.0
                .get_or_init(|| (pid, u64::try_from(now).unwrap_or(u64::MAX)));
        }
    }

    /// Refuses to end a process that the service depends on. Returns the pid of the bus, if it is known.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) async fn check_end(
        &self,
        callers: &Callers,
        bus: &Connection,
        pid: u32,
        start: u64,
    ) -> Result<Option<u32>, Error> {
        if pid == process::id() {
            let what = "this service itself (Quit has it leave)";
            return Err(refusal(pid, what));
        }
        if self.is_peer(pid, start) {
            let what = "the session bus, or the service manager that listens for it";
            return Err(refusal(pid, what));
        }
        if !callers.shares_pid_namespace(bus).await {
            return Ok(None);
        }
        // If a service manager listens, the peer is not the bus.
        let bus = caller::credentials(bus, "org.freedesktop.DBus").await;
        match bus.and_then(|bus| bus.process_id()) {
            Some(bus) if bus == pid => Err(refusal(pid, "the session bus")),
            bus => Ok(bus),
        }
    }

    fn is_peer(&self, pid: u32, start: u64) -> bool {
        let peer = self.0.get();
        peer.is_some_and(|&(peer, recorded)| peer == pid && start <= recorded)
    }
}

/// The error of a client that wants to end a protected process.
pub(super) fn refusal(pid: u32, what: &str) -> Error {
    Error::access_denied(format!(
        "process {pid}: it is {what}, which no client ends through this service"
    ))
}
