//! The slow lane: what may block runs on a thread of its own, and who asks never waits for long.
//!
//! A call of `statfs` on a server that is gone never returns, and nothing can end it. So each such
//! call is a job: asking for it hands it to a worker, which leaves the answer behind. At most one
//! call of a job is out at any time, and a worker that is stuck in one is replaced by another for
//! the rest. Workers end when the lane is dropped, and when nobody has asked for a minute.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    reading::Fault,
    source::{Answered, panic::caught},
};

/// Jobs, and the workers that do them.
pub(super) struct Lane<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// There is work, or the lane is closed.
    asked: Condvar,
    answered: Condvar,
}

struct State<T> {
    jobs: Vec<Job<T>>,
    queue: VecDeque<usize>,
    /// How many workers there are, and how many of them have nothing to do.
    workers: usize,
    idle: usize,
    /// How many answers there were, and who is told of each.
    answers: u64,
    tell: Option<Answered>,
    is_closed: bool,
}

struct Job<T> {
    work: Work<T>,
    /// What it has answered last, and when: [`Fault::Malformed`] if it has panicked.
    answer: Option<(Instant, Result<T, Fault>)>,
    /// Whether it waits in the queue or is being done.
    is_out: bool,
}

type Held<'a, T> = MutexGuard<'a, State<T>>;

type Work<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// How long is waited for answers. What is healthy answers in microseconds, and then the answer is
/// as fresh as any other reading; what is not is waited for once and not again.
const PATIENCE: Duration = Duration::from_millis(10);

/// How long is waited where a job has never answered, once for each: so that the first reading of
/// all has a value though the machine is busy.
const FIRST_PATIENCE: Duration = Duration::from_millis(50);

/// A worker that has not answered for as long may be stuck: another takes over the rest.
const SLICE: Duration = Duration::from_millis(2);

/// What always takes longer than [`PATIENCE`] is answered with what the last call said, if that is
/// not older than this.
const KEEP: Duration = Duration::from_secs(10);

/// How long a worker stays when there is nothing to do.
const LINGER: Duration = Duration::from_secs(60);

impl<T: Clone + Send + 'static> Lane<T> {
    /// A lane without jobs, and without a thread.
    pub(super) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    jobs: Vec::new(),
                    queue: VecDeque::new(),
                    workers: 0,
                    idle: 0,
                    answers: 0,
                    tell: None,
                    is_closed: false,
                }),
                asked: Condvar::new(),
                answered: Condvar::new(),
            }),
        }
    }

    /// Tells somebody of each answer, once it is there.
    #[cfg(feature = "own")]
    pub(super) fn when_answered(&self, tell: Answered) {
        self.shared.lock().tell = Some(tell);
    }

    /// Adds a job; its number.
    pub(super) fn add(&self, work: impl Fn() -> T + Send + Sync + 'static) -> usize {
        let mut state = self.shared.lock();
        let place = state.jobs.len();
        state.jobs.push(Job {
            work: Arc::new(work),
            answer: None,
            is_out: false,
        });
        place
    }

    /// Has these jobs done, and returns what they answer, in their order: [`Fault::Timeout`] for
    /// one that does not, and [`Fault::Malformed`] for one that panics.
    pub(super) fn ask(&self, jobs: &[usize]) -> Vec<Result<T, Fault>> {
        let shared = &*self.shared;
        let start = Instant::now();
        let mut state = shared.lock();
        // What is still out since another time is not waited for.
        let asked: Vec<_> = jobs.iter().map(|&job| state.enqueue(job)).collect();
        let mut fresh = jobs.iter().zip(&asked);
        let patience = match fresh.any(|(&job, &asked)| asked && state.jobs[job].answer.is_none()) {
            true => FIRST_PATIENCE,
            false => PATIENCE,
        };
        shared.asked.notify_one();
        if state.workers == 0 && !state.queue.is_empty() {
            self.start_worker(&mut state);
        }
        let is_open = |state: &State<T>| -> bool {
            let mut all = jobs.iter().zip(&asked);
            all.any(|(&job, &asked)| asked && state.jobs[job].is_out)
        };
        while is_open(&state) {
            let Some(left) = patience.checked_sub(start.elapsed()) else {
                break;
            };
            state = self.wait(state, left);
        }
        let answer = |(&job, asked): (&usize, bool)| state.jobs[job].answer(asked);
        jobs.iter().zip(asked).map(answer).collect()
    }

    /// Has a job done, and returns the last answer if that is not older than `age`; otherwise waits up
    /// to `patience` for the new one, unless the job is out since another time. What has not come by
    /// then is answered with what the last call said, if that is not older than [`KEEP`].
    pub(super) fn take(&self, job: usize, age: Duration, patience: Duration) -> Result<T, Fault> {
        let start = Instant::now();
        let mut state = self.shared.lock();
        let asked = state.enqueue(job);
        self.shared.asked.notify_one();
        // What nobody waits for must not wait for ever behind others that are stuck.
        let is_left = !asked && state.idle == 0;
        if (state.workers == 0 || is_left) && !state.queue.is_empty() {
            self.start_worker(&mut state);
        }
        while asked && state.jobs[job].is_out && state.jobs[job].last(age).is_none() {
            let Some(left) = patience.checked_sub(start.elapsed()) else {
                break;
            };
            state = self.wait(state, left);
        }
        state.jobs[job].last(KEEP).unwrap_or(Err(Fault::Timeout))
    }

    /// Waits for an answer up to `left`, and no longer than a slice. If there was none, and nobody is
    /// free to do what is left, another worker is started.
    fn wait<'a>(&self, state: Held<'a, T>, left: Duration) -> Held<'a, T> {
        let before = state.answers;
        let waited = self.shared.answered.wait_timeout(state, left.min(SLICE));
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.answers == before && state.idle == 0 && !state.queue.is_empty() {
            self.start_worker(&mut state);
        }
        state
    }

    fn start_worker(&self, state: &mut State<T>) {
        const STACK: usize = 128 * 1024;
        let builder = thread::Builder::new().name("slow lane".to_owned());
        let shared = self.shared.clone();
        // Where there is no thread to be had, there is no answer: a fault, like any other lateness.
        let started = builder.stack_size(STACK).spawn(move || shared.work());
        state.workers = state.workers.saturating_add(started.is_ok().into());
    }
}

impl<T> Drop for Lane<T> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.asked.notify_all();
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No job runs under the lock, so nothing panics that leaves the state in disorder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Shared<T> {
    fn work(&self) {
        let mut state = self.lock();
        while !state.is_closed {
            if let Some(job) = state.queue.pop_front() {
                let work = state.jobs[job].work.clone();
                drop(state);
                // One that panics would be out for ever.
                let answer = caught(|| work()).map_err(|_| Fault::Malformed);
                state = self.lock();
                state.answers = state.answers.saturating_add(1);
                state.jobs[job].answer = Some((Instant::now(), answer));
                state.jobs[job].is_out = false;
                self.answered.notify_all();
                if let Some(tell) = &state.tell {
                    tell();
                }
                continue;
            }
            state.idle = state.idle.saturating_add(1);
            let (locked, outcome) = self
                .asked
                .wait_timeout(state, LINGER)
                .unwrap_or_else(PoisonError::into_inner);
            state = locked;
            state.idle = state.idle.saturating_sub(1);
            if outcome.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.workers = state.workers.saturating_sub(1);
    }
}

impl<T> State<T> {
    /// Puts a job into the queue, unless it is out already.
    fn enqueue(&mut self, job: usize) -> bool {
        if self.jobs[job].is_out {
            return false;
        }
        self.jobs[job].is_out = true;
        self.queue.push_back(job);
        true
    }
}

impl<T: Clone> Job<T> {
    /// The last answer, if it is not older than `age`.
    fn last(&self, age: Duration) -> Option<Result<T, Fault>> {
        let young = self
            .answer
            .as_ref()
            .filter(|(moment, _)| moment.elapsed() <= age);
        young.map(|(_, answer)| answer.clone())
    }

    /// The answer, to one who has `asked` for it or found it out since another time.
    fn answer(&self, asked: bool) -> Result<T, Fault> {
        match &self.answer {
            Some((_, answer)) if !self.is_out => answer.clone(),
            Some((moment, answer)) if asked && moment.elapsed() < KEEP => answer.clone(),
            _ => Err(Fault::Timeout),
        }
    }
}

#[cfg(test)]
mod tests;
