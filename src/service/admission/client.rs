//! A client of the service, as far as its calls go.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::transport::header;

/// No call runs longer: one that is not answered by then never is.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// A call that has come.
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
    /// Memory is taken for what is let in only.
    pub(super) fn into_call(self) -> WaitingCall {
        let mut bytes = self.bytes.to_vec();
        // How long a call runs is seen by its reply, whether or not the client wants one.
        header::expect_reply(&mut bytes);
        WaitingCall {
            serial: self.serial,
            expects_reply: self.expects_reply,
            bytes,
        }
    }
}

/// A call that zbus has.
#[derive(Debug)]
pub(super) struct RunningCall {
    pub(super) serial: u32,
    /// The size of its message, which zbus keeps until it is answered.
    pub(super) bytes: usize,
    pub(super) expects_reply: bool,
    pub(super) since: Instant,
}

/// Whether a client reads what it is sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum UnreadState {
    /// As far as is known, yes.
    #[default]
    None,
    /// The bus is being asked; the client's calls wait until it has answered.
    Asked,
    /// It does not: the bus held so many bytes for it.
    Behind { held: usize, since: Instant },
}

/// A client, by its unique name.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) waiting: VecDeque<WaitingCall>,
    pub(super) running: Vec<RunningCall>,
    /// The bytes of replies since the bus was asked how much it holds.
    pub(super) reply_bytes: usize,
    pub(super) unread: UnreadState,
    /// Whether it has ever answered a ping.
    pub(super) has_answered_ping: bool,
    /// Whether its last answer was a small one.
    pub(super) gets_small_replies: bool,
    /// Whether it is among those whose turn comes.
    pub(super) is_queued: bool,
    /// Whether its leaving is watched.
    pub(super) is_watched: bool,
}

impl Client {
    /// The calls that wait or run.
    pub(super) fn calls(&self) -> usize {
        self.waiting.len().saturating_add(self.running.len())
    }

    /// The bytes of their messages.
    pub(super) fn call_bytes(&self) -> usize {
        let running = self.running.iter().map(|call| call.bytes);
        running.sum::<usize>().saturating_add(self.waiting_bytes())
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(|call| call.bytes.len()).sum()
    }

    /// Whether a call of it can be handed over now.
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

    /// Has the bus asked again about a client that did not read a while ago.
    pub(super) fn ask_again(&mut self, now: Instant, after: Duration) {
        if let UnreadState::OverLimit { since, .. } = self.unread
            && now.saturating_duration_since(since) >= after
        {
            self.unread = UnreadState::WithinLimit;
            // Asked before the next call is handed over.
            self.reply_bytes = usize::MAX;
        }
    }

    /// Takes out the calls that have run for too long, and returns the bytes of each.
    pub(super) fn expire_calls(&mut self, now: Instant) -> Vec<usize> {
        let is_lost =
            |call: &mut RunningCall| now.saturating_duration_since(call.since) >= CALL_TIMEOUT;
        let lost = self.running.extract_if(.., is_lost);
        lost.map(|call| call.bytes).collect()
    }
}
