//! Runs tasks that may block for ever, with a timeout for each.
//!
//! A read of `/proc/PID/cmdline` and others waits for a lock of the process, and a process that waits for a disk or a
//! server may hold that lock for hours. So a worker on the blocking pool reads them. A worker that exceeds the timeout
//! of a task is abandoned as stuck, and another worker goes on with the rest. A task whose worker is stuck is not run
//! again until that worker returns. A worker ends when all tasks are done.

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

/// A task with a key that identifies it.
pub(super) trait Task: Clone + Send + 'static {
    type Key: Copy + Eq + std::hash::Hash + Send;

    fn key(&self) -> Self::Key;
}

/// Runs tasks one after the other, on at most one worker that is not stuck.
pub(super) struct TaskRunner<T: Task, A> {
    shared: Arc<RunnerShared<T, A>>,
    pool: Pool,
}

struct RunnerShared<T: Task, A> {
    work: Box<dyn Fn(&T) -> A + Send + Sync>,
    /// The timeout of each task.
    timeout: Duration,
    state: Mutex<RunnerState<T, A>>,
    /// Signals that all tasks are done.
    answered: Condvar,
}

struct RunnerState<T: Task, A> {
    tasks: Vec<T>,
    /// [`Fault::Timeout`] for a task without an answer, and [`Fault::Malformed`] for one that has panicked.
    answers: Vec<Result<A, Fault>>,
    /// The first task that has not begun.
    next: usize,
    /// The task that the worker runs, unless the worker is stuck.
    running: Option<usize>,
    /// The number of the present worker; the others are stuck.
    worker: u64,
    /// Whether that worker was submitted and has not ended.
    has_worker: bool,
    is_closed: bool,
    /// The tasks in which the abandoned workers are stuck.
    stuck: HashSet<T::Key>,
}

/// The limit for stuck workers. Each costs a few pages.
const STUCK_LIMIT: usize = 16;

/// A worker that has not begun after this time is cancelled: the pool has no thread for it.
const START_TIMEOUT: Duration = Duration::from_secs(1);

impl<T: Task, A: Send + 'static> TaskRunner<T, A> {
    /// A runner on this pool. `work` runs each task, with this timeout.
    pub(super) fn new(
        pool: &Pool,
        timeout: Duration,
        work: impl Fn(&T) -> A + Send + Sync + 'static,
    ) -> Self {
        Self {
            pool: pool.clone(),
            shared: Arc::new(RunnerShared {
                work: Box::new(work),
                timeout,
                state: Mutex::new(RunnerState {
                    tasks: Vec::new(),
                    answers: Vec::new(),
                    next: 0,
                    running: None,
                    worker: 0,
                    has_worker: false,
                    is_closed: false,
                    stuck: HashSet::new(),
                }),
                answered: Condvar::new(),
            }),
        }
    }

    /// Runs these tasks and returns their answers in the same order: [`Fault::Timeout`] for a task that is stuck,
    /// [`Fault::Malformed`] for one that panics.
    pub(super) fn run(&mut self, tasks: &[T]) -> Vec<Result<A, Fault>> {
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
        // The answers are in the order of the tasks, without those that are stuck from before.
        let mut answers = keys.into_iter().zip(answers).peekable();
        let answer = |task: &T| {
            let of_task = answers.next_if(|(key, _)| *key == task.key());
            of_task.map_or(Err(Fault::Timeout), |(_, answer)| answer)
        };
        tasks.iter().map(answer).collect()
    }

    /// Waits until all tasks are answered or cannot be.
    fn wait<'a>(&'a self, mut state: StateGuard<'a, T, A>) -> StateGuard<'a, T, A> {
        let mut worker = None;
        let mut asked = Instant::now();
        while !state.is_done() {
            if !state.has_worker {
                worker = self.start_worker(&mut state);
                asked = Instant::now();
                if worker.is_none() {
                    break;
                }
            }
            let (running, next) = (state.running, state.next);
            let is_waiting = |state: &mut RunnerState<T, A>| !state.is_done();
            let waited =
                self.shared
                    .answered
                    .wait_timeout_while(state, self.shared.timeout, is_waiting);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            // A worker that has begun no task has not had a CPU yet, and is not stuck.
            if let Some(stuck) = state.running.filter(|_| state.running == running) {
                let key = state.tasks[stuck].key();
                state.stuck.insert(key);
                state.running = None;
                state.worker = state.worker.wrapping_add(1);
                state.has_worker = false;
            } else if state.next == next
                && state.running.is_none()
                && asked.elapsed() > START_TIMEOUT
            {
                state.worker = state.worker.wrapping_add(1);
                state.has_worker = false;
                break;
            }
        }
        // Cancels a worker that has not begun.
        drop(worker);
        state
    }

    fn start_worker(&self, state: &mut RunnerState<T, A>) -> Option<Submitted> {
        if state.stuck.len() >= STUCK_LIMIT {
            return None;
        }
        let shared = self.shared.clone();
        let worker = state.worker;
        state.has_worker = true;
        let place = format!("processes/{worker}").into();
        Some(
            self.pool
                .submit_at_once(&place, START_TIMEOUT, move || shared.work(worker)),
        )
    }
}

impl<T: Task, A> Drop for TaskRunner<T, A> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
    }
}

type StateGuard<'a, T, A> = MutexGuard<'a, RunnerState<T, A>>;

impl<T: Task, A> RunnerShared<T, A> {
    fn lock(&self) -> StateGuard<'_, T, A> {
        // No task runs under the lock, so that no panic leaves the state inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, worker: u64) {
        let mut state = self.lock();
        while !state.is_closed && state.worker == worker && state.next < state.tasks.len() {
            let at = state.next;
            state.next = at.saturating_add(1);
            state.running = Some(at);
            let task = state.tasks[at].clone();
            drop(state);
            let answer = caught(|| (self.work)(&task)).map_err(|_| Fault::Malformed);
            state = self.lock();
            if state.worker != worker {
                state.stuck.remove(&task.key());
                return;
            }
            state.answers[at] = answer;
            state.running = None;
            if state.is_done() {
                self.answered.notify_all();
            }
        }
        if state.worker == worker {
            state.has_worker = false;
        }
    }
}

impl<T: Task, A> RunnerState<T, A> {
    /// Whether the worker has run all tasks.
    fn is_done(&self) -> bool {
        self.next == self.tasks.len() && self.running.is_none()
    }
}

#[cfg(test)]
mod tests;
