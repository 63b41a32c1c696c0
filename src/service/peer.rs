//! The processes that the service depends on: no client may end them, nor the service itself.

use std::{
    process,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use zbus::Connection;

use crate::{reading::Stamp, transport::Stream};

use super::{caller::Callers, error::Error};

/// The process at the other end of the socket, by pid and the time of the connection in microseconds since boot: the
/// bus, or the service manager that listens for the bus.
#[derive(Default)]
pub(super) struct Peer {
    process: OnceLock<(u32, u64)>,
    passes_descriptors: AtomicBool,
}

impl Peer {
    /// Records the peer of the socket and the time, and whether the bus passes descriptors. A process with this pid that
    /// started later is another one.
    pub(super) fn record(&self, stream: &Stream, passes_descriptors: bool) {
        self.passes_descriptors
            .store(passes_descriptors, Ordering::Relaxed);
        if let Some(pid) = stream.peer() {
            let now = Stamp::now().boottime.as_micros();
            self.process
                .get_or_init(|| (pid, u64::try_from(now).unwrap_or(u64::MAX)));
        }
    }

    /// Checks that replies can carry descriptors.
    ///
    /// # Errors
    /// `NotSupported`.
    pub(crate) fn check_passes_descriptors(&self) -> Result<(), Error> {
        match self.passes_descriptors.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(Error::not_supported(
                "the bus passes no file descriptors to the service (it does over a Unix socket): use Start".to_owned(),
            )),
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
        // If a service manager listens, the peer is not the bus.
        match callers.pid(bus, "org.freedesktop.DBus").await {
            Some(bus) if bus == pid => Err(refusal(pid, "the session bus")),
            bus => Ok(bus),
        }
    }

    fn is_peer(&self, pid: u32, start: u64) -> bool {
        let peer = self.process.get();
        peer.is_some_and(|&(peer, recorded)| peer == pid && start <= recorded)
    }
}

/// The error of a client that wants to end a protected process.
pub(super) fn refusal(pid: u32, what: &str) -> Error {
    Error::access_denied(format!(
        "process {pid}: it is {what}, which no client ends through this service"
    ))
}
