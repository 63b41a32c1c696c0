//! The calls that wait and run, by client: who is let in, and whose turn it is.
//!
//! Nothing here waits or speaks to the bus: what there is to do comes out as [`Work`].

mod room;

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::service::{client::Name, limits::Limits};

use super::{
    client::{Client, Doubt, Incoming, Running},
    excess::Excess,
    turns::{SMALL, Turns},
    work::{Refusal, Work},
};

/// A client with more calls is watched: it may leave and never want the answers.
const UNWATCHED: usize = 8;

/// The bus is asked how much it holds for a client after replies of so many bytes.
const BYTES_BETWEEN_QUESTIONS: usize = 256 << 10;

/// After so many bytes of calls and replies the allocator may keep more than is used.
const MUCH_TRAFFIC: usize = 1 << 20;

/// What a client and its calls have taken beside their messages, about.
const CLIENT_BYTES: usize = 64 << 10;

/// All clients that have called, and their calls.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) limits: Limits,
    clients: HashMap<Name, Client>,
    turns: Turns,
    /// The calls of all clients that wait or run, and the bytes of their messages.
    calls: usize,
    bytes: usize,
    /// The bytes of calls and replies since memory was given back last.
    traffic: usize,
    pub(super) work: Work,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            clients: HashMap::new(),
            turns: Turns::default(),
            calls: 0,
            bytes: 0,
            traffic: 0,
            work: Work::default(),
        }
    }

    /// The calls that wait or run.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// Whether a call can be handed over.
    pub(super) fn is_anybodys_turn(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Takes a call in, or refuses it.
    pub(super) fn arrive(&mut self, name: &str, call: Incoming<'_>, now: Instant) {
        let name: Name = match self.clients.get_key_value(name) {
            Some((name, _)) => name.clone(),
            None => {
                self.forget_idle();
                name.into()
            }
        };
        let has_serial = |client: &Client| client.has(call.serial);
        if self.clients.get(&name).is_some_and(has_serial) {
            self.refuse(name, call.serial, call.expects_reply, Excess::SameSerial);
            return;
        }
        if let Err(why) = self.make_room(&name, call.bytes.len(), now) {
            self.refuse(name, call.serial, call.expects_reply, why);
            return;
        }
        self.calls = self.calls.saturating_add(1);
        self.bytes = self.bytes.saturating_add(call.bytes.len());
        let client = self.clients.entry(name.clone()).or_default();
        client.waiting.push_back(call.into_call());
        if client.calls() > UNWATCHED && !client.is_watched {
            client.is_watched = true;
            self.work.watch.push((name.clone(), true));
        }
        self.line_up(name);
    }

    fn refuse(&mut self, client: Name, serial: u32, expects_reply: bool, why: Excess) {
        // Nobody waits for the error of a call that expects no reply.
        if expects_reply {
            self.work.refusals.push_back(Refusal {
                client,
                serial,
                why,
            });
        }
    }

    /// The message of the call whose turn it is.
    pub(super) fn next(&mut self, now: Instant) -> Option<Vec<u8>> {
        while let Some(name) = self.turns.next() {
            let Some(client) = self.clients.get_mut(&name) else {
                continue;
            };
            client.is_in_turn = false;
            if !client.is_ready() {
                continue;
            }
            if client.replied >= BYTES_BETWEEN_QUESTIONS.min(self.limits.unread_bytes) {
                client.doubt = Doubt::Asked;
                self.work.doubtful.push((name, client.has_answered));
                continue;
            }
            let Some(call) = client.waiting.pop_front() else {
                continue;
            };
            client.running.push(Running {
                serial: call.serial,
                bytes: call.bytes.len(),
                expects_reply: call.expects_reply,
                since: now,
            });
            if client.waiting.is_empty() {
                client.waiting = VecDeque::new();
            }
            self.line_up(name);
            return Some(call.bytes);
        }
        None
    }

    /// Gives a client its turn, if a call of it can be handed over.
    fn line_up(&mut self, name: Name) {
        if let Some(client) = self.clients.get_mut(&name)
            && client.is_ready()
            && !client.is_in_turn
        {
            client.is_in_turn = true;
            self.turns.line_up(name, client.is_small);
        }
    }

    /// Whether the client waits for the reply to this call.
    pub(super) fn expects_reply(&self, name: &str, serial: u32) -> bool {
        let client = self.clients.get(name);
        client.is_none_or(|client| client.expects_reply(serial))
    }

    /// Whether the client may still be there.
    pub(super) fn has_client(&self, name: &str) -> bool {
        self.clients.contains_key(name)
    }

    /// A call is answered, with a reply of so many bytes.
    pub(super) fn answered(&mut self, name: &str, serial: u32, bytes: usize) {
        let Some((name, client)) = self.clients.get_key_value(name) else {
            return;
        };
        let at = client.running.iter().position(|call| call.serial == serial);
        let (Some(at), name) = (at, name.clone()) else {
            return;
        };
        let client = self.clients.entry(name.clone()).or_default();
        let call = client.running.swap_remove(at);
        client.is_small = bytes <= SMALL;
        if client.calls() == 0 {
            client.running = Vec::new();
            if std::mem::take(&mut client.is_watched) {
                self.work.watch.push((name.clone(), false));
            }
        }
        if call.expects_reply {
            client.replied = client.replied.saturating_add(bytes);
        }
        self.leave(call.bytes);
        self.line_up(name);
        self.count_bytes(call.bytes.saturating_add(bytes));
    }

    /// Counts what has been allocated for clients: after much of it, memory is given back.
    pub(super) fn count_bytes(&mut self, bytes: usize) {
        self.traffic = self.traffic.saturating_add(bytes);
        if self.traffic >= MUCH_TRAFFIC {
            self.traffic = 0;
            self.work.give_back = true;
        }
    }

    /// What is known of a client's reading, now that the bus was asked: the bytes that it holds for the
    /// client, where it says so, or that the client has answered a ping.
    pub(super) fn settle(&mut self, name: &str, held: usize, has_answered: bool, now: Instant) {
        let limit = self.limits.unread_bytes;
        let Some((name, _)) = self.clients.get_key_value(name) else {
            return;
        };
        let name = name.clone();
        let client = self.clients.entry(name.clone()).or_default();
        client.has_answered |= has_answered;
        client.replied = 0;
        if held <= limit {
            client.doubt = Doubt::None;
            self.line_up(name);
            return;
        }
        client.doubt = Doubt::Behind { held, since: now };
        let waiting = std::mem::take(&mut client.waiting);
        if client.calls() == 0 && std::mem::take(&mut client.is_watched) {
            self.work.watch.push((name.clone(), false));
        }
        for call in waiting {
            self.leave(call.bytes.len());
            let why = Excess::UnreadBytes(held, limit);
            self.refuse(name.clone(), call.serial, call.expects_reply, why);
        }
    }

    /// A client has left the bus: nobody waits for its answers.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some((name, client)) = self.clients.remove_entry(name) {
            self.calls = self.calls.saturating_sub(client.calls());
            self.bytes = self.bytes.saturating_sub(client.bytes());
            self.count_bytes(client.bytes().saturating_add(CLIENT_BYTES));
            if client.is_watched {
                self.work.watch.push((name, false));
            }
        }
    }

    /// Counts those calls no longer that have run for too long.
    pub(super) fn give_up(&mut self, now: Instant) {
        let lost: Vec<_> = self
            .clients
            .values_mut()
            .flat_map(|client| client.give_up(now))
            .collect();
        for bytes in lost {
            self.leave(bytes);
        }
    }

    /// What there is to do, with so many refusals at most.
    pub(super) fn take_work(&mut self, refusals: usize) -> Work {
        let mut left = std::mem::take(&mut self.work.refusals);
        let taken = left.drain(..refusals.min(left.len())).collect();
        let work = std::mem::take(&mut self.work);
        if !left.is_empty() {
            self.work.refusals = left;
        }
        Work {
            refusals: taken,
            ..work
        }
    }

    /// A call of so many bytes waits and runs no longer.
    fn leave(&mut self, bytes: usize) {
        self.calls = self.calls.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests;
