//! Who runs what is asked for: one thread for all commands, while there is something to do.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    mem,
    os::unix::net::UnixStream,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    failure::Failure,
    run::{News, Run},
    shared::{Phase, Shared},
};
use crate::source::panic::caught;

/// Starts the thread: what it is woken by.
pub(super) fn start(shared: Arc<Shared>) -> io::Result<UnixStream> {
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
    // It runs for as long as there are commands, and waits for nothing that may not end.
    let task = move || {
        // The guards of what it ran have lost their sockets with it, and end that.
        if let Err(panic) = caught(|| supervisor.run()) {
            shared.abandon(&Failure::Panicked(panic));
        }
    };
    pool.submit_at_once(&"commands".into(), Duration::MAX, task)
        .detach();
    Ok(waker)
}

/// The thread, and what runs.
struct Supervisor {
    shared: Arc<Shared>,
    woken: UnixStream,
    runs: BTreeMap<u64, Run>,
}

impl Supervisor {
    fn run(mut self) {
        // Until there is nothing to do.
        while let Some(next) = self.plan() {
            self.wait(next);
            self.look();
        }
    }

    /// Begins and ends what is to be begun and ended. When to look again at the latest; none if there is nothing
    /// to look for, and then there is no thread any more as far as anybody else can tell.
    fn plan(&mut self) -> Option<Option<Instant>> {
        let now = Instant::now();
        let shared = self.shared.clone();
        let mut inner = shared.lock();
        let mut begun = Vec::new();
        let mut next: Option<Instant> = None;
        let is_closed = inner.is_closed;
        for (number, run) in &mut self.runs {
            let mut entry = inner.commands.get_mut(number).filter(|_| !is_closed);
            let is_wanted = entry
                .as_ref()
                .is_some_and(|entry| entry.schedule.is_wanted(now));
            if !is_wanted && !run.is_ending() {
                run.end();
                if let Some(entry) = &mut entry {
                    // It would have answered, and does not any more.
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
            self.press();
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
            match Run::start(&self.shared.guard, command) {
                Ok(run) => drop(self.runs.insert(number, run)),
                Err(failure) => {
                    self.tell(number, News::Failure(failure));
                    self.tell(number, News::Over);
                }
            }
        }
        // What has failed to begin has other times now.
        Some(if is_any { Some(now) } else { next })
    }

    /// Looks at all guards before the process ends. One that is continued and stopped again in turn shows one of both,
    /// so it is looked at a few times.
    fn press(&mut self) {
        const TIMES: usize = 4;
        // Of a stop a parent hears by SIGCHLD alone, which belongs to the program.
        const PAUSE: Duration = Duration::from_millis(3);
        for _ in 0..TIMES {
            let left = self.runs.values_mut();
            if left
                .filter_map(|run| (!run.press_at_once()).then_some(()))
                .count()
                == 0
            {
                return;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits for something to read, or for this time.
    fn wait(&mut self, next: Option<Instant>) {
        let now = Instant::now();
        let mut fds = vec![PollFd::new(&self.woken, PollFlags::IN)];
        let mut next = next;
        for run in self.runs.values() {
            let (descriptors, moment) = run.waits_for(now);
            let polled = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
            fds.extend(descriptors.into_iter().map(polled));
            next = next.into_iter().chain(moment).min();
        }
        let patience = next.map(|next| next.saturating_duration_since(now));
        // No longer than is right anyway: a moment that is out of range is for ever.
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        if let Err(cause) = poll(&mut fds, patience.as_ref())
            && cause != rustix::io::Errno::INTR
        {
            // Out of memory. To try again at once would not help.
            thread::sleep(Duration::from_millis(100));
        }
        let mut woken = &self.woken;
        while matches!(woken.read(&mut [0; 64]), Ok(1..)) {}
    }

    /// Hears what the runs have to say.
    fn look(&mut self) {
        let now = Instant::now();
        let mut runs = mem::take(&mut self.runs);
        runs.retain(|&number, run| {
            while let Some(news) = run.look(now) {
                let is_over = matches!(news, News::Over);
                self.tell(number, news);
                if is_over {
                    return false;
                }
            }
            true
        });
        self.runs = runs;
    }

    /// Tells everybody.
    fn tell(&self, number: u64, news: News) {
        let now = Instant::now();
        let mut inner = self.shared.lock();
        let Some(entry) = inner.commands.get_mut(&number) else {
            return;
        };
        match news {
            News::Output(bytes) => entry.succeed(bytes),
            News::Failure(failure) => entry.fail(&failure, now),
            News::Over => {
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
