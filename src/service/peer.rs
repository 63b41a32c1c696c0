//! What the service hangs on: no client may end it, nor the service itself.

use std::{process, sync::OnceLock};

use zbus::Connection;

use crate::{reading::Stamp, transport::Stream};

use super::{caller, error::Error, state::State};

/// The process at the other end of the socket: the bus, or the service manager that listens for it.
#[derive(Default)]
pub(super) struct Peer(OnceLock<(u32, u64)>);

impl Peer {
    /// Notes who it is, and when that was, in microseconds since boot: the number of one that starts later is another
    /// process's.
    pub(super) fn note(&self, stream: &Stream) {
        if let Some(pid) = stream.peer() {
            let now = Stamp::now().boottime.as_micros();
            self.0
                .get_or_init(|| (pid, u64::try_from(now).unwrap_or(u64::MAX)));
        }
    }

    fn is(&self, pid: u32, start: u64) -> bool {
        let peer = self.0.get();
        peer.is_some_and(|&(peer, noted)| peer == pid && start <= noted)
    }
}

impl State {
    /// Refuses to end what the service hangs on.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) async fn refuse_end(
        &self,
        bus: &Connection,
        pid: u32,
        start: u64,
    ) -> Result<(), Error> {
        let refuse = |what: &str| {
            Err(Error::access_denied(format!(
                "process {pid}: it is {what}, which no client ends through this service"
            )))
        };
        if pid == process::id() {
            return refuse("this service itself (Quit has it leave)");
        }
        if self.peer.is(pid, start) {
            return refuse("the session bus, or the service manager that listens for it");
        }
        // Where a service manager listens, the bus is another process.
        if self.callers.counts_alike(bus).await {
            let bus = caller::credentials(bus, "org.freedesktop.DBus").await;
            if bus.and_then(|bus| bus.process_id()) == Some(pid) {
                return refuse("the session bus");
            }
        }
        Ok(())
    }
}
