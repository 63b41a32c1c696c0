//! Admission: which calls are let in, in whose turn they are answered, and when all of them are.
//!
//! It stands between the socket and zbus. [`message_reader`] hands the [`queue`] each call as it comes, [`receiver`] hands
//! zbus those that are admitted, one client's after the other's; [`sender`] reports each reply. So a
//! client that calls without end waits for itself alone, and what it can have waiting here is
//! bounded. [`bus_task`] does what takes a call to the bus: it refuses calls, and asks after clients.

mod bus_task;
mod bus_work;
mod client;
mod message_reader;
mod queue;
mod ready_clients;
mod receiver;
mod refusal;
mod sender;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use zbus::connection::socket::{Socket, Split};

use crate::transport::Stream;

use super::{client::unread::Unread, limits::Limits};

pub(crate) use bus_task::BusTask;
use bus_work::BusWork;
use client::IncomingCall;
use queue::Queue;
use receiver::Receiver;
use refusal::{Refusal, RefusalReason};
use sender::Sender;

/// The bus itself, as a sender. Nobody else can write this name there.
const BUS: &str = "org.freedesktop.DBus";

/// Refusals that wait to be sent. The socket is not read while there are more.
const MAX_PENDING_REFUSALS: usize = 65536;

/// As many calls of the service itself are remembered until they are answered.
const MAX_OWN_CALLS: usize = 1024;

/// As many refusals are sent at once. Answers go before those that are left.
const REFUSAL_BATCH: usize = 32;

/// The calls of all clients.
#[derive(Debug)]
pub(crate) struct Admission {
    inner: Mutex<Inner>,
    /// There may be a call to hand over, or room to read.
    admitted: Notify,
    /// There is something to do for the attendant.
    work: Notify,
    /// No call is left.
    none_left: Notify,
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    /// When the last call was answered.
    last_activity: Instant,
    /// The calls that the service itself has made last: the serial, and who was called.
    asked: VecDeque<(u32, String)>,
    /// The serials of the errors that are being sent to refuse calls.
    refusals: Vec<u32>,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: Queue::new(limits),
                last_activity: Instant::now(),
                asked: VecDeque::new(),
                refusals: Vec::new(),
            }),
            admitted: Notify::new(),
            work: Notify::new(),
            none_left: Notify::new(),
        }
    }

    /// The socket of a connection whose calls are admitted here.
    pub(crate) fn socket(
        self: &Arc<Self>,
        stream: Arc<Stream>,
        received: Vec<u8>,
    ) -> AdmissionSocket {
        AdmissionSocket {
            receiver: Receiver::new(self.clone(), stream.clone(), received),
            sender: Sender::new(self.clone(), stream),
        }
    }

    /// Takes new limits. What is let in already stays.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.lock().queue.limits = limits;
    }

    /// Counts as the end of a call: the time to leave is counted from here.
    pub(crate) fn record_activity(&self) {
        self.lock().last_activity = Instant::now();
    }

    /// When the service will have been idle for `timeout`, if no call comes in; none where no clock goes
    /// as far.
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

    /// Waits until every call that has come is answered.
    pub(crate) async fn all_answered(&self) {
        while self.lock().queue.calls() > 0 {
            self.none_left.notified().await;
        }
    }

    /// A client has left the bus: nobody waits for its answers.
    pub(crate) fn forget(&self, client: &str) {
        self.update(|inner| inner.queue.forget(client));
    }

    /// Whether a client that waits for an answer may still be there.
    pub(crate) fn has_client(&self, client: &str) -> bool {
        self.lock().queue.has_client(client)
    }

    /// So many bytes were allocated for clients beside their calls.
    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.update(|inner| inner.queue.count_bytes(bytes));
    }

    /// How many calls wait or run.
    pub(crate) fn unanswered(&self) -> usize {
        self.lock().queue.calls()
    }

    /// The largest message that is read.
    fn message_bytes(&self) -> usize {
        self.lock().queue.limits.message_bytes
    }

    /// Whether the socket may be read: what it has brought may wait to be refused.
    fn may_read_socket(&self) -> bool {
        self.lock().queue.work.refusals.len() < MAX_PENDING_REFUSALS
    }

    /// Takes a call in, or refuses it.
    fn admit(&self, client: &str, call: IncomingCall<'_>) {
        self.update_by_receiver(|inner| inner.queue.admit(client, call, Instant::now()));
    }

    /// Refuses a call whose message is not read.
    fn refuse(&self, client: &str, serial: u32, reason: RefusalReason) {
        let client = client.into();
        let refusal = Refusal {
            client,
            serial,
            reason,
        };
        self.update(|inner| inner.queue.work.refusals.push_back(refusal));
    }

    /// The message of the call whose turn it is.
    fn next_call(&self) -> Option<Vec<u8>> {
        self.update_by_receiver(|inner| inner.queue.next_call(Instant::now()))
    }

    fn has_ready_client(&self) -> bool {
        self.lock().queue.has_ready_client()
    }

    /// The service calls somebody: an answer is expected from there.
    fn record_own_call(&self, serial: u32, callee: &str) {
        let asked = &mut self.lock().asked;
        // Somebody who is pinged may never answer.
        if asked.len() >= MAX_OWN_CALLS {
            asked.pop_front();
        }
        asked.push_back((serial, callee.to_owned()));
    }

    /// Whether this answers a call of the service: anybody can send a reply that nobody asked for.
    fn take_own_call(&self, serial: u32, sender: &str) -> bool {
        let asked = &mut self.lock().asked;
        // The bus answers for who has left.
        let is_it = |(asked, callee): &(u32, String)| {
            *asked == serial && (callee == sender || sender == BUS)
        };
        let at = asked.iter().position(is_it);
        at.is_some_and(|at| asked.remove(at).is_some())
    }

    /// Errors that refuse calls are being sent: the serials that they have themselves.
    fn set_refusal_serials(&self, serials: impl Iterator<Item = u32>) {
        self.lock().refusals = serials.collect();
    }

    /// Whether this is an error that refuses a call, and ends none that was let in.
    fn is_refusal(&self, serial: u32) -> bool {
        self.lock().refusals.contains(&serial)
    }

    /// Whether the client waits for the reply to this call.
    fn expects_reply(&self, client: &str, serial: u32) -> bool {
        self.lock().queue.expects_reply(client, serial)
    }

    /// A call is answered, with a reply of so many bytes.
    fn answered(&self, client: &str, serial: u32, bytes: usize) {
        self.update(|inner| {
            inner.last_activity = Instant::now();
            inner.queue.answered(client, serial, bytes);
        });
    }

    /// The bus was asked how much it holds for a client.
    fn record_unread(&self, client: &str, held: Unread, has_answered_ping: bool) {
        let (bytes, has_answered_ping) = match held {
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

    /// Waits until there is something to do for the attendant.
    async fn next_bus_work(&self) -> BusWork {
        loop {
            let work = self.lock().queue.take_work(REFUSAL_BATCH);
            if !work.is_empty() {
                // There may be room to read again.
                self.admitted.notify_one();
                return work;
            }
            self.work.notified().await;
        }
    }

    /// Changes something, and wakes those who have waited for it.
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

    /// The same for changes by the receiver, which need not be woken.
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

/// The socket that zbus takes.
#[derive(Debug)]
pub(crate) struct AdmissionSocket {
    receiver: Receiver,
    sender: Sender,
}

impl Socket for AdmissionSocket {
    type ReadHalf = Receiver;
    type WriteHalf = Sender;

    fn split(self) -> Split<Receiver, Sender> {
        Split::new(self.receiver, self.sender)
    }
}
