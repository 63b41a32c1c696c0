//! The thread that has the table.
//!
//! A pass over some thousand processes takes milliseconds, and one that the kernel holds up takes as
//! long as that pleases: neither may hold up what is not about processes. So whatever is asked of the
//! table is a job of one thread, one after the other. It begins with the first job. When there was no
//! job for some seconds, and there is no session that will have one, it ends, and with it go the table
//! and all that this has open: nothing else has to wake for that.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    process::{Error, Table},
    source::{
        Roots,
        panic::{Panic, caught},
    },
};

/// How long the table is kept for the next call.
const LINGER: Duration = Duration::from_secs(5);

/// The table, and the thread that has it.
pub(crate) struct Worker {
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

/// What was asked of the table.
pub(crate) type Answer<T> = oneshot::Receiver<Result<T, Error>>;

struct Shared {
    roots: Roots,
    state: Mutex<State>,
    /// There is a job, nobody holds the table any more, or it is closed.
    asked: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    has_thread: bool,
    is_held: bool,
    is_closed: bool,
    facts: Facts,
}

struct Job {
    /// Whoever waits for the answer, as long as he does.
    asker: Weak<()>,
    work: Box<dyn FnOnce(&mut Table) -> Outcome + Send>,
}

/// The error of a job, if it had one.
type Outcome = Option<String>;

impl Worker {
    /// A worker on the processes below `roots.proc`, without a thread yet.
    pub(crate) fn new(roots: &Roots) -> Self {
        Self {
            shared: Arc::new(Shared {
                roots: roots.clone(),
                state: Mutex::default(),
                asked: Condvar::new(),
            }),
        }
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.shared.roots
    }

    /// Has something done with the table, after what was asked for before. It is not begun any more
    /// once the `asker` is dropped. There is no answer where there is no thread to be had.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        asker: &Arc<()>,
        work: impl FnOnce(&mut Table) -> Result<T, Error> + Send + 'static,
    ) -> Answer<T> {
        let (sender, answer) = oneshot::channel();
        let work = move |table: &mut Table| {
            let result = work(table);
            let error = result.as_ref().err().map(ToString::to_string);
            // Who has left meanwhile does not hear of it.
            sender.send(result).ok();
            error
        };
        let job = Job {
            asker: Arc::downgrade(asker),
            work: Box::new(work),
        };
        let mut state = self.shared.lock();
        // Behind a pass that is stuck, those who have given up must not pile up.
        state.jobs.retain(|job| job.asker.strong_count() > 0);
        state.jobs.push_back(job);
        if state.has_thread {
            self.shared.asked.notify_one();
        } else if self.start() {
            state.has_thread = true;
        } else {
            state.jobs.clear();
        }
        answer
    }

    /// Keeps the table, or lets it go some seconds after the last job.
    pub(crate) fn hold(&self, is_held: bool) {
        let mut state = self.shared.lock();
        if mem::replace(&mut state.is_held, is_held) != is_held {
            self.shared.asked.notify_one();
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.shared.lock().facts.clone()
    }

    fn start(&self) -> bool {
        const STACK: usize = 256 * 1024;
        let builder = thread::Builder::new().name("process table".to_owned());
        let shared = self.shared.clone();
        builder
            .stack_size(STACK)
            .spawn(move || shared.work())
            .is_ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.asked.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs under the lock, so nothing panics that leaves the state in disorder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut table = Table::new(&self.roots);
        let mut state = self.lock();
        while !state.is_closed {
            if let Some(job) = state.jobs.pop_front() {
                if job.asker.strong_count() == 0 {
                    continue;
                }
                drop(state);
                let (before, start) = (table.passes(), Instant::now());
                // A table that has panicked is in disorder: the next job gets a new one.
                let done = caught(|| (job.work)(&mut table));
                let passes = table.passes().saturating_sub(before);
                let error = done.unwrap_or_else(|Panic(message)| {
                    table = Table::new(&self.roots);
                    Some(format!("it has panicked: {message}"))
                });
                state = self.lock();
                let facts = &mut state.facts;
                facts.passes = facts.passes.saturating_add(passes);
                facts.cost = facts.cost.saturating_add(start.elapsed());
                state.facts.error = error.unwrap_or_default();
                continue;
            }
            if state.is_held {
                let waited = self.asked.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.asked.wait_timeout(state, LINGER);
            let (locked, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
            state = locked;
            if outcome.timed_out() && state.jobs.is_empty() && !state.is_held {
                break;
            }
        }
        state.has_thread = false;
        // Closing some thousand files is no business of those who wait for the lock.
        drop(state);
        drop(table);
    }
}
