//! What the pool knows: which tasks run, which wait, and whether there may be another thread.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::source::Answered;

/// As many threads run tasks.
pub(super) const THREADS: usize = 16;

/// As many threads that are stuck do not count among these.
pub(super) const STUCK: usize = 32;

/// As many of all threads can run jobs, which may all be stuck. The others are for tasks that somebody waits for
/// on a thread, or that go on as long as the service does: the process table, commands.
pub(super) const JOBS: usize = THREADS + STUCK - 8;

#[derive(Default)]
pub(super) struct State {
    /// Those that have a task.
    pub(super) places: HashMap<Arc<str>, Place>,
    /// The places whose next task can begin, and since when.
    pub(super) ready: VecDeque<(Arc<str>, Instant)>,
    pub(super) running: Vec<Running>,
    /// Tasks that are submitted later.
    pub(super) timers: Vec<(Instant, Arc<str>, Task)>,
    pub(super) threads: usize,
    /// Threads that wait for a task, without those that have been woken and do not run yet.
    pub(super) idle: usize,
    pub(super) woken: usize,
    pub(super) submitted: u64,
    pub(super) answered: Option<Answered>,
    pub(super) is_closed: bool,
}

#[derive(Default)]
pub(super) struct Place {
    pub(super) waiting: VecDeque<Task>,
    pub(super) is_busy: bool,
}

pub(super) struct Task {
    pub(super) number: u64,
    /// A thread is stuck that has run it for longer.
    pub(super) deadline: Duration,
    pub(super) is_job: bool,
    pub(super) run: Box<dyn FnOnce() + Send>,
}

pub(super) struct Running {
    pub(super) number: u64,
    pub(super) place: Arc<str>,
    pub(super) begun: Instant,
    pub(super) deadline: Duration,
    pub(super) is_job: bool,
}

impl State {
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
        let place = self.places.entry(name.clone()).or_default();
        place.waiting.push_back(task);
        if !place.is_busy && place.waiting.len() == 1 {
            self.ready.push_back((name.clone(), Instant::now()));
        }
    }

    pub(super) fn submit_due(&mut self, now: Instant) {
        let due = self.timers.extract_if(.., |(at, ..)| *at <= now);
        for (_, place, task) in due.collect::<Vec<_>>() {
            self.add(&place, task);
        }
    }

    /// Which of the places that are ready is next.
    fn startable(&self) -> Option<usize> {
        let jobs = self.running.iter().filter(|running| running.is_job).count();
        let may_begin = |(name, _): &(Arc<str>, Instant)| {
            let place = self.places.get(name);
            let next = place.and_then(|place| place.waiting.front());
            next.is_some_and(|task| !task.is_job || jobs < JOBS)
        };
        self.ready.iter().position(may_begin)
    }

    /// Since when the next task has been ready to begin; none if there is none.
    pub(super) fn ready_since(&self) -> Option<Instant> {
        let (_, since) = self.ready.get(self.startable()?)?;
        Some(*since)
    }

    pub(super) fn begin(&mut self, now: Instant) -> Option<(Arc<str>, Task)> {
        let (name, _) = self.ready.remove(self.startable()?)?;
        let place = self.places.get_mut(&name)?;
        let task = place.waiting.pop_front()?;
        place.is_busy = true;
        self.running.push(Running {
            number: task.number,
            place: name.clone(),
            begun: now,
            deadline: task.deadline,
            is_job: task.is_job,
        });
        Some((name, task))
    }

    pub(super) fn end(&mut self, number: u64, name: &Arc<str>) {
        self.running.retain(|running| running.number != number);
        let Some(place) = self.places.get_mut(name) else {
            return;
        };
        place.is_busy = false;
        match place.waiting.is_empty() {
            true => drop(self.places.remove(name)),
            false => self.ready.push_back((name.clone(), Instant::now())),
        }
    }

    pub(super) fn remove(&mut self, name: &Arc<str>, number: u64) -> Option<Task> {
        let is_it = |task: &Task| task.number == number;
        if let Some(at) = self.timers.iter().position(|(_, _, task)| is_it(task)) {
            return Some(self.timers.swap_remove(at).2);
        }
        let place = self.places.get_mut(name)?;
        let at = place.waiting.iter().position(is_it)?;
        let task = place.waiting.remove(at);
        if place.waiting.is_empty() && !place.is_busy {
            self.places.remove(name);
            self.ready.retain(|(ready, _)| ready != name);
        }
        task
    }

    pub(super) fn stuck(&self, now: Instant) -> usize {
        let is_stuck =
            |running: &&Running| now.saturating_duration_since(running.begun) > running.deadline;
        self.running.iter().filter(is_stuck).count()
    }

    /// Whether a job that is ready will have a thread before one returns that is stuck.
    pub(super) fn serves_jobs(&self, now: Instant) -> bool {
        let is_busy = |running: &Running| {
            running.is_job && now.saturating_duration_since(running.begun) <= running.deadline
        };
        let has_spare = self.threads > self.running.len() || self.can_grow(now);
        has_spare && self.startable().is_some() || self.running.iter().any(is_busy)
    }

    /// Whether there may be another thread.
    pub(super) fn can_grow(&self, now: Instant) -> bool {
        self.counted(now) < THREADS && !self.is_closed
    }

    /// The threads without those that are stuck, as far as these do not count.
    pub(super) fn counted(&self, now: Instant) -> usize {
        self.threads.saturating_sub(self.stuck(now).min(STUCK))
    }
}
