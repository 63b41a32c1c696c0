//! The events of the sessions of this process, until it takes them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::session::{Event, Notice, SIGNAL_BYTES};

/// A queue for each session of this process. A session drops frames while its queue has too many bytes, as that of a client
/// does while the bus keeps them, so that no queue grows for ever.
#[derive(Default)]
pub(crate) struct Queues(Mutex<HashMap<u32, Arc<Queue>>>);

/// The events of a session that are not taken yet.
#[derive(Default)]
pub(crate) struct Queue {
    events: Mutex<VecDeque<Event>>,
    added: Notify,
}

impl Queues {
    /// Adds the queue of a session.
    pub(crate) fn open(&self, session: u32) -> Arc<Queue> {
        let queue = Arc::<Queue>::default();
        lock(&self.0).insert(session, queue.clone());
        queue
    }

    /// Removes the queue of a session.
    pub(crate) fn close(&self, session: u32) {
        lock(&self.0).remove(&session);
    }

    /// Adds the events of notices.
    pub(crate) fn add(&self, notices: Vec<Notice>) {
        let queues = lock(&self.0);
        for notice in notices {
            if let Some(queue) = queues.get(&notice.session) {
                lock(&queue.events).push_back(notice.event);
                queue.added.notify_one();
            }
        }
    }

    /// About the bytes that a session has not taken.
    pub(crate) fn bytes(&self, session: u32) -> usize {
        let queues = lock(&self.0);
        let Some(queue) = queues.get(&session) else {
            return 0;
        };
        let events = lock(&queue.events);
        let bytes = events.iter().map(|event| match event {
            Event::Sampled(_, values) => size_of_val(&**values).saturating_add(SIGNAL_BYTES),
            _ => 0,
        });
        bytes.sum()
    }
}

impl Queue {
    /// Takes the next event, once there is one. Cancel safe.
    pub(crate) async fn next(&self) -> Event {
        loop {
            if let Some(event) = lock(&self.events).pop_front() {
                return event;
            }
            self.added.notified().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under the lock leaves the queues consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
