//! The shared table of processes for async tasks: they await a job without blocking a thread.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    process::{Completed, Error, SharedTable, Table},
    source::{
        Roots,
        panic::Panic,
        pool::{Pool, Submitted},
    },
};

/// The shared table and its statistics.
pub(crate) struct AsyncTable {
    table: SharedTable,
    counters: Arc<Mutex<Counters>>,
}

/// The statistics of the table for `Sources`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableStats {
    pub(crate) passes: u64,
    pub(crate) cost: Duration,
    /// The error of the last job; empty if it had none.
    pub(crate) error: String,
}

#[derive(Default)]
struct Counters {
    stats: TableStats,
    /// The time of the last counted pass.
    latest: Option<Duration>,
}

/// A job for the table. Dropping it cancels a job that has not begun.
pub(crate) struct TableJob<T> {
    receiver: oneshot::Receiver<Result<T, Error>>,
    _submitted: Submitted,
}

impl<T> Future for TableJob<T> {
    type Output = Result<Result<T, Error>, oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context)
    }
}

impl AsyncTable {
    pub(crate) fn new(table: SharedTable) -> Self {
        Self {
            table,
            counters: Arc::default(),
        }
    }

    pub(crate) fn roots(&self) -> &Roots {
        self.table.roots()
    }

    pub(crate) fn pool(&self) -> &Pool {
        self.table.pool()
    }

    /// Submits a job, which runs after the jobs submitted before it.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Table) -> Result<T, Error> + Send + 'static,
    ) -> TableJob<T> {
        let (sender, receiver) = oneshot::channel();
        let counters = self.counters.clone();
        let done = move |done: Completed<Result<T, Error>>| {
            lock(&counters).add(&done);
            if let Ok(result) = done.result {
                // The receiver is dropped if the client has left.
                sender.send(result).ok();
            }
        };
        TableJob {
            receiver,
            _submitted: self.table.submit(job, done),
        }
    }

    /// Keeps the table open, or lets it close some seconds after the last job.
    pub(crate) fn hold(&self, is_held: bool) {
        self.table.hold(is_held);
    }

    pub(crate) fn stats(&self) -> TableStats {
        lock(&self.counters).stats.clone()
    }
}

impl Counters {
    fn add<T>(&mut self, done: &Completed<Result<T, Error>>) {
        // A pass that was taken for the counts of processes, and has served here as well, is one more.
        let is_shared = done.passes == 0 && done.latest > self.latest;
        self.latest = done.latest;
        let stats = &mut self.stats;
        let passes = done.passes.saturating_add(is_shared.into());
        stats.passes = stats.passes.saturating_add(passes);
        stats.cost = stats.cost.saturating_add(done.cost);
        stats.error = match &done.result {
            Ok(Ok(_)) => String::new(),
            Ok(Err(error)) => error.to_string(),
            Err(Panic(message)) => format!("it has panicked: {message}"),
        };
    }
}

fn lock(counters: &Mutex<Counters>) -> MutexGuard<'_, Counters> {
    // A panic under the lock leaves the counters consistent.
    counters.lock().unwrap_or_else(PoisonError::into_inner)
}
