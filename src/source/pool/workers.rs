//! The threads of the pool.

use std::{
    ffi::CString,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{allocator, source::panic::caught};

use super::schedule::{Schedule, THREADS};

/// A job that has waited this long for a thread gets a new one, if there may be another.
pub(super) const START_DELAY: Duration = Duration::from_millis(2);

/// A thread without a task ends after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The name of a thread that runs no task.
const NAME: &str = "blocking pool";

/// The threads of the pool, and the schedule that they share.
#[derive(Default)]
pub(super) struct Workers {
    schedule: Mutex<Schedule>,
    /// Signals that a task can begin or that the pool is closed.
    changed: Condvar,
}

impl Workers {
    pub(super) fn lock(&self) -> MutexGuard<'_, Schedule> {
        // No task runs under the lock, so that no panic leaves the schedule inconsistent.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the tasks that have not begun, and ends the threads.
    pub(super) fn close(&self) {
        let mut schedule = self.lock();
        schedule.is_closed = true;
        let left = (
            std::mem::take(&mut schedule.queues),
            std::mem::take(&mut schedule.timers),
        );
        schedule.ready.clear();
        drop(schedule);
        self.changed.notify_all();
        // The tasks own things whose drop must not run under the lock.
        drop(left);
    }

    /// Chooses an idle thread for the next ready task. If there is none, starts a new thread when all others are stuck
    /// or the task has been ready for as long as `delay`. Returns the number of idle threads to
    /// [notify](Self::notify) once the schedule is unlocked: they would wait for the lock otherwise.
    #[must_use]
    pub(super) fn ensure_thread(
        self: &Arc<Self>,
        schedule: &mut Schedule,
        delay: Duration,
    ) -> usize {
        let now = Instant::now();
        let since = match schedule.ready_since() {
            Some(since) => since,
            None if schedule.timers.is_empty() || schedule.threads > schedule.stuck(now) => {
                return 0;
            }
            None => now,
        };
        if schedule.choose_idle() > 0 {
            return 1;
        }
        // A thread that was woken or is starting will take the task.
        let is_coming = schedule.threads > schedule.running.len();
        if is_coming && !delay.is_zero() {
            return 0;
        }
        let is_kept_waiting = now.saturating_duration_since(since) >= delay;
        let is_needed = schedule.threads == schedule.stuck(now) || is_kept_waiting;
        if !is_needed || !schedule.can_grow(now) {
            return 0;
        }
        // Unused stack costs no memory, and a task may call a large library.
        const STACK: usize = 1024 * 1024;
        let workers = self.clone();
        let builder = thread::Builder::new().name(NAME.to_owned());
        let started = builder.stack_size(STACK).spawn(move || workers.work());
        // If no thread can be started, the job does not answer, and its reader reports a timeout.
        schedule.threads = schedule.threads.saturating_add(started.is_ok().into());
        0
    }

    /// Unlocks the schedule, and wakes as many idle threads as were `chosen`.
    pub(super) fn notify(&self, schedule: MutexGuard<'_, Schedule>, chosen: usize) {
        drop(schedule);
        for _ in 0..chosen {
            self.changed.notify_one();
        }
    }

    fn work(self: &Arc<Self>) {
        let mut schedule = self.lock();
        while !schedule.is_closed {
            let now = Instant::now();
            schedule.submit_due(now);
            if let Some((queue, task)) = schedule.begin(now) {
                let number = task.number;
                // Other tasks may have been ready when this thread was woken.
                let chosen = self.ensure_thread(&mut schedule, START_DELAY);
                self.notify(schedule, chosen);
                name_thread(&queue);
                // The submitter learns of a panic in its own way.
                caught(task.run).ok();
                name_thread(NAME);
                schedule = self.lock();
                schedule.end(number, &queue);
                // While this thread was stuck, another was started in its place.
                let now = Instant::now();
                if schedule.counted(now) > THREADS {
                    break;
                }
                continue;
            }
            let timer = schedule.timers.iter().map(|(at, ..)| *at).min();
            let timeout = timer.map_or(IDLE_TIMEOUT, |at| at.saturating_duration_since(now));
            schedule.idle = schedule.idle.saturating_add(1);
            let waited = self.changed.wait_timeout(schedule, timeout);
            let (locked, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
            schedule = locked;
            match schedule.woken {
                0 => schedule.idle = schedule.idle.saturating_sub(1),
                woken => schedule.woken = woken.saturating_sub(1),
            }
            if outcome.timed_out() && schedule.ready.is_empty() && schedule.timers.is_empty() {
                break;
            }
        }
        schedule.threads = schedule.threads.saturating_sub(1);
        let is_last = schedule.threads == 0;
        drop(schedule);
        if is_last {
            // Each thread had an arena of the allocator, and the memory that is free in it stays there.
            allocator::trim();
        }
    }
}

/// Names this thread after the queue whose task it runs, so that `ps -T` shows what a stuck thread is stuck in. The
/// kernel keeps 15 bytes; the end of a path says most.
fn name_thread(name: &str) {
    let from = (name.len().saturating_sub(15)..).find(|&at| name.is_char_boundary(at));
    let end = from.and_then(|from| name.get(from..)).unwrap_or(name);
    if let Ok(name) = CString::new(end) {
        nix::sys::prctl::set_name(&name).ok();
    }
}
