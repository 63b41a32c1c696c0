//! What to do about a client that does not take its frames.
//!
//! The bus queues what a stopped or slow client does not read, without a limit worth the name
//! (dbus-daemon: 1 GB). So once in a while the bus is asked how much it holds for the client, and
//! while that is too much, frames are dropped here instead of growing there.

use std::collections::HashMap;

use tokio::task::AbortHandle;
use zbus::{Connection, OwnedVariant, Variant};

/// A check every so many frames, and every so many bytes: a table of processes can be large.
const FRAMES_BETWEEN_CHECKS: u32 = 16;
const BYTES_BETWEEN_CHECKS: usize = 256 * 1024;

/// How much may wait in the bus for one client, beside the frame that it is just taking: more than any
/// frame of 4096 numbers.
const MOST_BYTES: usize = 64 * 1024;

/// Whether a session's client keeps up, as far as is known.
#[derive(Default)]
pub(crate) struct Backlog {
    full: bool,
    since_check: u32,
    bytes_since_check: usize,
    /// The size of the last frame that was sent.
    last_frame: usize,
    /// The question to the bus that is not answered yet.
    check: Option<Check>,
}

/// A task that is aborted when its session ends.
struct Check(AbortHandle);

impl Backlog {
    /// Whether frames are to be dropped.
    pub(crate) fn is_full(&self) -> bool {
        // An answer that is long in coming is no reason to go on sending for ever.
        let unknown = self.check.is_some() && self.bytes_since_check >= 4 * BYTES_BETWEEN_CHECKS;
        self.full || unknown || self.since_check >= 4 * FRAMES_BETWEEN_CHECKS
    }

    /// Counts a frame of so many bytes; one that was dropped has none.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.since_check = self.since_check.saturating_add(1);
        self.bytes_since_check = self.bytes_since_check.saturating_add(bytes);
        if bytes > 0 {
            self.last_frame = bytes;
        }
    }

    /// Whether it is time to ask the bus.
    pub(crate) fn is_check_due(&self) -> bool {
        let is_due = self.since_check >= FRAMES_BETWEEN_CHECKS
            || self.bytes_since_check >= BYTES_BETWEEN_CHECKS;
        self.check.is_none() && is_due
    }

    /// Remembers that the bus is being asked.
    pub(crate) fn asked(&mut self, check: AbortHandle) {
        self.check = Some(Check(check));
    }

    /// Takes the bus's answer.
    pub(crate) fn answer(&mut self, bytes: u32) {
        *self = Self {
            full: bytes as usize > MOST_BYTES + self.last_frame,
            last_frame: self.last_frame,
            ..Self::default()
        };
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How many bytes the bus holds for a client. A bus that does not say is taken to hold none.
pub(crate) async fn bytes_held(bus: &Connection, client: &str) -> u32 {
    match of_dbus_daemon(bus, client).await {
        Ok(bytes) => bytes,
        Err(_) => of_dbus_broker(bus, client).await.unwrap_or(0),
    }
}

const STATS: &str = "org.freedesktop.DBus.Debug.Stats";

async fn of_dbus_daemon(bus: &Connection, client: &str) -> zbus::Result<u32> {
    let path = "/org/freedesktop/DBus";
    let peer = Some("org.freedesktop.DBus");
    let reply = bus
        .call_method(peer, path, Some(STATS), "GetConnectionStats", &client)
        .await?;
    let body = reply.body();
    let stats: HashMap<&str, Variant<'_>> = body.deserialize()?;
    match stats.get("OutgoingBytes") {
        Some(Variant::U32(bytes)) => Ok(*bytes),
        _ => Err(zbus::Error::InvalidReply),
    }
}

/// dbus-broker knows `GetConnectionStats` by name only, and tells of all peers at once. What is
/// outgoing to dbus-daemon is incoming to it.
async fn of_dbus_broker(bus: &Connection, client: &str) -> zbus::Result<u32> {
    type Peer = (String, HashMap<String, OwnedVariant>, HashMap<String, u32>);
    let path = "/org/freedesktop/DBus";
    let peer = Some("org.freedesktop.DBus");
    let reply = bus
        .call_method(peer, path, Some(STATS), "GetStats", &())
        .await?;
    let body = reply.body();
    let mut stats: HashMap<String, OwnedVariant> = body.deserialize()?;
    let peers = stats.remove("org.bus1.DBus.Debug.Stats.PeerAccounting");
    let peers: Vec<Peer> = peers.ok_or(zbus::Error::InvalidReply)?.try_into()?;
    let (_, _, counts) = peers
        .into_iter()
        .find(|(name, ..)| name == client)
        .ok_or(zbus::Error::InvalidReply)?;
    Ok(counts.get("IncomingBytes").copied().unwrap_or(0))
}
