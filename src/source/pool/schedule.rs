//! The schedule of the pool: the tasks that run and wait, and whether there may be another thread.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::Progress;
use crate::source::Answered;

/// The limit for threads that are not stuck.
pub(super) const THREADS: usize = 16;

/// The limit for stuck threads that do not count towards [`THREADS`].
pub(super) const STUCK: usize = 32;

/// The limit for threads that run jobs, all of which may be stuck. The other threads are for the process table,
/// commands and `End`: tasks that a thread waits for, or that run as long as the service does.
pub(super) const JOBS: usize = THREADS + STUCK - 8;

#[derive(Default)]
pub(super) struct Schedule {
    /// The queues that have a task, by name.
    pub(super) queues: HashMap<Arc<str>, Queue>,
    /// The queues whose next task can begin, and the moment since which it can.
    pub(super) ready: VecDeque<(Arc<str>, Instant)>,
    pub(super) running: Vec<Running>,
    /// Tasks to be submitted at a moment.
    pub(super) timers: Vec<(Instant, Arc<str>, Task)>,
    pub(super) threads: usize,
    /// The number of threads that wait for a task and have not been woken.
    pub(super) idle: usize,
    /// The number of threads that have been woken and do not run yet.
    pub(super) woken: usize,
    pub(super) submitted: u64,
    pub(super) answered: Option<Answered>,
    pub(super) is_closed: bool,
}

/// Tasks that run one at a time, in the order of their submission.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Task>,
    pub(super) is_busy: bool,
}

pub(super) struct Task {
    pub(super) number: u64,
    /// A thread that has run the task for longer is stuck.
    pub(super) deadline: Duration,
    pub(super) is_job: bool,
    pub(super) run: Box<dyn FnOnce() + Send>,
}

pub(super) struct Running {
    pub(super) number: u64,
    pub(super) queue: Arc<str>,
    pub(super) begun: Instant,
    pub(super) deadline: Duration,
    pub(super) is_job: bool,
}

impl Schedule {
    pub(super) fn number(&mut self) -> u64 {
        self.submitted = self.submitted.wrapping_add(1);
        self.submitted
    }

    pub(super) fn add_new(
        &mut self,
        name: &Arc<str>,
        deadline: Duration,
        is_job: bool,
        run: Box<dyn FnOnce() + Send>,
    ) -> u64 {
        let number = self.number();
        let task = Task {
            number,
            deadline,
            is_job,
            run,
        };
        self.add(name, task);
        number
    }

    pub(super) fn add(&mut self, name: &Arc<str>, task: Task) {
        if self.is_closed {
            return;
        }
        let queue = self.queues.entry(name.clone()).or_default();
        queue.waiting.push_back(task);
        if !queue.is_busy && queue.waiting.len() == 1 {
            self.ready.push_back((name.clone(), Instant::now()));
        }
    }

    pub(super) fn submit_due(&mut self, now: Instant) {
        let due = self.timers.extract_if(.., |(at, ..)| *at <= now);
        for (_, queue, task) in due.collect::<Vec<_>>() {
            self.add(&queue, task);
        }
    }

    /// The index in `ready` of the next queue whose task may begin.
    fn startable(&self) -> Option<usize> {
        let jobs = self.running.iter().filter(|running| running.is_job).count();
        let may_begin = |(name, _): &(Arc<str>, Instant)| {
            let queue = self.queues.get(name);
            let next = queue.and_then(|queue| queue.waiting.front());
            next.is_some_and(|task| !task.is_job || jobs < JOBS)
        };
        self.ready.iter().position(may_begin)
    }

    /// The moment since which the next task has been ready; none if there is no task that may begin.
    pub(super) fn ready_since(&self) -> Option<Instant> {
        let (_, since) = self.ready.get(self.startable()?)?;
        Some(*since)
    }

    pub(super) fn begin(&mut self, now: Instant) -> Option<(Arc<str>, Task)> {
        let (name, _) = self.ready.remove(self.startable()?)?;
        let queue = self.queues.get_mut(&name)?;
        let task = queue.waiting.pop_front()?;
        queue.is_busy = true;
        self.running.push(Running {
            number: task.number,
            queue: name.clone(),
            begun: now,
            deadline: task.deadline,
            is_job: task.is_job,
        });
        Some((name, task))
    }

    pub(super) fn end(&mut self, number: u64, name: &Arc<str>) {
        self.running.retain(|running| running.number != number);
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        queue.is_busy = false;
        match queue.waiting.is_empty() {
            true => drop(self.queues.remove(name)),
            false => self.ready.push_back((name.clone(), Instant::now())),
        }
    }

    pub(super) fn remove(&mut self, name: &Arc<str>, number: u64) -> Option<Task> {
        let is_it = |task: &Task| task.number == number;
        if let Some(at) = self.timers.iter().position(|(_, _, task)| is_it(task)) {
            return Some(self.timers.swap_remove(at).2);
        }
        let queue = self.queues.get_mut(name)?;
        let at = queue.waiting.iter().position(is_it)?;
        let task = queue.waiting.remove(at);
        if queue.waiting.is_empty() && !queue.is_busy {
            self.queues.remove(name);
            self.ready.retain(|(ready, _)| ready != name);
        }
        task
    }

    pub(super) fn stuck(&self, now: Instant) -> usize {
        let is_stuck =
            |running: &&Running| now.saturating_duration_since(running.begun) > running.deadline;
        self.running.iter().filter(is_stuck).count()
    }

    /// Whether a ready job will get a thread even if no stuck thread returns.
    pub(super) fn serves_jobs(&self, now: Instant) -> bool {
        let is_busy = |running: &Running| {
            running.is_job && now.saturating_duration_since(running.begun) <= running.deadline
        };
        let has_spare = self.threads > self.running.len() || self.can_grow(now);
        has_spare && self.startable().is_some() || self.running.iter().any(is_busy)
    }

    /// The progress of a queue; none if it has no task.
    pub(super) fn progress(&self, queue: &str) -> Option<Progress> {
        let mut running = self.running.iter();
        if let Some(running) = running.find(|running| *running.queue == *queue) {
            return Some(Progress::Runs(running.begun));
        }
        if !self.queues.contains_key(queue) {
            return None;
        }
        Some(match self.serves_jobs(Instant::now()) {
            true => Progress::NeedsThread,
            false => Progress::Exhausted,
        })
    }

    /// Chooses an idle thread, if there is one. Returns the number of chosen threads.
    pub(super) fn choose_idle(&mut self) -> usize {
        let chosen = self.idle.min(1);
        self.idle = self.idle.saturating_sub(chosen);
        self.woken = self.woken.saturating_add(chosen);
        chosen
    }

    /// Whether there may be another thread.
    pub(super) fn can_grow(&self, now: Instant) -> bool {
        self.counted(now) < THREADS && !self.is_closed
    }

    /// The number of threads that count: all but the stuck ones, of which at most [`STUCK`] are left out.
    pub(super) fn counted(&self, now: Instant) -> usize {
        self.threads.saturating_sub(self.stuck(now).min(STUCK))
    }
}
