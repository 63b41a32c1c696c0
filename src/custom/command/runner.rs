//! Who asks for what commands say: starts the thread that runs them, if there is none.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Command, State,
    failure::Failure,
    shared::{Inner, Phase, Shared},
    supervisor,
};
use crate::source::pool::Pool;

/// What runs commands: one for a process. It has no thread while nobody asks.
///
/// When it is dropped, all commands end. Nobody waits for them: the guards see to it.
pub struct Runner {
    shared: Arc<Shared>,
}

impl Runner {
    /// A runner whose guards are this program, called with `guard` as its first argument: it is to call
    /// [`subreaper::main`](super::subreaper::main) before anything else. `/proc/self/exe` in a program that does.
    pub fn new(guard: impl Into<PathBuf>) -> Self {
        Self::on_pool(guard, &Pool::new())
    }

    /// The same, with its thread from this pool.
    pub(crate) fn on_pool(guard: impl Into<PathBuf>, pool: &Pool) -> Self {
        Self {
            shared: Arc::new(Shared::new(guard.into(), pool.clone())),
        }
    }

    /// Has `call` called after each output and each failure, on the thread of the runner: it is to be
    /// quick, and to wake whoever waits. In place of an earlier one.
    pub fn on_answer(&self, call: impl Fn() + Send + Sync + 'static) {
        self.shared.lock().on_answer = Some(Arc::new(call));
    }

    /// Adds a command, which is not run before it is asked for.
    pub fn add(&self, command: Command) -> Handle {
        Handle {
            number: self.shared.add(command),
            shared: self.shared.clone(),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// A command. When this is dropped, the command ends, whatever it does.
pub struct Handle {
    number: u64,
    shared: Arc<Shared>,
}

impl Handle {
    /// What the command has said; and that somebody wants to know. Never blocks.
    ///
    /// If the last run was an interval ago, this starts another. Who asks again and again has it run
    /// every interval, until nobody has asked for three intervals, and ten seconds at least. One
    /// that writes lines runs for as long.
    pub fn ask(&self) -> State {
        let now = Instant::now();
        let mut inner = self.shared.lock();
        let is_closed = inner.is_closed;
        let Some(entry) = inner.commands.get_mut(&self.number).filter(|_| !is_closed) else {
            return State::default();
        };
        let was_wanted = entry.schedule.is_wanted(now);
        entry.schedule.ask(now);
        let is_due = entry.phase == Phase::Idle && entry.schedule.is_due(now);
        // Otherwise the thread is awake in time by itself.
        if (is_due || !was_wanted) && !inner.wake() {
            start(&self.shared, &mut inner);
        }
        inner.state(self.number, now)
    }

    /// What the command has said. Nobody need want to know.
    pub(crate) fn state(&self) -> State {
        self.shared.lock().state(self.number, Instant::now())
    }

    /// Asks, and waits for the answer that is on its way, if there is one, at most so long.
    pub fn wait(&self, patience: Duration) -> State {
        let until = Instant::now().checked_add(patience);
        self.ask();
        self.shared.wait(self.number, until)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.remove(self.number);
    }
}

/// Starts the thread. If there is none to be had, that is what is wrong with what is due.
fn start(shared: &Arc<Shared>, inner: &mut Inner) {
    match supervisor::start(shared.clone()) {
        Ok(waker) => inner.waker = Some(waker),
        Err(cause) => {
            let failure = Failure::NoThread(cause);
            let now = Instant::now();
            let due = inner.commands.values_mut();
            for entry in due.filter(|entry| entry.schedule.is_due(now)) {
                entry.fail(&failure, now);
            }
        }
    }
}
