//! A job: a function that the blocking pool runs again and again, and its last answer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    reading::{Fault, Stamp, monotonic},
    source::panic::caught,
};

use super::{Pool, Progress, START_DELAY, Submitted};

/// An answer that takes longer is slow.
pub(crate) const SLOW: Duration = Duration::from_millis(5);

/// The longest wait for a job whose last answer was quick.
const QUICK_TIMEOUT: Duration = Duration::from_millis(10);

/// The longest wait for any other job, and the deadline after which the thread of a job is stuck.
const TIMEOUT: Duration = Duration::from_millis(100);

/// The longest time for which the last answer serves while a slow job is pending. Nobody waits then: each frame of
/// a session has the answer to the request of the frame before.
const FRESH: Duration = Duration::from_secs(10);

/// A job of the pool. The source, device or mount that it reads owns it. Dropping it cancels a run that has not begun.
pub(crate) struct Job<T> {
    pool: Pool,
    inner: Arc<JobInner<T>>,
}

struct JobInner<T> {
    queue: Arc<str>,
    /// The longest wait for the first answer.
    timeout: Duration,
    work: Box<dyn Fn() -> T + Send + Sync>,
    pool: std::sync::Weak<super::Workers>,
    state: Mutex<JobState<T>>,
}

struct JobState<T> {
    pending: Option<Pending>,
    last: Option<JobAnswer<T>>,
}

/// A run that waits or runs.
struct Pending {
    asked: Instant,
    begun: Option<Instant>,
    /// Cancels the run.
    submitted: Option<Submitted>,
}

struct JobAnswer<T> {
    /// The moment at which the work began.
    begun: Stamp,
    cost: Duration,
    /// [`Fault::Malformed`] if the work has panicked.
    value: Result<T, Fault>,
}

impl<T: Clone + Send + 'static> Job<T> {
    /// A job in a queue of the pool. It runs when it is [asked](Self::ask).
    pub(crate) fn new(
        pool: &Pool,
        queue: &Arc<str>,
        work: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        Self::with_timeout(pool, queue, TIMEOUT, work)
    }

    /// A job with its own timeout for the first answer.
    pub(crate) fn with_timeout(
        pool: &Pool,
        queue: &Arc<str>,
        timeout: Duration,
        work: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        Self {
            pool: pool.clone(),
            inner: Arc::new(JobInner {
                queue: queue.clone(),
                timeout,
                work: Box::new(work),
                pool: Arc::downgrade(&pool.0.0),
                state: Mutex::new(JobState {
                    pending: None,
                    last: None,
                }),
            }),
        }
    }

    /// Submits a run, unless one is pending or the last one began at or after the moment `since` of the monotonic
    /// clock. Never waits.
    pub(crate) fn ask(&self, since: Duration) {
        let mut state = self.inner.lock();
        let is_young = |answer: &JobAnswer<T>| {
            answer.begun.monotonic >= since && !answer.begun.is_before_suspend()
        };
        if state.pending.is_some() || state.last.as_ref().is_some_and(is_young) {
            return;
        }
        state.pending = Some(Pending {
            asked: Instant::now(),
            begun: None,
            submitted: None,
        });
        let inner = Arc::downgrade(&self.inner);
        // The lock is held until `pending` is set, so that the run cannot end before that.
        let submitted = self.pool.submit_job(&self.inner.queue, TIMEOUT, move || {
            if let Some(inner) = inner.upgrade() {
                inner.run();
            }
        });
        if let Some(pending) = &mut state.pending {
            pending.submitted = Some(submitted);
        }
    }

    /// The moment until which a caller should wait for the pending answer; none if nothing is pending, an earlier
    /// answer serves, or waiting is useless. At that moment, a caller asks again. A run that has waited long enough
    /// for a thread gets a new one here.
    pub(crate) fn awaited_until(&self) -> Option<Instant> {
        let state = self.inner.lock();
        let pending = state.pending.as_ref()?;
        let now = Instant::now();
        let last = state.last.as_ref();
        let timeout = match last {
            None => Some(self.inner.timeout),
            Some(answer) if answer.cost <= SLOW => Some(QUICK_TIMEOUT),
            Some(answer) if answer.is_fresh() => None,
            Some(answer) => Some(TIMEOUT.min(answer.cost.saturating_mul(2))),
        };
        // The tasks before it in its queue may each be as slow; nobody waits for all of them.
        let latest = pending.asked.checked_add(self.inner.timeout.max(TIMEOUT))?;
        let begun = pending.begun;
        drop(state);
        let until = match begun {
            Some(begun) => begun.checked_add(timeout?)?,
            // This asks the pool first, whether or not an earlier answer serves: nothing else may start the thread.
            None => match self
                .pool
                .progress(&self.inner.queue)
                .filter(|_| timeout.is_some())?
            {
                Progress::Runs(begun) => begun.checked_add(TIMEOUT)?,
                Progress::NeedsThread => now.checked_add(START_DELAY)?,
                Progress::Exhausted => return None,
            },
        };
        let until = until.min(latest);
        (now < until).then_some(until)
    }

    /// Whether a run waits or runs.
    #[cfg(any(feature = "custom", test))]
    pub(crate) fn is_pending(&self) -> bool {
        self.inner.lock().pending.is_some()
    }

    /// The last answer. While a run is pending, an answer older than [`FRESH`] does not serve, nor one from before a suspend.
    ///
    /// # Errors
    /// [`Fault::Timeout`] where there is no answer, [`Fault::Malformed`] where the work has panicked.
    pub(crate) fn answer(&self) -> Result<T, Fault> {
        let state = self.inner.lock();
        match &state.last {
            Some(answer) if state.pending.is_none() || answer.is_fresh() => answer.value.clone(),
            _ => Err(Fault::Timeout),
        }
    }

    /// The moment of the monotonic clock at which the last answered run began.
    pub(crate) fn answered(&self) -> Option<Duration> {
        let state = self.inner.lock();
        state.last.as_ref().map(|answer| answer.begun.monotonic)
    }
}

impl<T> JobAnswer<T> {
    /// Whether it serves while a run is pending.
    fn is_fresh(&self) -> bool {
        monotonic().saturating_sub(self.begun.monotonic) <= FRESH && !self.begun.is_before_suspend()
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        let pending = self.inner.lock().pending.take();
        drop(pending);
    }
}

impl<T> JobInner<T> {
    fn run(&self) {
        let begun = Stamp::now();
        if let Some(pending) = &mut self.lock().pending {
            pending.begun = Some(Instant::now());
        }
        let value = caught(|| (self.work)()).map_err(|_| Fault::Malformed);
        let mut state = self.lock();
        state.last = Some(JobAnswer {
            begun,
            cost: monotonic().saturating_sub(begun.monotonic),
            value,
        });
        let pending = state.pending.take();
        drop(state);
        drop(pending);
        let pool = self.pool.upgrade();
        let tell = pool.and_then(|pool| pool.lock().answered.clone());
        if let Some(tell) = tell {
            tell();
        }
    }

    fn lock(&self) -> MutexGuard<'_, JobState<T>> {
        // No work is done under the lock, so that no panic leaves the state inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, channel},
        thread,
    };

    use super::*;

    #[test]
    fn an_answer_from_before_a_suspend_is_asked_for_again() {
        let pool = Pool::new();
        let (sender, receiver) = channel();
        let receiver: Mutex<Receiver<u32>> = Mutex::new(receiver);
        let work = move || receiver.lock().unwrap().recv().unwrap();
        let job = Job::new(&pool, &"queue".into(), work);
        let wait = || {
            while job.is_pending() {
                job.awaited_until();
                thread::yield_now();
            }
        };
        sender.send(1).unwrap();
        job.ask(monotonic());
        wait();
        let begun = job.answered().unwrap();
        job.ask(begun);
        assert!(!job.is_pending());
        // An earlier CLOCK_BOOTTIME beside the same CLOCK_MONOTONIC: the machine was suspended since.
        if let Some(answer) = &mut job.inner.lock().last {
            answer.begun.boottime = Duration::ZERO;
        }
        job.ask(begun);
        assert_eq!(job.answer(), Err(Fault::Timeout));
        sender.send(2).unwrap();
        wait();
        assert_eq!(job.answer(), Ok(2));
    }
}
