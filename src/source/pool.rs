//! The blocking pool: its threads run calls that may block, so that the bus thread never waits for one.
//!
//! A `statfs` call on a server that is gone never returns, and nothing can end it. So each such call is a task in
//! the serial queue of a source, a device or a mount. At most one task of a queue runs at a time. At most 16 threads
//! run tasks. A thread whose task has run beyond its deadline is stuck and no longer counts, up to 32 of those.
//! Threads end after 5 s without a task, and when the pool is dropped.

mod job;
mod schedule;
#[cfg(test)]
mod tests;
mod workers;

use std::{
    sync::{Arc, MutexGuard, Weak},
    time::{Duration, Instant},
};

use crate::source::Answered;

pub(crate) use job::{Job, SLOW};
use schedule::{Schedule, Task};
use workers::{START_DELAY, Workers};

/// The pool. Its clones are the same pool.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Owner>);

/// A reference to the pool that does not keep it.
pub(crate) struct WeakPool(Weak<Owner>);

/// Closes the pool when the last of its clones is dropped.
struct Owner(Arc<Workers>);

/// A submitted task. Dropping this cancels a task that has not begun.
#[must_use = "dropping it cancels a task that has not begun"]
pub(crate) struct Submitted {
    workers: Weak<Workers>,
    queue: Arc<str>,
    number: u64,
}

/// The progress of a queue, for a caller that waits for one of its tasks.
enum Progress {
    /// Its task has run since this moment.
    Runs(Instant),
    /// Its next task waits for a thread.
    NeedsThread,
    /// All threads are stuck, and there may not be another.
    Exhausted,
}

impl Pool {
    /// A pool without a thread.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Owner(Arc::default())))
    }

    /// Sets the function to call whenever a job has answered.
    pub(crate) fn when_answered(&self, tell: Answered) {
        self.lock().answered = Some(tell);
    }

    /// Submits a run of a job to the queue. A thread that runs it for longer than the deadline is stuck.
    fn submit_job(
        &self,
        queue: &Arc<str>,
        deadline: Duration,
        run: impl FnOnce() + Send + 'static,
    ) -> Submitted {
        self.submit(queue, deadline, true, Box::new(run))
    }

    /// Submits a task that runs for long or that another thread waits for. It gets a new thread at once if all
    /// others are busy.
    pub(crate) fn submit_at_once(
        &self,
        queue: &Arc<str>,
        deadline: Duration,
        run: impl FnOnce() + Send + 'static,
    ) -> Submitted {
        self.submit(queue, deadline, false, Box::new(run))
    }

    fn submit(
        &self,
        queue: &Arc<str>,
        deadline: Duration,
        is_job: bool,
        run: Box<dyn FnOnce() + Send>,
    ) -> Submitted {
        let mut schedule = self.lock();
        let number = schedule.add_new(queue, deadline, is_job, run);
        let delay = if is_job { START_DELAY } else { Duration::ZERO };
        let chosen = self.0.0.ensure_thread(&mut schedule, delay);
        self.0.0.notify(schedule, chosen);
        self.submitted(queue, number)
    }

    /// Submits a task after some time.
    pub(crate) fn submit_later(
        &self,
        after: Duration,
        queue: &Arc<str>,
        deadline: Duration,
        run: impl FnOnce() + Send + 'static,
    ) -> Submitted {
        let mut schedule = self.lock();
        let number = schedule.number();
        let task = Task {
            number,
            deadline,
            is_job: false,
            run: Box::new(run),
        };
        let now = Instant::now();
        let at = now.checked_add(after).unwrap_or(now);
        schedule.timers.push((at, queue.clone(), task));
        // A thread waits for that moment.
        let chosen = self.0.0.ensure_thread(&mut schedule, START_DELAY);
        let chosen = schedule.choose_idle().saturating_add(chosen);
        self.0.0.notify(schedule, chosen);
        self.submitted(queue, number)
    }

    fn submitted(&self, queue: &Arc<str>, number: u64) -> Submitted {
        Submitted {
            workers: Arc::downgrade(&self.0.0),
            queue: queue.clone(),
            number,
        }
    }

    /// The progress of a queue; none if it has no task. Starts a thread if the queue has waited long enough for one.
    fn progress(&self, queue: &str) -> Option<Progress> {
        let mut schedule = self.lock();
        let chosen = self.0.0.ensure_thread(&mut schedule, START_DELAY);
        let progress = schedule.progress(queue);
        self.0.0.notify(schedule, chosen);
        progress
    }

    pub(crate) fn downgrade(&self) -> WeakPool {
        WeakPool(Arc::downgrade(&self.0))
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.0.0.lock()
    }
}

impl WeakPool {
    pub(crate) fn upgrade(&self) -> Option<Pool> {
        self.0.upgrade().map(Pool)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Submitted {
    /// Lets the task run even when this is dropped.
    #[cfg(any(feature = "custom", test))]
    pub(crate) fn detach(mut self) {
        self.workers = Weak::new();
    }
}

impl Drop for Submitted {
    fn drop(&mut self) {
        let Some(workers) = self.workers.upgrade() else {
            return;
        };
        let mut schedule = workers.lock();
        let task = schedule.remove(&self.queue, self.number);
        drop(schedule);
        drop(task);
    }
}
