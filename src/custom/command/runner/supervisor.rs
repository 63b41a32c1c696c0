//! The supervisor: one thread that starts and ends all runs, and reads their outputs. It exits when there is nothing
//! to do.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    mem,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
};

use super::state::{CLOSE, Phase, RunnerState};
use crate::{
    custom::command::{
        failure::Failure,
        run::{Run, RunEvent, Surroundings},
    },
    source::panic::caught,
};

/// Starts the thread. A byte on the returned socket wakes it.
pub(super) fn start(shared: Arc<RunnerState>) -> io::Result<UnixStream> {
    let pool = shared.pool.clone();
    let (waker, woken) = UnixStream::pair()?;
    waker.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let supervisor = Supervisor {
        shared,
        woken,
        runs: BTreeMap::new(),
    };
    let shared = supervisor.shared.clone();
    // No timeout: the thread lives as long as there are commands to run, and each of its waits ends.
    let task = move || {
        // A panic drops the sockets of all runs, so their subreapers end them.
        if let Err(panic) = caught(|| supervisor.run()) {
            shared.abandon(&Failure::Panicked(panic));
        }
    };
    pool.submit_at_once(&"commands".into(), Duration::MAX, task)
        .detach();
    Ok(waker)
}

/// The state of the thread.
struct Supervisor {
    shared: Arc<RunnerState>,
    woken: UnixStream,
    runs: BTreeMap<u64, Run>,
}

impl Supervisor {
    fn run(mut self) {
        while let Some(next) = self.plan() {
            self.wait(next);
            self.collect();
        }
    }

    /// Starts the runs that are due, and ends those without interest. Returns the deadline of the next wait, or `None`
    /// if there is nothing to do; the thread then counts as gone, and the next request starts another.
    fn plan(&mut self) -> Option<Option<Instant>> {
        let now = Instant::now();
        let shared = self.shared.clone();
        let mut inner = shared.lock();
        let mut begun = Vec::new();
        let mut next: Option<Instant> = None;
        let is_closed = inner.is_closed;
        if is_closed && !inner.is_ended {
            // Before they are continued: a process that stops a subreaper is then dead.
            self.runs.values_mut().for_each(|run| {
                run.force_end_now();
            });
        }
        for (number, run) in &mut self.runs {
            let mut entry = inner.commands.get_mut(number).filter(|_| !is_closed);
            let is_wanted = entry
                .as_ref()
                .is_some_and(|entry| entry.schedule.is_wanted(now));
            if !is_wanted && !run.is_ending() {
                run.end();
                if let Some(entry) = &mut entry {
                    // No answer comes any more.
                    entry.phase = Phase::Answered;
                }
            }
        }
        for (&number, entry) in inner.commands.iter_mut().filter(|_| !is_closed) {
            if entry.phase == Phase::Idle && entry.schedule.is_due(now) {
                entry.schedule.begin(now);
                entry.phase = Phase::Begun;
                begun.push((number, entry.command.clone()));
            }
            let changes = match entry.phase {
                Phase::Idle => entry.schedule.next(now),
                _ => entry.schedule.until().filter(|&until| now < until),
            };
            next = next.into_iter().chain(changes).min();
        }
        if is_closed && !inner.is_ended {
            drop(inner);
            self.force_end();
            inner = shared.lock();
            inner.is_ended = true;
            shared.answered.notify_all();
        }
        if self.runs.is_empty() && begun.is_empty() && next.is_none() {
            inner.waker = None;
            return None;
        }
        drop(inner);
        let is_any = !begun.is_empty();
        for (number, command) in begun {
            match Run::start(&self.shared.subreaper, command, Surroundings::Own) {
                Ok(run) => drop(self.runs.insert(number, run)),
                Err(failure) => {
                    self.publish(number, RunEvent::Failure(failure));
                    self.publish(number, RunEvent::Ended);
                }
            }
        }
        // A start that failed has changed the schedule: plan again at once.
        Some(if is_any { Some(now) } else { next })
    }

    /// Ends runs whose subreaper is stopped, before the process exits. Returns when each run ends without help, or at the
    /// timeout: a busy machine may run a subreaper late, and a process of the run may stop it before.
    fn force_end(&mut self) {
        // A sleep, because a parent learns of a stop only by SIGCHLD, which belongs to the program.
        const PAUSE: Duration = Duration::from_millis(1);
        let start = Instant::now();
        while start.elapsed() < CLOSE {
            // All of them: `all` would leave out those after the first that is left.
            let left = self.runs.values_mut().map(Run::force_end_now);
            if left.filter(|is_ending| !is_ending).count() == 0 {
                return;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits for input, or until a moment.
    fn wait(&mut self, next: Option<Instant>) {
        let now = Instant::now();
        let mut fds = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        let mut next = next;
        for run in self.runs.values() {
            let (descriptors, moment) = run.waits_for(now);
            let polled = |fd| PollFd::new(fd, PollFlags::POLLIN);
            fds.extend(descriptors.into_iter().map(polled));
            next = next.into_iter().chain(moment).min();
        }
        let timeout = next.map(|next| next.saturating_duration_since(now));
        if let Err(cause) = ppoll(&mut fds, timeout.map(Into::into), None)
            && cause != Errno::EINTR
        {
            // Out of memory. A retry at once would not help.
            thread::sleep(Duration::from_millis(100));
        }
        let mut woken = &self.woken;
        while matches!(woken.read(&mut [0; 64]), Ok(1..)) {}
    }

    /// Takes the events of all runs.
    fn collect(&mut self) {
        let now = Instant::now();
        let mut runs = mem::take(&mut self.runs);
        runs.retain(|&number, run| {
            while let Some(event) = run.next_event(now) {
                let is_over = matches!(event, RunEvent::Ended);
                self.publish(number, event);
                if is_over {
                    return false;
                }
            }
            true
        });
        self.runs = runs;
    }

    /// Records an event, and wakes those who wait for the command.
    fn publish(&self, number: u64, event: RunEvent) {
        let now = Instant::now();
        let mut inner = self.shared.lock();
        let Some(entry) = inner.commands.get_mut(&number) else {
            return;
        };
        match event {
            RunEvent::Output(bytes) => entry.succeed(bytes),
            RunEvent::Failure(failure) => entry.fail(&failure, now),
            RunEvent::Ended => {
                entry.phase = Phase::Idle;
                return;
            }
        }
        let call = inner.on_answer.clone();
        drop(inner);
        self.shared.answered.notify_all();
        if let Some(call) = call {
            call();
        }
    }
}
