//! A client of the service, as far as its calls go.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::transport::header;

/// No call runs longer: one that is not answered by then never is.
const LONGEST: Duration = Duration::from_secs(60);

/// A call that has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'a> {
    pub(super) serial: u32,
    pub(super) expects_reply: bool,
    /// The whole message.
    pub(super) bytes: &'a [u8],
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) serial: u32,
    pub(super) expects_reply: bool,
    /// The whole message.
    pub(super) bytes: Vec<u8>,
}

impl Incoming<'_> {
    /// Memory is taken for what is let in only.
    pub(super) fn into_call(self) -> Call {
        let mut bytes = self.bytes.to_vec();
        // How long a call runs is seen by its reply, whether or not the client wants one.
        header::expect_reply(&mut bytes);
        Call {
            serial: self.serial,
            expects_reply: self.expects_reply,
            bytes,
        }
    }
}

/// A call that zbus has.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) serial: u32,
    /// The size of its message, which zbus keeps until it is answered.
    pub(super) bytes: usize,
    pub(super) expects_reply: bool,
    pub(super) since: Instant,
}

/// Whether a client reads what it is sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Doubt {
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
    pub(super) waiting: VecDeque<Call>,
    pub(super) running: Vec<Running>,
    /// The bytes of replies since the bus was asked how much it holds.
    pub(super) replied: usize,
    pub(super) doubt: Doubt,
    /// Whether it has ever answered a ping.
    pub(super) has_answered: bool,
    /// Whether its last answer was a small one.
    pub(super) is_small: bool,
    /// Whether it is among those whose turn comes.
    pub(super) is_in_turn: bool,
    /// Whether its leaving is watched.
    pub(super) is_watched: bool,
}

impl Client {
    /// The calls that wait or run.
    pub(super) fn calls(&self) -> usize {
        self.waiting.len().saturating_add(self.running.len())
    }

    /// The bytes of their messages.
    pub(super) fn bytes(&self) -> usize {
        let running = self.running.iter().map(|call| call.bytes);
        running.sum::<usize>().saturating_add(self.waiting_bytes())
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(|call| call.bytes.len()).sum()
    }

    /// Whether a call of it can be handed over now.
    pub(super) fn is_ready(&self) -> bool {
        !self.waiting.is_empty() && self.doubt == Doubt::None
    }

    /// Whether a call with this serial waits or runs.
    pub(super) fn has(&self, serial: u32) -> bool {
        self.running.iter().any(|call| call.serial == serial)
            || self.waiting.iter().any(|call| call.serial == serial)
    }

    pub(super) fn expects_reply(&self, serial: u32) -> bool {
        let mut running = self.running.iter();
        let call = running.find(|call| call.serial == serial);
        call.is_none_or(|call| call.expects_reply)
    }

    /// Has the bus asked again about a client that did not read a while ago.
    pub(super) fn reconsider(&mut self, now: Instant, after: Duration) {
        if let Doubt::Behind { since, .. } = self.doubt
            && now.saturating_duration_since(since) >= after
        {
            self.doubt = Doubt::None;
            // Asked before the next call is handed over.
            self.replied = usize::MAX;
        }
    }

    /// Takes out the calls that have run for too long, and returns the bytes of each.
    pub(super) fn give_up(&mut self, now: Instant) -> Vec<usize> {
        let is_lost = |call: &mut Running| now.saturating_duration_since(call.since) >= LONGEST;
        let lost = self.running.extract_if(.., is_lost);
        lost.map(|call| call.bytes).collect()
    }
}
