//! The commands and their outputs: the state that the runner, its handles and the supervisor share.

use std::{
    collections::BTreeMap,
    io::Write,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::schedule::Schedule;
use crate::{
    custom::command::{Command, CommandState, Output, failure::Failure},
    reading::Stamp,
    source::pool::Pool,
};

/// The state that the runner, its handles and the supervisor share.
pub(super) struct RunnerState {
    pub(super) subreaper: PathBuf,
    pub(super) pool: Pool,
    inner: Mutex<Commands>,
    pub(super) answered: Condvar,
}

/// The timeout of a dropped runner that waits for its supervisor. It is less than a second: two seconds after a signal
/// the service stops waiting for the bus, and after three SIGALRM kills it.
pub(super) const CLOSE: Duration = Duration::from_millis(800);

/// The commands, under the lock.
pub(super) struct Commands {
    pub(super) on_answer: Option<Arc<dyn Fn() + Send + Sync>>,
    /// By number. A number is not used again, because the last run of a removed command may not be over.
    pub(super) commands: BTreeMap<u64, CommandEntry>,
    added: u64,
    /// Wakes the supervisor. `None` while there is none.
    pub(super) waker: Option<UnixStream>,
    pub(super) is_closed: bool,
    /// Whether the supervisor has told all runs to end, and they end without help, or the timeout is over.
    pub(super) is_ended: bool,
}

/// A command, its schedule and its outputs.
pub(super) struct CommandEntry {
    pub(super) command: Arc<Command>,
    pub(super) schedule: Schedule,
    state: CommandState,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    /// It runs, and has not answered yet.
    Begun,
    /// It has answered, or was told to end.
    Answered,
}

type Held<'a> = MutexGuard<'a, Commands>;

impl RunnerState {
    pub(super) fn new(subreaper: PathBuf, pool: Pool) -> Self {
        Self {
            subreaper,
            pool,
            inner: Mutex::new(Commands {
                on_answer: None,
                commands: BTreeMap::new(),
                added: 0,
                waker: None,
                is_closed: false,
                is_ended: false,
            }),
            answered: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> Held<'_> {
        // No holder of the lock panics between two changes that belong together.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, command: Command) -> u64 {
        let mut inner = self.lock();
        inner.added = inner.added.saturating_add(1);
        let number = inner.added;
        let entry = CommandEntry {
            schedule: Schedule::new(command.interval, command.lines),
            command: Arc::new(command),
            state: CommandState::default(),
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

    /// Ends all commands, and waits until they end without help: this process may exit next, and then no process kills
    /// the one that stops a subreaper.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        let has_thread = inner.wake();
        self.answered.notify_all();
        if has_thread {
            let is_not_ended = |inner: &mut Commands| !inner.is_ended;
            let waited = self.answered.wait_timeout_while(inner, CLOSE, is_not_ended);
            drop(waited);
        }
    }

    /// Waits until no answer is pending, or until a deadline. `None` is no deadline.
    pub(super) fn wait(&self, number: u64, until: Option<Instant>) -> CommandState {
        let mut inner = self.lock();
        loop {
            let now = Instant::now();
            let state = inner.state(number, now);
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(now));
            if !state.is_pending || inner.is_closed || left.is_zero() {
                return state;
            }
            let waited = self.answered.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Notes that the supervisor has panicked. The next request starts another.
    pub(super) fn abandon(&self, failure: &Failure) {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.waker = None;
        for entry in inner.commands.values_mut() {
            if entry.phase != Phase::Idle {
                entry.fail(failure, now);
                entry.phase = Phase::Idle;
            }
        }
        drop(inner);
        self.answered.notify_all();
    }
}

impl Commands {
    /// Wakes the supervisor. Returns false if there is none.
    pub(super) fn wake(&self) -> bool {
        let Some(mut waker) = self.waker.as_ref() else {
            return false;
        };
        // A full socket wakes it, too.
        let _ = waker.write(&[0]);
        true
    }

    pub(super) fn state(&self, number: u64, now: Instant) -> CommandState {
        let Some(entry) = self.commands.get(&number) else {
            return CommandState::default();
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

impl CommandEntry {
    pub(super) fn succeed(&mut self, bytes: Vec<u8>) {
        self.schedule.succeed();
        self.phase = Phase::Answered;
        let output = Output {
            bytes: bytes.into(),
            stamp: Stamp::now(),
        };
        self.state.previous = self.state.output.replace(output);
        self.state.problem = None;
        self.state.answers = self.state.answers.saturating_add(1);
    }

    pub(super) fn fail(&mut self, failure: &Failure, now: Instant) {
        self.schedule.fail(now);
        self.phase = match self.phase {
            Phase::Idle => Phase::Idle,
            _ => Phase::Answered,
        };
        self.state.problem = Some(failure.to_string().into());
        self.state.answers = self.state.answers.saturating_add(1);
    }
}
