//! What to do about a client that does not take its frames.
//!
//! The bus queues what a stopped or slow client does not read, without a limit worth the name
//! (dbus-daemon: 1 GB). So once in a while the bus is asked how much it holds for the client, and
//! while that is too much, frames are dropped here instead of growing there.

use tokio::task::AbortHandle;

use crate::service::client::unread::{MAX_UNREAD_BYTES, Unread};

/// A check every so many frames, and every so many bytes: a table of processes can be large.
const FRAMES_BETWEEN_CHECKS: u32 = 16;
const BYTES_BETWEEN_CHECKS: usize = 256 * 1024;

/// The same for a session whose frames go to everybody: there it takes a question for each subscriber.
const FRAMES_BETWEEN_BROADCAST_CHECKS: u32 = 512;

/// Whether the receivers of a session keep up, as far as is known.
#[derive(Default)]
pub(crate) struct Backlog {
    full: bool,
    /// Whether neither the bus nor the client says anything of it.
    unconfirmed: bool,
    /// Whether the client has ever answered a ping.
    has_answered: bool,
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
        let is_overdue = self.check.is_some()
            && (self.bytes_since_check >= 3 * BYTES_BETWEEN_CHECKS
                || self.since_check >= 3 * FRAMES_BETWEEN_CHECKS);
        self.full || is_overdue && !self.unconfirmed
    }

    /// Whether nobody says if the client takes its frames.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed
    }

    /// Counts a frame of so many bytes; one that was dropped has none.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.since_check = self.since_check.saturating_add(1);
        self.bytes_since_check = self.bytes_since_check.saturating_add(bytes);
        if bytes > 0 {
            self.last_frame = bytes;
        }
    }

    /// Whether it is time to ask the bus about the owner.
    pub(crate) fn is_check_due(&self) -> bool {
        self.is_due(FRAMES_BETWEEN_CHECKS)
    }

    /// Whether it is time to ask the bus about all who receive broadcasts, of whom some were `late`.
    pub(crate) fn is_broadcast_check_due(&self, late: bool) -> bool {
        match late {
            true => self.is_due(FRAMES_BETWEEN_CHECKS),
            false => self.is_due(FRAMES_BETWEEN_BROADCAST_CHECKS),
        }
    }

    fn is_due(&self, frames: u32) -> bool {
        let is_due = self.since_check >= frames || self.bytes_since_check >= BYTES_BETWEEN_CHECKS;
        self.check.is_none() && is_due
    }

    /// Remembers that the bus is being asked.
    pub(crate) fn begin_check(&mut self, check: AbortHandle) {
        self.reset_check();
        self.check = Some(Check(check));
    }

    /// Takes the answer.
    pub(crate) fn finish_check(&mut self, held: Held) {
        self.has_answered |= held == Held::Pinged;
        self.full = match held {
            Unread::Bytes(bytes) => bytes > MAX_UNREAD_BYTES.saturating_add(self.last_frame),
            Unread::Pinged => false,
            // A client that answers pings has stopped; there are others that never answer one.
            Unread::Silent => self.has_answered,
        };
        self.unconfirmed = held == Held::Silent && !self.has_answered;
        self.reset_check();
    }

    /// Takes the answer about all who receive broadcasts.
    pub(crate) fn finish_broadcast_check(&mut self, is_full: bool) {
        self.full = is_full;
        self.reset_check();
    }

    /// The question is answered.
    fn reset_check(&mut self) {
        self.since_check = 0;
        self.bytes_since_check = 0;
        self.check = None;
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.0.abort();
    }
}
