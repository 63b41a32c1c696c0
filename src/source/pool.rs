//! The blocking pool: its threads run what may block, so that nobody else waits for it.
//!
//! A call of `statfs` on a server that is gone never returns, and nothing can end it. So each such call is
//! a task of a place: a source, a device or a mount. Of one place at most one task runs at a time. At
//! most 16 threads run tasks; one whose task has run beyond its deadline is stuck and no longer counts, up
//! to 32 of those. Threads end when nobody has submitted a task for 5 s, and when the pool is dropped.

mod job;
mod state;
#[cfg(test)]
mod tests;

use std::{
    ffi::CString,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use crate::{
    allocator,
    source::{Answered, panic::caught},
};

pub(crate) use job::{Job, SLOW};
use state::{State, THREADS};

/// A task that waits as long for a thread gets a new one, if there may be one.
const SLICE: Duration = Duration::from_millis(2);

/// A thread without a task ends after this time.
const LINGER: Duration = Duration::from_secs(5);

/// What threads are called that run no task.
const NAME: &str = "blocking pool";

/// The pool. Its clones are the same pool.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Owner>);

/// The pool, for what it may outlive.
pub(crate) struct WeakPool(Weak<Owner>);

/// Closes the pool when the last of its clones is dropped.
struct Owner(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// A task can begin, or the pool is closed.
    changed: Condvar,
}

/// A task that was submitted. When this is dropped, a task that has not begun never does.
#[must_use = "a task that has not begun goes with it"]
pub(crate) struct Submitted {
    shared: Weak<Shared>,
    place: Arc<str>,
    number: u64,
}

/// What a place does, to those who wait for one of its tasks.
enum Progress {
    /// Its task has run since then.
    Runs(Instant),
    /// Its next task waits for a thread.
    NeedsThread,
    /// There is no thread to be had before one returns that is stuck.
    Exhausted,
}

impl Pool {
    /// A pool without a thread.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Owner(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        }))))
    }

    /// Whom to tell that a job has answered.
    pub(crate) fn when_answered(&self, tell: Answered) {
        self.lock().answered = Some(tell);
    }

    /// Runs a job when the tasks before it at this place have run. A thread that runs it for longer than the
    /// deadline is stuck.
    fn submit_job(
        &self,
        place: &Arc<str>,
        deadline: Duration,
        run: impl FnOnce() + Send + 'static,
    ) -> Submitted {
        self.submit(place, deadline, true, Box::new(run))
    }

    /// The same, of a task that somebody waits for on a thread, or that runs for long: it does not wait for
    /// threads that have other tasks.
    pub(crate) fn submit_at_once(
        &self,
        place: &Arc<str>,
        deadline: Duration,
        run: impl FnOnce() + Send + 'static,
    ) -> Submitted {
        self.submit(place, deadline, false, Box::new(run))
    }

    fn submit(
        &self,
        place: &Arc<str>,
        deadline: Duration,
        is_job: bool,
        run: Box<dyn FnOnce() + Send>,
    ) -> Submitted {
        let mut state = self.lock();
        let number = state.add_new(place, deadline, is_job, run);
        let wait = if is_job { SLICE } else { Duration::ZERO };
        self.0.0.staff(&mut state, wait);
        self.submitted(place, number)
    }

    /// Submits a task after some time, unless this is dropped before.
    pub(crate) fn submit_later(
        &self,
        after: Duration,
        place: &Arc<str>,
        deadline: Duration,
        run: impl FnOnce() + Send + 'static,
    ) -> Submitted {
        let mut state = self.lock();
        let number = state.number();
        let task = state::Task {
            number,
            deadline,
            is_job: false,
            run: Box::new(run),
        };
        let now = Instant::now();
        let at = now.checked_add(after).unwrap_or(now);
        state.timers.push((at, place.clone(), task));
        // A thread waits for the moment.
        self.0.0.staff(&mut state, SLICE);
        self.0.0.wake(&mut state);
        self.submitted(place, number)
    }

    fn submitted(&self, place: &Arc<str>, number: u64) -> Submitted {
        Submitted {
            shared: Arc::downgrade(&self.0.0),
            place: place.clone(),
            number,
        }
    }

    /// What the place does. Gets it a thread if it has waited for one.
    fn progress(&self, place: &str) -> Option<Progress> {
        let mut state = self.lock();
        self.0.0.staff(&mut state, SLICE);
        let running = state
            .running
            .iter()
            .find(|running| *running.place == *place);
        if let Some(running) = running {
            return Some(Progress::Runs(running.begun));
        }
        if !state.places.contains_key(place) {
            return None;
        }
        Some(match state.serves_jobs(Instant::now()) {
            true => Progress::NeedsThread,
            false => Progress::Exhausted,
        })
    }

    pub(crate) fn downgrade(&self) -> WeakPool {
        WeakPool(Arc::downgrade(&self.0))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
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
        let mut state = self.0.lock();
        state.is_closed = true;
        let left = (
            std::mem::take(&mut state.places),
            std::mem::take(&mut state.timers),
        );
        state.ready.clear();
        drop(state);
        self.0.changed.notify_all();
        // What the tasks own is dropped here, and not under the lock.
        drop(left);
    }
}

impl Submitted {
    /// Leaves the task to the pool.
    #[cfg(any(feature = "custom", test))]
    pub(crate) fn detach(mut self) {
        self.shared = Weak::new();
    }
}

impl Drop for Submitted {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let mut state = shared.lock();
        let task = state.remove(&self.place, self.number);
        drop(state);
        drop(task);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No task runs under the lock, so nothing panics that leaves the state in disorder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that somebody runs what is ready: a thread that is idle, or a new one if all others are
    /// stuck or have kept it waiting for so long.
    fn staff(self: &Arc<Self>, state: &mut State, wait: Duration) {
        let now = Instant::now();
        let since = match state.ready_since() {
            Some(since) => since,
            None if state.timers.is_empty() || state.threads > state.stuck(now) => return,
            None => now,
        };
        if state.idle > 0 {
            self.wake(state);
            return;
        }
        // One that was woken, or is starting.
        let is_coming = state.threads > state.running.len();
        if is_coming && !wait.is_zero() {
            return;
        }
        let is_kept_waiting = now.saturating_duration_since(since) >= wait;
        let is_needed = state.threads == state.stuck(now) || is_kept_waiting;
        if !is_needed || !state.can_grow(now) {
            return;
        }
        // Memory that is not used costs nothing, and a task may call a large library.
        const STACK: usize = 1024 * 1024;
        let shared = self.clone();
        let builder = thread::Builder::new().name(NAME.to_owned());
        let started = builder.stack_size(STACK).spawn(move || shared.work());
        // Where there is no thread to be had, there is no answer: a fault, like any other lateness.
        state.threads = state.threads.saturating_add(started.is_ok().into());
    }

    /// Wakes a thread that is idle.
    fn wake(&self, state: &mut State) {
        if state.idle > 0 {
            state.idle = state.idle.saturating_sub(1);
            state.woken = state.woken.saturating_add(1);
            self.changed.notify_one();
        }
    }

    fn work(self: &Arc<Self>) {
        let mut state = self.lock();
        while !state.is_closed {
            let now = Instant::now();
            state.submit_due(now);
            if let Some((place, task)) = state.begin(now) {
                let number = task.number;
                // Others may have been ready when this one was woken.
                self.staff(&mut state, SLICE);
                drop(state);
                call_thread(&place);
                // Who submits it hears of its panic otherwise.
                caught(task.run).ok();
                call_thread(NAME);
                state = self.lock();
                state.end(number, &place);
                // One that was stuck had a successor.
                let now = Instant::now();
                if state.counted(now) > THREADS {
                    break;
                }
                continue;
            }
            let timer = state.timers.iter().map(|(at, ..)| *at).min();
            let wait = timer.map_or(LINGER, |at| at.saturating_duration_since(now));
            state.idle = state.idle.saturating_add(1);
            let waited = self.changed.wait_timeout(state, wait);
            let (locked, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
            state = locked;
            match state.woken {
                0 => state.idle = state.idle.saturating_sub(1),
                woken => state.woken = woken.saturating_sub(1),
            }
            if outcome.timed_out() && state.ready.is_empty() && state.timers.is_empty() {
                break;
            }
        }
        state.threads = state.threads.saturating_sub(1);
        let is_last = state.threads == 0;
        drop(state);
        if is_last {
            // What many threads have allocated at once lies about in an arena of each.
            allocator::trim();
        }
    }
}

/// Calls this thread by the place whose task it runs, so that a person sees in `ps -T` what one is stuck in.
/// The kernel keeps 15 bytes, and the end of a path says most.
fn call_thread(name: &str) {
    let from = (name.len().saturating_sub(15)..).find(|&at| name.is_char_boundary(at));
    let end = from.and_then(|from| name.get(from..)).unwrap_or(name);
    if let Ok(name) = CString::new(end) {
        rustix::thread::set_name(&name).ok();
    }
}
