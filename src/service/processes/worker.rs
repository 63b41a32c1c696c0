//! The shared table of processes, for tasks that wait for its answer without a thread.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    process::{Done, Error, SharedTable, Table},
    source::{
        Roots,
        panic::Panic,
        pool::{Pool, Submitted},
    },
};

/// The shared table, and what it has done for those who ask here.
pub(crate) struct Worker {
    table: SharedTable,
    noted: Arc<Mutex<Noted>>,
}

/// What the table has done, and what that took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) passes: u64,
    pub(crate) cost: Duration,
    /// What went wrong in the last job; empty if nothing did.
    pub(crate) error: String,
}

#[derive(Default)]
struct Noted {
    facts: Facts,
    /// The moment of the last pass that was counted.
    latest: Option<Duration>,
}

/// What was asked of the table. When this is dropped before it is begun, it never is.
pub(crate) struct Answer<T> {
    receiver: oneshot::Receiver<Result<T, Error>>,
    _submitted: Submitted,
}

impl<T> Future for Answer<T> {
    type Output = Result<Result<T, Error>, oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context)
    }
}

impl Worker {
    /// A worker with this table.
    pub(crate) fn new(table: SharedTable) -> Self {
        Self {
            table,
            noted: Arc::default(),
        }
    }

    pub(crate) fn roots(&self) -> &Roots {
        self.table.roots()
    }

    pub(crate) fn pool(&self) -> &Pool {
        self.table.pool()
    }

    /// Has something done with the table, after what was asked for before.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Table) -> Result<T, Error> + Send + 'static,
    ) -> Answer<T> {
        let (sender, receiver) = oneshot::channel();
        let noted = self.noted.clone();
        let done = move |done: Done<Result<T, Error>>| {
            lock(&noted).add(&done);
            if let Ok(result) = done.result {
                // Who has left meanwhile does not hear of it.
                sender.send(result).ok();
            }
        };
        Answer {
            receiver,
            _submitted: self.table.submit(work, done),
        }
    }

    /// Keeps the table, or lets it go some seconds after the last task.
    pub(crate) fn hold(&self, is_held: bool) {
        self.table.hold(is_held);
    }

    pub(crate) fn facts(&self) -> Facts {
        lock(&self.noted).facts.clone()
    }
}

impl Noted {
    fn add<T>(&mut self, done: &Done<Result<T, Error>>) {
        // A pass that was taken for the counts of processes, and has served here as well, is one more.
        let is_shared = done.passes == 0 && done.latest > self.latest;
        self.latest = done.latest;
        let facts = &mut self.facts;
        let passes = done.passes.saturating_add(is_shared.into());
        facts.passes = facts.passes.saturating_add(passes);
        facts.cost = facts.cost.saturating_add(done.cost);
        facts.error = match &done.result {
            Ok(Ok(_)) => String::new(),
            Ok(Err(error)) => error.to_string(),
            Err(Panic(message)) => format!("it has panicked: {message}"),
        };
    }
}

fn lock(noted: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    // Nothing panics under the lock that leaves it in disorder.
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}
