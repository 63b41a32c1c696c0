//! A job: what is asked of the blocking pool again and again, and what it has answered last.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    reading::{Fault, monotonic},
    source::panic::caught,
};

use super::{Pool, Progress, SLICE, Submitted};

/// An answer that takes longer is slow.
pub(crate) const SLOW: Duration = Duration::from_millis(5);

/// A job that was quick the last time is waited for no longer than this.
const QUICK_TIMEOUT: Duration = Duration::from_millis(10);

/// The longest time for which any job is waited for, and for which one may run until its thread is stuck.
const TIMEOUT: Duration = Duration::from_millis(100);

/// While a job is out that is slow, its last answer will do for so long, and nobody waits: the ticks of
/// a session find what the one before them has asked for.
const FRESH: Duration = Duration::from_secs(10);

/// A job of the pool. What it is about owns it; when it is dropped, it is not begun any more.
pub(crate) struct Job<T> {
    pool: Pool,
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    place: Arc<str>,
    /// How long is waited for the first answer.
    timeout: Duration,
    work: Box<dyn Fn() -> T + Send + Sync>,
    pool: std::sync::Weak<super::Shared>,
    state: Mutex<State<T>>,
}

struct State<T> {
    out: Option<Out>,
    last: Option<Answer<T>>,
}

/// A job that waits or runs.
struct Out {
    asked: Instant,
    begun: Option<Instant>,
    /// Takes it out of the queue again.
    submitted: Option<Submitted>,
}

struct Answer<T> {
    /// The moment of the monotonic clock at which the work began.
    begun: Duration,
    cost: Duration,
    /// [`Fault::Malformed`] if it has panicked.
    value: Result<T, Fault>,
}

impl<T: Clone + Send + 'static> Job<T> {
    /// A job at a place of the pool. Nothing is done before it is asked.
    pub(crate) fn new(
        pool: &Pool,
        place: &Arc<str>,
        work: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        Self::with_timeout(pool, place, TIMEOUT, work)
    }

    /// A job whose first answer is waited for so long.
    pub(crate) fn with_timeout(
        pool: &Pool,
        place: &Arc<str>,
        timeout: Duration,
        work: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        Self {
            pool: pool.clone(),
            inner: Arc::new(Inner {
                place: place.clone(),
                timeout,
                work: Box::new(work),
                pool: Arc::downgrade(&pool.0.0),
                state: Mutex::new(State {
                    out: None,
                    last: None,
                }),
            }),
        }
    }

    /// Has it done, unless it is out already or was begun at or after the moment `since` of the monotonic
    /// clock. Never waits.
    pub(crate) fn ask(&self, since: Duration) {
        let mut state = self.inner.lock();
        let is_young = |answer: &Answer<T>| answer.begun >= since;
        if state.out.is_some() || state.last.as_ref().is_some_and(is_young) {
            return;
        }
        state.out = Some(Out {
            asked: Instant::now(),
            begun: None,
            submitted: None,
        });
        let inner = Arc::downgrade(&self.inner);
        // The lock is held: the answer comes after what is noted here.
        let submitted = self.pool.submit_job(&self.inner.place, TIMEOUT, move || {
            if let Some(inner) = inner.upgrade() {
                inner.run();
            }
        });
        if let Some(out) = &mut state.out {
            out.submitted = Some(submitted);
        }
    }

    /// Until when the answer that is on its way is worth waiting for, if it is at all and no earlier answer
    /// will do. It may be worth less, or more, then.
    pub(crate) fn awaited_until(&self) -> Option<Instant> {
        let state = self.inner.lock();
        let out = state.out.as_ref()?;
        let now = Instant::now();
        let last = state.last.as_ref();
        let timeout = match last {
            None => self.inner.timeout,
            Some(answer) if answer.cost <= SLOW => QUICK_TIMEOUT,
            Some(answer) if monotonic().saturating_sub(answer.begun) <= FRESH => return None,
            Some(answer) => TIMEOUT.min(answer.cost.saturating_mul(2)),
        };
        // What stands before it at its place may be as slow: then nobody waits for all of them.
        let latest = out.asked.checked_add(self.inner.timeout.max(TIMEOUT))?;
        let begun = out.begun;
        drop(state);
        let until = match begun {
            Some(begun) => begun.checked_add(timeout)?,
            None => match self.pool.progress(&self.inner.place)? {
                Progress::Runs(begun) => begun.checked_add(TIMEOUT)?,
                Progress::NeedsThread => now.checked_add(SLICE)?,
                Progress::Exhausted => return None,
            },
        };
        let until = until.min(latest);
        (now < until).then_some(until)
    }

    /// Whether it waits or runs.
    #[cfg(feature = "custom")]
    pub(crate) fn is_pending(&self) -> bool {
        self.inner.lock().out.is_some()
    }

    /// What it has answered; while it is out, what it answered before if that is not older than
    /// [`FRESH`].
    ///
    /// # Errors
    /// [`Fault::Timeout`] where there is no answer, [`Fault::Malformed`] where the work has panicked.
    pub(crate) fn answer(&self) -> Result<T, Fault> {
        let state = self.inner.lock();
        match &state.last {
            Some(answer)
                if state.out.is_none() || monotonic().saturating_sub(answer.begun) <= FRESH =>
            {
                answer.value.clone()
            }
            _ => Err(Fault::Timeout),
        }
    }

    /// When the work began that was answered last, on the monotonic clock.
    pub(crate) fn answered(&self) -> Option<Duration> {
        self.inner.lock().last.as_ref().map(|answer| answer.begun)
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        let out = self.inner.lock().out.take();
        drop(out);
    }
}

impl<T> Inner<T> {
    fn run(&self) {
        let begun = monotonic();
        if let Some(out) = &mut self.lock().out {
            out.begun = Some(Instant::now());
        }
        let value = caught(|| (self.work)()).map_err(|_| Fault::Malformed);
        let mut state = self.lock();
        state.last = Some(Answer {
            begun,
            cost: monotonic().saturating_sub(begun),
            value,
        });
        let out = state.out.take();
        drop(state);
        drop(out);
        let pool = self.pool.upgrade();
        let tell = pool.and_then(|pool| pool.lock().answered.clone());
        if let Some(tell) = tell {
            tell();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No work is done under the lock, so nothing panics that leaves the state in disorder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
