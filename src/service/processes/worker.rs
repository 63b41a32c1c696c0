//! Who has the table.
//!
//! A pass over some thousand processes takes milliseconds, and one that the kernel holds up takes as
//! long as that pleases: neither may hold up what is not about processes. So whatever is asked of the
//! table is a task of the blocking pool, one after the other. When there was none for some seconds, and
//! there is no session that will have one, the table goes, and with it all that it has open.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    process::{Error, Table},
    source::{
        Roots,
        panic::{Panic, caught},
        pool::{Pool, Submitted, WeakPool},
    },
};

/// How long the table is kept for the next call.
const LINGER: Duration = Duration::from_secs(5);

/// A thread that has had the table for longer is stuck.
const DEADLINE: Duration = Duration::from_secs(1);

const PLACE: &str = "process table";

/// The table, as tasks of the blocking pool.
pub(crate) struct Worker {
    pool: Pool,
    shared: Arc<Shared>,
}

/// What the table has done, and what that took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) passes: u64,
    pub(crate) cost: Duration,
    /// What went wrong in the last job; empty if nothing did.
    pub(crate) error: String,
}

/// What was asked of the table. When this is dropped before it is begun, it never is.
pub(crate) struct Answer<T> {
    receiver: oneshot::Receiver<Result<T, Error>>,
    _submitted: Submitted,
}

struct Shared {
    roots: Roots,
    pool: WeakPool,
    table: Mutex<Option<Table>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_held: bool,
    /// What will drop the table.
    release: Option<Submitted>,
    facts: Facts,
}

impl<T> Future for Answer<T> {
    type Output = Result<Result<T, Error>, oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context)
    }
}

impl Worker {
    /// A worker on the processes below `roots.proc`.
    pub(crate) fn new(roots: &Roots, pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            shared: Arc::new(Shared {
                roots: roots.clone(),
                pool: pool.downgrade(),
                table: Mutex::default(),
                state: Mutex::default(),
            }),
        }
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.shared.roots
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Has something done with the table, after what was asked for before.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Table) -> Result<T, Error> + Send + 'static,
    ) -> Answer<T> {
        let (sender, receiver) = oneshot::channel();
        let shared = self.shared.clone();
        let task = move || shared.run(work, sender);
        Answer {
            receiver,
            _submitted: self.pool.submit_at_once(&PLACE.into(), DEADLINE, task),
        }
    }

    /// Keeps the table, or lets it go some seconds after the last task.
    pub(crate) fn hold(&self, is_held: bool) {
        let before = mem::replace(&mut self.shared.lock().is_held, is_held);
        if before && !is_held {
            self.shared.release_later();
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.shared.lock().facts.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No task runs under the lock, so nothing panics that leaves the state in disorder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Table) -> Result<T, Error>,
        answer: oneshot::Sender<Result<T, Error>>,
    ) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        let mut held = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let table = held.get_or_insert_with(|| Table::on_pool(&self.roots, &pool));
        let (before, start) = (table.passes(), Instant::now());
        let done = caught(|| work(table));
        let passes = table.passes().saturating_sub(before);
        let (error, result) = match done {
            Ok(Ok(done)) => (None, Some(Ok(done))),
            Ok(Err(error)) => (Some(error.to_string()), Some(Err(error))),
            Err(Panic(message)) => {
                // A table that has panicked is in disorder: the next task gets a new one.
                *held = None;
                (Some(format!("it has panicked: {message}")), None)
            }
        };
        drop(held);
        let mut state = self.lock();
        let facts = &mut state.facts;
        facts.passes = facts.passes.saturating_add(passes);
        facts.cost = facts.cost.saturating_add(start.elapsed());
        facts.error = error.unwrap_or_default();
        let is_held = state.is_held;
        drop(state);
        if let Some(result) = result {
            // Who has left meanwhile does not hear of it.
            answer.send(result).ok();
        }
        if !is_held {
            self.release_later();
        }
    }

    /// Drops the table after some seconds, unless it is asked for or held before.
    fn release_later(self: &Arc<Self>) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        let shared = self.clone();
        let release = move || {
            if !shared.lock().is_held {
                let table = shared.table.lock().map(|mut table| table.take());
                drop(table);
            }
        };
        let release = pool.submit_later(LINGER, &PLACE.into(), DEADLINE, release);
        let before = self.lock().release.replace(release);
        drop(before);
    }
}
