//! Admission: admits or refuses calls, orders them and counts them until they are answered.
//!
//! Admission stands between the socket and zbus. [`message_reader`] puts each call into the [`queue`], [`receiver`]
//! hands the admitted calls to zbus, one of each client in turn, and [`sender`] counts each reply. A client that
//! floods the service delays only its own calls, and its waiting calls are limited in number and bytes.
//! [`bus_task`] does the work that needs the bus: it sends refusals and checks on clients.

mod bus_task;
mod bus_work;
mod client;
mod descriptor_replies;
mod direct;
mod message_reader;
mod queue;
mod ready_clients;
mod receiver;
mod refusal;
mod sender;
mod socket;
mod writer;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::transport::Stream;

use super::{client::unread::Unread, limits::Limits};

pub(crate) use bus_task::BusTask;
use bus_work::BusWork;
use client::IncomingCall;
use descriptor_replies::DescriptorReplies;
use queue::Queue;
use refusal::{Refusal, RefusalReason};
use socket::AdmissionSocket;
use writer::Writer;

/// The sender of the bus's own messages. The bus sets the sender of each message, so no client can forge it.
pub(super) const BUS: &str = "org.freedesktop.DBus";

/// The socket is not read while this many refusals wait to be sent.
const MAX_PENDING_REFUSALS: usize = 65536;

/// The most unanswered calls of the service itself that are remembered.
const MAX_OWN_CALLS: usize = 1024;

/// The most refusals that are sent at once. Replies go before the remaining ones.
const REFUSAL_BATCH: usize = 32;

/// The calls of all clients.
#[derive(Debug)]
pub(crate) struct Admission {
    inner: Mutex<Inner>,
    /// Set with the connection to the bus.
    writer: OnceLock<Arc<Writer>>,
    /// Wakes the receiver: a call may be ready, or the socket may be read again.
    admitted: Notify,
    /// Wakes the [`BusTask`].
    work: Notify,
    /// Notified when no call waits or runs.
    none_left: Notify,
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    /// When the last call was answered.
    last_activity: Instant,
    /// The last calls of the service itself: the serial and the callee.
    own_calls: VecDeque<(u32, String)>,
    /// The serials of the error messages that are being sent as refusals.
    refusal_serials: Vec<u32>,
    descriptor_replies: DescriptorReplies,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: Queue::new(limits),
                last_activity: Instant::now(),
                own_calls: VecDeque::new(),
                refusal_serials: Vec::new(),
                descriptor_replies: DescriptorReplies::default(),
            }),
            writer: OnceLock::new(),
            admitted: Notify::new(),
            work: Notify::new(),
            none_left: Notify::new(),
        }
    }

    /// The socket for zbus. `received` holds bytes that were read during the handshake.
    pub(crate) fn socket(
        self: &Arc<Self>,
        stream: Arc<Stream>,
        received: Vec<u8>,
    ) -> AdmissionSocket {
        let writer = self
            .writer
            .get_or_init(|| Arc::new(Writer::new(stream.clone())));
        AdmissionSocket::new(self.clone(), stream, writer.clone(), received)
    }

    /// Applies new limits. Calls that are admitted already stay.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.lock().queue.limits = limits;
    }

    /// Restarts the idle time, as the end of a call does.
    pub(crate) fn record_activity(&self) {
        self.lock().last_activity = Instant::now();
    }

    /// The instant at which the service will have been idle for `timeout` if no call arrives; `None` if the instant
    /// overflows.
    pub(crate) fn idle_at(&self, timeout: Duration) -> Option<Instant> {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.queue.expire_calls(now);
        let since = match inner.queue.calls() {
            0 => inner.last_activity,
            _ => now,
        };
        since.checked_add(timeout)
    }

    /// Waits until every received call is answered.
    pub(crate) async fn all_answered(&self) {
        while self.lock().queue.calls() > 0 {
            self.none_left.notified().await;
        }
    }

    /// Drops the calls of a client that has left the bus.
    pub(crate) fn forget(&self, client: &str) {
        self.update(|inner| inner.queue.forget(client));
    }

    /// Whether the client may still be on the bus: a client that has left is forgotten.
    pub(crate) fn has_client(&self, client: &str) -> bool {
        self.lock().queue.has_client(client)
    }

    /// Counts bytes that were allocated for clients in addition to their calls.
    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.update(|inner| inner.queue.count_bytes(bytes));
    }

    /// Counts bytes of signals that a client gets beside the reply to its call, as bytes of replies that it has to read.
    pub(crate) fn count_signals(&self, client: &str, bytes: usize) {
        self.update(|inner| inner.queue.count_signals(client, bytes));
    }

    /// The number of calls that wait or run.
    pub(crate) fn unanswered(&self) -> usize {
        self.lock().queue.calls()
    }

    /// The size of the largest message that is read.
    fn message_bytes(&self) -> usize {
        self.lock().queue.limits.message_bytes
    }

    /// Whether the socket may be read: each received call may become a pending refusal.
    fn may_read_socket(&self) -> bool {
        self.lock().queue.work.refusals.len() < MAX_PENDING_REFUSALS
    }

    /// Admits or refuses a call.
    fn admit(&self, client: &str, call: IncomingCall<'_>) {
        self.update_by_receiver(|inner| inner.queue.admit(client, call, Instant::now()));
    }

    /// Refuses a call that did not reach the queue.
    fn refuse(&self, client: &str, serial: u32, reason: RefusalReason) {
        let client = client.into();
        let refusal = Refusal {
            client,
            serial,
            reason,
        };
        self.update(|inner| inner.queue.work.refusals.push_back(refusal));
    }

    /// Takes the message of the next call.
    fn next_call(&self) -> Option<Vec<u8>> {
        self.update_by_receiver(|inner| inner.queue.next_call(Instant::now()))
    }

    fn has_ready_client(&self) -> bool {
        self.lock().queue.has_ready_client()
    }

    /// Remembers a call of the service itself, so that its reply is accepted.
    fn record_own_call(&self, serial: u32, callee: &str) {
        let own_calls = &mut self.lock().own_calls;
        // A client that is pinged may never answer.
        if own_calls.len() >= MAX_OWN_CALLS {
            own_calls.pop_front();
        }
        own_calls.push_back((serial, callee.to_owned()));
    }

    /// Remembers a call to the bus that was sent before zbus had the socket.
    pub(super) fn record_early_call(&self, serial: u32) {
        self.record_own_call(serial, BUS);
    }

    /// Whether this is the reply to a call of the service itself; forgets that call. Any client can send a reply
    /// to a serial that it guesses.
    fn take_own_call(&self, serial: u32, sender: &str) -> bool {
        let own_calls = &mut self.lock().own_calls;
        // The bus itself replies if the callee has left.
        let is_it = |(own_serial, callee): &(u32, String)| {
            *own_serial == serial && (callee == sender || sender == BUS)
        };
        let at = own_calls.iter().position(is_it);
        at.is_some_and(|at| own_calls.remove(at).is_some())
    }

    /// Sets the serials of the refusals that are being sent.
    fn set_refusal_serials(&self, serials: impl Iterator<Item = u32>) {
        self.lock().refusal_serials = serials.collect();
    }

    /// Whether this is the serial of a refusal, which ends no admitted call.
    fn is_refusal(&self, serial: u32) -> bool {
        self.lock().refusal_serials.contains(&serial)
    }

    /// Whether the client waits for the reply to this call.
    fn expects_reply(&self, client: &str, serial: u32) -> bool {
        self.lock().queue.expects_reply(client, serial)
    }

    /// Counts a call as answered. `bytes` is the size of the reply.
    fn answered(&self, client: &str, serial: u32, bytes: usize) {
        self.update(|inner| {
            inner.last_activity = Instant::now();
            inner.queue.answered(client, serial, bytes);
        });
    }

    /// Records what a query about a client's unread bytes has returned.
    fn record_unread(&self, client: &str, unread: Unread, has_answered_ping: bool) {
        let (bytes, has_answered_ping) = match unread {
            Unread::Bytes(bytes) => (bytes, false),
            Unread::Pinged => (0, true),
            Unread::Silent if has_answered_ping => (usize::MAX, true),
            // Some programs never answer a ping.
            Unread::Silent => (0, false),
        };
        self.update(|inner| {
            let queue = &mut inner.queue;
            queue.record_unread(client, bytes, has_answered_ping, Instant::now());
        });
    }

    /// Waits for work of the [`BusTask`].
    async fn next_bus_work(&self) -> BusWork {
        loop {
            let work = self.lock().queue.take_work(REFUSAL_BATCH);
            if !work.is_empty() {
                // Refusals were taken: the socket may be read again.
                self.admitted.notify_one();
                return work;
            }
            self.work.notified().await;
        }
    }

    /// Applies a change and wakes the tasks that wait for its effects.
    fn update<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let changed = change(&mut inner);
        if inner.queue.has_ready_client() {
            self.admitted.notify_one();
        }
        if !inner.queue.work.is_empty() {
            self.work.notify_one();
        }
        if inner.queue.calls() == 0 {
            self.none_left.notify_one();
        }
        changed
    }

    /// Applies a change of the receiver, which need not be woken.
    fn update_by_receiver<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let changed = change(&mut inner);
        if !inner.queue.work.is_empty() {
            self.work.notify_one();
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
