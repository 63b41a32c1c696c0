//! What is known of the commands, to those who ask and to the thread that runs them.

use std::{
    collections::BTreeMap,
    io::Write,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Command, Output, State, failure::Failure, schedule::Schedule};
use crate::{reading::Stamp, source::pool::Pool};

/// What the runner, the handles and the thread have in common.
pub(super) struct Shared {
    pub(super) guard: PathBuf,
    pub(super) pool: Pool,
    inner: Mutex<Inner>,
    pub(super) answered: Condvar,
}

/// How long a runner that is dropped waits for its thread.
const CLOSE: Duration = Duration::from_millis(300);

pub(super) struct Inner {
    pub(super) on_answer: Option<Arc<dyn Fn() + Send + Sync>>,
    /// By number, which none gets that an earlier one had: its last run may not be over.
    pub(super) commands: BTreeMap<u64, Entry>,
    added: u64,
    /// Wakes the thread, if there is one.
    pub(super) waker: Option<UnixStream>,
    pub(super) is_closed: bool,
    /// Whether the thread has seen that, and all guards can end what they guard.
    pub(super) is_ended: bool,
}

/// A command, and what is known of it.
pub(super) struct Entry {
    pub(super) command: Arc<Command>,
    pub(super) schedule: Schedule,
    state: State,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    /// It runs, and has said nothing yet.
    Begun,
    /// It has said something, or is on its way out.
    Answered,
}

type Held<'a> = MutexGuard<'a, Inner>;

impl Shared {
    pub(super) fn new(guard: PathBuf, pool: Pool) -> Self {
        Self {
            guard,
            pool,
            inner: Mutex::new(Inner {
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
        // Nothing panics under the lock that leaves this in disorder.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, command: Command) -> u64 {
        let mut inner = self.lock();
        inner.added = inner.added.saturating_add(1);
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

    /// Ends all commands, and waits until their guards see to it: this process may end next, and then nobody kills
    /// what stops a guard.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        let has_thread = inner.wake();
        self.answered.notify_all();
        if has_thread {
            let is_not_ended = |inner: &mut Inner| !inner.is_ended;
            let waited = self.answered.wait_timeout_while(inner, CLOSE, is_not_ended);
            drop(waited);
        }
    }

    /// Waits until nothing is on its way; for ever where there is no moment until which.
    pub(super) fn wait(&self, number: u64, until: Option<Instant>) -> State {
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

    /// The thread has panicked: another is started when somebody asks.
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

impl Inner {
    /// Wakes the thread. False if there is none.
    pub(super) fn wake(&self) -> bool {
        let Some(mut waker) = self.waker.as_ref() else {
            return false;
        };
        // If there is no room, it has been woken often enough.
        let _ = waker.write(&[0]);
        true
    }

    pub(super) fn state(&self, number: u64, now: Instant) -> State {
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
