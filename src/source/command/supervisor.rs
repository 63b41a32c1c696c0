//! Who runs what is asked for: one thread for all commands, while there is something to do.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    mem,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    Command, Output, State,
    failure::Failure,
    run::{News, Run},
    schedule::Schedule,
};
use crate::reading::Stamp;

/// What the runner, the handles and the thread have in common.
pub(super) struct Shared {
    guard: PathBuf,
    inner: Mutex<Inner>,
    answered: Condvar,
}

pub(super) struct Inner {
    pub(super) on_answer: Option<Arc<dyn Fn() + Send + Sync>>,
    commands: BTreeMap<u64, Entry>,
    added: u64,
    /// Wakes the thread, if there is one.
    waker: Option<UnixStream>,
    is_closed: bool,
}

/// A command, and what is known of it.
struct Entry {
    command: Arc<Command>,
    schedule: Schedule,
    state: State,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    /// It runs, and has said nothing yet.
    Begun,
    /// It has said something, or is on its way out.
    Answered,
}

type Held<'a> = MutexGuard<'a, Inner>;

impl Shared {
    pub(super) fn new(guard: PathBuf) -> Self {
        Self {
            guard,
            inner: Mutex::new(Inner {
                on_answer: None,
                commands: BTreeMap::new(),
                added: 0,
                waker: None,
                is_closed: false,
            }),
            answered: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> Held<'_> {
        // Nothing panics under the lock that leaves this in disorder.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, command: Command) -> u64 {
        let mut inner = self.lock();
        inner.added += 1;
        let number = inner.added;
        let entry = Entry {
            schedule: Schedule::new(command.interval, command.lines),
            command: Arc::new(command),
            state: State::default(),
            phase: Phase::Idle,
        };
        inner.commands.insert(number, entry);
        number
    }

    pub(super) fn remove(&self, number: u64) {
        let mut inner = self.lock();
        inner.commands.remove(&number);
        inner.wake();
    }

    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        inner.wake();
        self.answered.notify_all();
    }

    pub(super) fn ask(self: &Arc<Self>, number: u64) -> State {
        let now = Instant::now();
        let mut inner = self.lock();
        let is_closed = inner.is_closed;
        let Some(entry) = inner.commands.get_mut(&number).filter(|_| !is_closed) else {
            return State::default();
        };
        let was_wanted = entry.schedule.is_wanted(now);
        entry.schedule.ask(now);
        let is_due = entry.phase == Phase::Idle && entry.schedule.is_due(now);
        // Otherwise the thread is awake in time by itself.
        if (is_due || !was_wanted) && !inner.wake() {
            self.begin(&mut inner);
        }
        inner.state(number, now)
    }

    /// Waits until nothing is on its way.
    pub(super) fn wait(&self, number: u64, until: Instant) -> State {
        let mut inner = self.lock();
        loop {
            let now = Instant::now();
            let state = inner.state(number, now);
            if !state.is_pending || inner.is_closed || now >= until {
                return state;
            }
            let waited = self.answered.wait_timeout(inner, until - now);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Starts the thread. If there is none to be had, that is what is wrong with what is due.
    fn begin(self: &Arc<Self>, inner: &mut Inner) {
        const STACK: usize = 128 * 1024;
        let started = UnixStream::pair().and_then(|(waker, woken)| {
            waker.set_nonblocking(true)?;
            woken.set_nonblocking(true)?;
            let supervisor = Supervisor {
                shared: self.clone(),
                woken,
                runs: BTreeMap::new(),
            };
            let builder = thread::Builder::new().name("commands".to_owned());
            builder.stack_size(STACK).spawn(move || supervisor.run())?;
            Ok(waker)
        });
        match started {
            Ok(waker) => inner.waker = Some(waker),
            Err(cause) => {
                let failure = Failure::NoThread(cause.to_string());
                let now = Instant::now();
                for entry in inner.commands.values_mut() {
                    if entry.schedule.is_due(now) {
                        entry.fail(&failure, now);
                    }
                }
            }
        }
    }
}

impl Inner {
    /// Wakes the thread. False if there is none.
    fn wake(&self) -> bool {
        let Some(mut waker) = self.waker.as_ref() else {
            return false;
        };
        // If there is no room, it has been woken often enough.
        let _ = waker.write(&[0]);
        true
    }

    fn state(&self, number: u64, now: Instant) -> State {
        let Some(entry) = self.commands.get(&number) else {
            return State::default();
        };
        let mut state = entry.state.clone();
        state.is_pending = match entry.phase {
            Phase::Idle => entry.schedule.is_due(now),
            Phase::Begun => true,
            Phase::Answered => false,
        };
        state
    }
}

impl Entry {
    fn succeed(&mut self, bytes: Vec<u8>) {
        self.schedule.succeed();
        self.phase = Phase::Answered;
        let output = Output {
            bytes: bytes.into(),
            stamp: Stamp::now(),
        };
        self.state.previous = mem::replace(&mut self.state.output, Some(output));
        self.state.problem = None;
        self.state.answers += 1;
    }

    fn fail(&mut self, failure: &Failure, now: Instant) {
        self.schedule.fail(now);
        self.phase = match self.phase {
            Phase::Idle => Phase::Idle,
            _ => Phase::Answered,
        };
        self.state.problem = Some(failure.to_string().into());
        self.state.answers += 1;
    }
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
