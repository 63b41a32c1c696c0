//! The waiting and running calls of each client: admits or refuses calls, and chooses the next one.
//!
//! Nothing here waits or uses the bus: work that needs the bus is returned as [`BusWork`].

mod capacity;

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::service::{client::Name, limits::Limits};

use super::{
    bus_work::BusWork,
    client::{Client, IncomingCall, RunningCall, UnreadState},
    ready_clients::{ReadyClients, SMALL_REPLY_BYTES},
    refusal::{Refusal, RefusalReason},
};

/// A client with more calls is watched, so that its calls are dropped if it leaves the bus.
const MAX_UNWATCHED_CALLS: usize = 8;

/// After replies of this many bytes to a client, its unread bytes are queried.
const BYTES_BETWEEN_CHECKS: usize = 256 << 10;

/// After this many bytes of calls and replies, the allocator may hold much free memory.
const TRAFFIC_BETWEEN_TRIMS: usize = 1 << 20;

/// About the memory of a client and its calls, without their messages.
const CLIENT_BYTES: usize = 64 << 10;

/// All clients that have called, and their calls.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) limits: Limits,
    clients: HashMap<Name, Client>,
    ready: ReadyClients,
    /// The number of waiting and running calls of all clients, and the bytes of their messages.
    calls: usize,
    bytes: usize,
    /// The bytes of calls and replies since free memory was last returned to the kernel.
    traffic: usize,
    pub(super) work: BusWork,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            clients: HashMap::new(),
            ready: ReadyClients::default(),
            calls: 0,
            bytes: 0,
            traffic: 0,
            work: BusWork::default(),
        }
    }

    /// The number of waiting and running calls.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// Whether a client may have a call that can be handed over.
    pub(super) fn has_ready_client(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Admits or refuses a call.
    pub(super) fn admit(&mut self, name: &str, call: IncomingCall<'_>, now: Instant) {
        let name: Name = match self.clients.get_key_value(name) {
            Some((name, _)) => name.clone(),
            None => {
                self.forget_idle_clients();
                name.into()
            }
        };
        let has_serial = |client: &Client| client.has_call(call.serial);
        if self.clients.get(&name).is_some_and(has_serial) {
            self.refuse(
                name,
                call.serial,
                call.expects_reply,
                RefusalReason::SameSerial,
            );
            return;
        }
        if let Err(reason) = self.make_room(&name, call.bytes.len(), now) {
            self.refuse(name, call.serial, call.expects_reply, reason);
            return;
        }
        self.calls = self.calls.saturating_add(1);
        self.bytes = self.bytes.saturating_add(call.bytes.len());
        let client = self.clients.entry(name.clone()).or_default();
        client.waiting.push_back(call.into_call());
        if client.calls() > MAX_UNWATCHED_CALLS && !client.is_watched {
            client.is_watched = true;
            self.work.watch.push((name.clone(), true));
        }
        self.queue_if_ready(name);
    }

    fn refuse(&mut self, client: Name, serial: u32, expects_reply: bool, reason: RefusalReason) {
        // The client does not wait for an error if the call expects no reply.
        if expects_reply {
            self.work.refusals.push_back(Refusal {
                client,
                serial,
                reason,
            });
        }
    }

    /// Takes the message of the next call.
    pub(super) fn next_call(&mut self, now: Instant) -> Option<Vec<u8>> {
        while let Some(name) = self.ready.pop() {
            let Some(client) = self.clients.get_mut(&name) else {
                continue;
            };
            client.is_queued = false;
            if !client.is_ready() {
                continue;
            }
            if client.reply_bytes >= BYTES_BETWEEN_CHECKS.min(self.limits.unread_bytes) {
                client.unread = UnreadState::Asking;
                self.work
                    .unread_queries
                    .push((name, client.has_answered_ping));
                continue;
            }
            let Some(call) = client.waiting.pop_front() else {
                continue;
            };
            client.running.push(RunningCall {
                serial: call.serial,
                bytes: call.bytes.len(),
                expects_reply: call.expects_reply,
                since: now,
            });
            if client.waiting.is_empty() {
                client.waiting = VecDeque::new();
            }
            self.queue_if_ready(name);
            return Some(call.bytes);
        }
        None
    }

    /// Adds a client to the ready clients if one of its calls can be handed over.
    fn queue_if_ready(&mut self, name: Name) {
        if let Some(client) = self.clients.get_mut(&name)
            && client.is_ready()
            && !client.is_queued
        {
            client.is_queued = true;
            self.ready.push(name, client.gets_small_replies);
        }
    }

    /// Whether the client waits for the reply to this call.
    pub(super) fn expects_reply(&self, name: &str, serial: u32) -> bool {
        let client = self.clients.get(name);
        client.is_none_or(|client| client.expects_reply(serial))
    }

    /// Whether the client may still be on the bus.
    pub(super) fn has_client(&self, name: &str) -> bool {
        self.clients.contains_key(name)
    }

    /// Counts bytes of signals that a client gets beside the reply to its call.
    pub(super) fn count_signals(&mut self, name: &str, bytes: usize) {
        if let Some(client) = self.clients.get_mut(name) {
            client.reply_bytes = client.reply_bytes.saturating_add(bytes);
        }
        self.count_bytes(bytes);
    }

    /// Counts a call as answered. `bytes` is the size of the reply.
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
        client.gets_small_replies = bytes <= SMALL_REPLY_BYTES;
        if client.calls() == 0 {
            client.running = Vec::new();
            if std::mem::take(&mut client.is_watched) {
                self.work.watch.push((name.clone(), false));
            }
        }
        if call.expects_reply {
            client.reply_bytes = client.reply_bytes.saturating_add(bytes);
        }
        self.subtract_call(call.bytes);
        self.queue_if_ready(name);
        self.count_bytes(call.bytes.saturating_add(bytes));
    }

    /// Counts bytes that were allocated for clients; after many, free memory is returned to the kernel.
    pub(super) fn count_bytes(&mut self, bytes: usize) {
        self.traffic = self.traffic.saturating_add(bytes);
        if self.traffic >= TRAFFIC_BETWEEN_TRIMS {
            self.traffic = 0;
            self.work.trim_memory = true;
        }
    }

    /// Records the result of a query: the bytes that the bus holds for the client (if it does not tell, 0 or
    /// `usize::MAX` by the ping), and whether the client has answered a ping.
    pub(super) fn record_unread(
        &mut self,
        name: &str,
        held: usize,
        has_answered_ping: bool,
        now: Instant,
    ) {
        let limit = self.limits.unread_bytes;
        let Some((name, _)) = self.clients.get_key_value(name) else {
            return;
        };
        let name = name.clone();
        let client = self.clients.entry(name.clone()).or_default();
        client.has_answered_ping |= has_answered_ping;
        client.reply_bytes = 0;
        if held <= limit {
            client.unread = UnreadState::WithinLimit;
            self.queue_if_ready(name);
            return;
        }
        client.unread = UnreadState::OverLimit { held, since: now };
        let waiting = std::mem::take(&mut client.waiting);
        if client.calls() == 0 && std::mem::take(&mut client.is_watched) {
            self.work.watch.push((name.clone(), false));
        }
        for call in waiting {
            self.subtract_call(call.bytes.len());
            let reason = RefusalReason::UnreadBytes(held, limit);
            self.refuse(name.clone(), call.serial, call.expects_reply, reason);
        }
    }

    /// Drops the calls of a client that has left the bus.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some((name, client)) = self.clients.remove_entry(name) {
            self.calls = self.calls.saturating_sub(client.calls());
            self.bytes = self.bytes.saturating_sub(client.call_bytes());
            self.count_bytes(client.call_bytes().saturating_add(CLIENT_BYTES));
            if client.is_watched {
                self.work.watch.push((name, false));
            }
        }
    }

    /// Counts calls that have run for too long as lost.
    pub(super) fn expire_calls(&mut self, now: Instant) {
        let lost: Vec<_> = self
            .clients
            .values_mut()
            .flat_map(|client| client.expire_calls(now))
            .collect();
        for bytes in lost {
            self.subtract_call(bytes);
        }
    }

    /// Takes the work for the bus, with at most `refusals` refusals.
    pub(super) fn take_work(&mut self, refusals: usize) -> BusWork {
        let mut left = std::mem::take(&mut self.work.refusals);
        let taken = left.drain(..refusals.min(left.len())).collect();
        let work = std::mem::take(&mut self.work);
        if !left.is_empty() {
            self.work.refusals = left;
        }
        BusWork {
            refusals: taken,
            ..work
        }
    }

    /// Subtracts a call from the totals. `bytes` is the size of its message.
    fn subtract_call(&mut self, bytes: usize) {
        self.calls = self.calls.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests;
