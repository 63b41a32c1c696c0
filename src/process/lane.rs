//! The lane for what may block for ever: who asks never waits for long.
//!
//! `/proc/PID/cmdline` and others wait for a lock of the process that they are about, and a process
//! that waits for a disk or a server may hold that for hours. So they are read by a worker. If it
//! makes no progress it is left behind, what it is stuck in is not asked for again until it returns,
//! and another goes on with the rest. Workers are tasks of the blocking pool, and end with what is asked.

use std::{
    collections::HashSet,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    reading::Fault,
    source::{
        panic::caught,
        pool::{Pool, Submitted},
    },
};

/// Something to be read, which can be told from all others by its key.
pub(super) trait Task: Clone + Send + 'static {
    type Key: Copy + Eq + std::hash::Hash + Send;

    fn key(&self) -> Self::Key;
}

/// A lane, with at most one worker that is not stuck.
pub(super) struct Lane<T: Task, A> {
    shared: Arc<Shared<T, A>>,
    pool: Pool,
}

struct Shared<T: Task, A> {
    work: Box<dyn Fn(&T) -> A + Send + Sync>,
    /// How long a worker may take for one task.
    patience: Duration,
    state: Mutex<State<T, A>>,
    /// Everything is answered.
    answered: Condvar,
}

struct State<T: Task, A> {
    tasks: Vec<T>,
    /// [`Fault::Timeout`] for what is not answered, and [`Fault::Malformed`] for what has panicked.
    answers: Vec<Result<A, Fault>>,
    /// The first task that nobody has begun.
    next: usize,
    /// The task that the worker is at, unless that is stuck.
    out: Option<usize>,
    /// Counts the workers, and whether the last of them is there.
    turn: u64,
    is_served: bool,
    is_closed: bool,
    /// What those are stuck in that were left behind.
    stuck: HashSet<T::Key>,
}

/// How many workers may be stuck. Each costs a few pages.
const MOST_STUCK: usize = 16;

/// A worker that has not begun by then does not: the pool has no thread for it.
const TIMEOUT: Duration = Duration::from_secs(1);

impl<T: Task, A: Send + 'static> Lane<T, A> {
    /// A lane on this pool, for this work, each task of which may take so long.
    pub(super) fn new(
        pool: &Pool,
        patience: Duration,
        work: impl Fn(&T) -> A + Send + Sync + 'static,
    ) -> Self {
        Self {
            pool: pool.clone(),
            shared: Arc::new(Shared {
                work: Box::new(work),
                patience,
                state: Mutex::new(State {
                    tasks: Vec::new(),
                    answers: Vec::new(),
                    next: 0,
                    out: None,
                    turn: 0,
                    is_served: false,
                    is_closed: false,
                    stuck: HashSet::new(),
                }),
                answered: Condvar::new(),
            }),
        }
    }

    /// The answers to these tasks, in their order; [`Fault::Timeout`] for one that is stuck, and
    /// [`Fault::Malformed`] for one that panics. The lane is one's own meanwhile.
    pub(super) fn ask(&mut self, tasks: &[T]) -> Vec<Result<A, Fault>> {
        let shared = &*self.shared;
        let mut state = shared.lock();
        let is_free = |task: &&T| !state.stuck.contains(&task.key());
        let asked: Vec<T> = tasks.iter().filter(is_free).cloned().collect();
        let keys: Vec<_> = asked.iter().map(T::key).collect();
        state.answers = asked.iter().map(|_| Err(Fault::Timeout)).collect();
        state.tasks = asked;
        state.next = 0;
        let mut state = self.wait(state);
        state.tasks.clear();
        let answers = std::mem::take(&mut state.answers);
        drop(state);
        // In the same order, but for those that were not asked.
        let mut answers = keys.into_iter().zip(answers).peekable();
        let answer = |task: &T| {
            let of_task = answers.next_if(|(key, _)| *key == task.key());
            of_task.map_or(Err(Fault::Timeout), |(_, answer)| answer)
        };
        tasks.iter().map(answer).collect()
    }

    /// Waits until everything is answered that will be.
    fn wait<'a>(&'a self, mut state: Held<'a, T, A>) -> Held<'a, T, A> {
        let mut worker = None;
        let mut asked = Instant::now();
        while !state.is_done() {
            if !state.is_served {
                worker = self.start_worker(&mut state);
                asked = Instant::now();
                if worker.is_none() {
                    break;
                }
            }
            let (out, next) = (state.out, state.next);
            let is_waiting = |state: &mut State<T, A>| !state.is_done();
            let waited =
                self.shared
                    .answered
                    .wait_timeout_while(state, self.shared.patience, is_waiting);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            // A worker that has begun nothing has not had a CPU yet, and is not stuck.
            if let Some(stuck) = state.out.filter(|_| state.out == out) {
                let key = state.tasks[stuck].key();
                state.stuck.insert(key);
                state.out = None;
                state.turn = state.turn.wrapping_add(1);
                state.is_served = false;
            } else if state.next == next && state.out.is_none() && asked.elapsed() > TIMEOUT {
                state.turn = state.turn.wrapping_add(1);
                state.is_served = false;
                break;
            }
        }
        // It is not begun any more.
        drop(worker);
        state
    }

    fn start_worker(&self, state: &mut State<T, A>) -> Option<Submitted> {
        if state.stuck.len() >= MOST_STUCK {
            return None;
        }
        let shared = self.shared.clone();
        let turn = state.turn;
        state.is_served = true;
        let place = format!("processes/{turn}").into();
        Some(
            self.pool
                .submit_at_once(&place, TIMEOUT, move || shared.work(turn)),
        )
    }
}

impl<T: Task, A> Drop for Lane<T, A> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
    }
}

type Held<'a, T, A> = MutexGuard<'a, State<T, A>>;

impl<T: Task, A> Shared<T, A> {
    fn lock(&self) -> Held<'_, T, A> {
        // No task runs under the lock, so nothing panics that leaves the state in disorder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, turn: u64) {
        let mut state = self.lock();
        while !state.is_closed && state.turn == turn && state.next < state.tasks.len() {
            let at = state.next;
            state.next = at.saturating_add(1);
            state.out = Some(at);
            let task = state.tasks[at].clone();
            drop(state);
            let answer = caught(|| (self.work)(&task)).map_err(|_| Fault::Malformed);
            state = self.lock();
            if state.turn != turn {
                state.stuck.remove(&task.key());
                return;
            }
            state.answers[at] = answer;
            state.out = None;
            if state.is_done() {
                self.answered.notify_all();
            }
        }
        if state.turn == turn {
            state.is_served = false;
        }
    }
}

impl<T: Task, A> State<T, A> {
    /// Whether nothing will be answered any more.
    fn is_done(&self) -> bool {
        self.next == self.tasks.len() && self.out.is_none()
    }
}

#[cfg(test)]
mod tests;
