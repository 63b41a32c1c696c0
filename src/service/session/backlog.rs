//! The backlog of a client: frames are dropped while the client does not read them.
//!
//! The bus queues messages for a stopped or slow client practically without a limit (dbus-daemon: 1 GB).
//! So the service asks the bus how many bytes it holds for the client, whenever they can be too many, and drops frames while
//! they are, instead of letting the queue grow.

use std::time::Duration;

use tokio::task::AbortHandle;

use super::past::SIGNAL_BYTES;
use crate::service::client::unread::{MAX_UNREAD_BYTES, Unread};

/// The frames, and the bytes, between two checks: a table of processes can be large.
const FRAMES_BETWEEN_CHECKS: u32 = 16;
const BYTES_BETWEEN_CHECKS: usize = 256 * 1024;

/// The frames between two checks of a detached session, which take a request for each subscriber.
const FRAMES_BETWEEN_BROADCAST_CHECKS: u32 = 512;

/// The result of the last check of a session's receivers, and the traffic since then.
#[derive(Default)]
pub(crate) struct Backlog {
    is_full: bool,
    /// Whether neither the bus nor the client can tell if frames are read.
    unconfirmed: bool,
    /// Whether the client has ever answered a ping.
    has_answered: bool,
    since_check: u32,
    bytes_since_check: usize,
    /// The bytes that the bus held for the client at the last check, if it has told.
    held: Option<usize>,
    /// The size of the last frame that was sent.
    last_frame: usize,
    /// The bytes of frames of the past that the client may not have read at the next check.
    allowed: usize,
    /// The check in progress.
    check: Option<Check>,
}

/// A task that is aborted when its session ends.
struct Check(AbortHandle);

impl Backlog {
    /// Whether frames are to be dropped.
    pub(crate) fn is_full(&self) -> bool {
        // A check that takes long must not allow an unlimited number of frames.
        let is_overdue = self.check.is_some()
            && (self.bytes_since_check >= 3 * BYTES_BETWEEN_CHECKS
                || self.since_check >= 3 * FRAMES_BETWEEN_CHECKS);
        self.is_full || is_overdue && !self.unconfirmed
    }

    /// Whether neither the bus nor the client can tell if frames are read.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed
    }

    /// Counts a frame of `bytes`.
    pub(crate) fn count(&mut self, bytes: usize) {
        let sent = bytes.saturating_add(SIGNAL_BYTES);
        self.bytes_since_check = self.bytes_since_check.saturating_add(sent);
        self.last_frame = bytes;
        self.count_dropped();
    }

    /// Counts a dropped frame, after which a check is due as after one that was sent.
    pub(crate) fn count_dropped(&mut self) {
        self.since_check = self.since_check.saturating_add(1);
    }

    /// Lets the client have so many bytes of frames of the past, until the next check.
    pub(crate) fn allow(&mut self, bytes: usize) {
        self.allowed = self.allowed.saturating_add(bytes);
    }

    /// Begins as after a check of a client without unread bytes.
    pub(super) fn assume_read(&mut self) {
        self.held = Some(0);
    }

    /// Whether a check of the owner is due.
    pub(crate) fn is_check_due(&self) -> bool {
        self.may_be_full() && self.is_due(FRAMES_BETWEEN_CHECKS)
    }

    /// Whether the owner can have too many unread bytes by now: a check is two messages, and costs as much as many frames.
    fn may_be_full(&self) -> bool {
        let held = self.held.filter(|_| !self.is_full);
        held.is_none_or(|held| held.saturating_add(self.bytes_since_check) > MAX_UNREAD_BYTES)
    }

    /// Whether a check of the owner is due that is repeated every second, or at every frame if these are rarer.
    pub(crate) fn is_repeated_check_due(&self, interval: Duration) -> bool {
        let frames = 1_000_u128
            .checked_div(interval.as_millis())
            .unwrap_or_default();
        self.is_due(u32::try_from(frames).unwrap_or(u32::MAX).max(1))
    }

    /// Whether a check of all receivers of broadcasts is due. It is due sooner if some were `late`.
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

    /// Stores the check in progress.
    pub(crate) fn begin_check(&mut self, check: AbortHandle) {
        self.reset_check();
        self.check = Some(Check(check));
    }

    /// Stores the result of a check of the owner.
    pub(crate) fn finish_check(&mut self, held: Unread) {
        self.has_answered |= held == Unread::Pinged;
        self.held = match held {
            Unread::Bytes(bytes) => Some(bytes),
            Unread::Pinged | Unread::Silent => None,
        };
        let allowed = std::mem::take(&mut self.allowed).saturating_add(self.last_frame);
        self.is_full = match held {
            Unread::Bytes(bytes) => bytes > MAX_UNREAD_BYTES.saturating_add(allowed),
            Unread::Pinged => false,
            // A client that has answered a ping before is stopped; some clients never answer pings.
            Unread::Silent => self.has_answered,
        };
        self.unconfirmed = held == Unread::Silent && !self.has_answered;
        self.reset_check();
    }

    /// Stores the result of a check of all receivers of broadcasts.
    pub(crate) fn finish_broadcast_check(&mut self, is_full: bool) {
        self.is_full = is_full;
        self.reset_check();
    }

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

#[cfg(test)]
mod tests {
    use tokio::task::AbortHandle;

    use super::*;

    /// The handle of a task that has ended.
    async fn ended() -> AbortHandle {
        let task = tokio::spawn(async {});
        let handle = task.abort_handle();
        task.await.unwrap();
        handle
    }

    /// The frames of `bytes` until a check is due.
    fn frames_until_check(backlog: &mut Backlog, bytes: usize) -> u32 {
        let mut frames = 0;
        while !backlog.is_check_due() {
            match backlog.is_full() {
                true => backlog.count_dropped(),
                false => backlog.count(bytes),
            }
            frames += 1;
        }
        frames
    }

    #[tokio::test]
    async fn a_client_is_checked_when_it_can_have_too_many_unread_bytes() {
        let mut backlog = Backlog::default();
        // Nothing is known of it at first.
        assert_eq!(frames_until_check(&mut backlog, 320), 16);
        let mut check = async |held, bytes, expected| {
            backlog.begin_check(ended().await);
            assert!(!backlog.is_check_due());
            backlog.finish_check(held);
            assert_eq!(
                frames_until_check(&mut backlog, bytes),
                expected,
                "{held:?}"
            );
        };
        // 64 KiB are 113.8 signals of 320 bytes and a header.
        check(Unread::Bytes(0), 320, 114).await;
        check(Unread::Bytes(MAX_UNREAD_BYTES / 2), 320, 57).await;
        check(Unread::Bytes(MAX_UNREAD_BYTES), 320, 16).await;
        check(Unread::Bytes(0), 8000, 16).await;
        check(Unread::Bytes(0), 40_000, 7).await;
        // The bus does not tell.
        check(Unread::Pinged, 320, 16).await;
        check(Unread::Silent, 320, 16).await;
        // Only a check shows whether the client reads again.
        check(Unread::Bytes(1 << 20), 320, 16).await;
    }
}
