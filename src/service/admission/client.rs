//! The calls of one client, and whether it reads its replies.

use std::{collections::VecDeque, time::Duration};

use sampled_client::transport::header;
use tokio::time::Instant;

/// No call runs longer: a call that is not answered in this time counts as lost.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// A received call.
#[derive(Clone, Copy, Debug)]
pub(super) struct IncomingCall<'a> {
    pub(super) serial: u32,
    pub(super) expects_reply: bool,
    /// The whole message.
    pub(super) bytes: &'a [u8],
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct WaitingCall {
    pub(super) serial: u32,
    pub(super) expects_reply: bool,
    /// The whole message.
    pub(super) bytes: Vec<u8>,
}

impl IncomingCall<'_> {
    /// Copies the message: only admitted calls take memory.
    pub(super) fn into_call(self) -> WaitingCall {
        let mut bytes = self.bytes.to_vec();
        // The reply marks the end of a call, so zbus has to send one even if the client expects none.
        header::expect_reply(&mut bytes);
        WaitingCall {
            serial: self.serial,
            expects_reply: self.expects_reply,
            bytes,
        }
    }
}

/// A call that was handed to zbus.
#[derive(Debug)]
pub(super) struct RunningCall {
    pub(super) serial: u32,
    /// The size of its message, which zbus keeps until it is answered.
    pub(super) bytes: usize,
    pub(super) expects_reply: bool,
    pub(super) since: Instant,
}

/// Whether a client reads its replies.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum UnreadState {
    /// As far as is known, the client is within its limit of unread bytes.
    #[default]
    WithinLimit,
    /// The bus is being asked. The client's calls wait for the result.
    Asking,
    /// The client is over its limit: the bus held this many bytes for it.
    OverLimit { held: usize, since: Instant },
}

/// A client that has called.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) waiting: VecDeque<WaitingCall>,
    pub(super) running: Vec<RunningCall>,
    /// The bytes of replies since its unread bytes were queried last.
    pub(super) reply_bytes: usize,
    pub(super) unread: UnreadState,
    /// Whether it has ever answered a ping.
    pub(super) has_answered_ping: bool,
    /// Whether its last reply was small.
    pub(super) gets_small_replies: bool,
    /// Whether it is among the ready clients.
    pub(super) is_queued: bool,
    /// Whether its unique name is watched.
    pub(super) is_watched: bool,
}

impl Client {
    /// The number of its calls that wait or run.
    pub(super) fn calls(&self) -> usize {
        self.waiting.len().saturating_add(self.running.len())
    }

    /// The bytes of the messages of its calls.
    pub(super) fn call_bytes(&self) -> usize {
        let running = self.running.iter().map(|call| call.bytes);
        running.sum::<usize>().saturating_add(self.waiting_bytes())
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(|call| call.bytes.len()).sum()
    }

    /// Whether one of its calls can be handed over now.
    pub(super) fn is_ready(&self) -> bool {
        !self.waiting.is_empty() && self.unread == UnreadState::WithinLimit
    }

    /// Whether a call with this serial waits or runs.
    pub(super) fn has_call(&self, serial: u32) -> bool {
        self.running.iter().any(|call| call.serial == serial)
            || self.waiting.iter().any(|call| call.serial == serial)
    }

    pub(super) fn expects_reply(&self, serial: u32) -> bool {
        let mut running = self.running.iter();
        let call = running.find(|call| call.serial == serial);
        call.is_none_or(|call| call.expects_reply)
    }

    /// Lets a client that was over its limit be checked again, `after` the last check.
    pub(super) fn ask_again(&mut self, now: Instant, after: Duration) {
        if let UnreadState::OverLimit { since, .. } = self.unread
            && now.saturating_duration_since(since) >= after
        {
            self.unread = UnreadState::WithinLimit;
            // Forces a query before its next call is handed over.
            self.reply_bytes = usize::MAX;
        }
    }

    /// Removes the calls that have run for [`CALL_TIMEOUT`], and returns the bytes of each.
    pub(super) fn expire_calls(&mut self, now: Instant) -> Vec<usize> {
        let is_lost =
            |call: &mut RunningCall| now.saturating_duration_since(call.since) >= CALL_TIMEOUT;
        let lost = self.running.extract_if(.., is_lost);
        lost.map(|call| call.bytes).collect()
    }
}
