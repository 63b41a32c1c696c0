//! Requests for the outputs of commands. A request starts the supervisor if there is none.
//!
//! - `supervisor`: the thread that starts and ends all runs. `schedule`: the times of the runs.
//! - `state`: the state that the runner, its handles and the thread share.

mod schedule;
mod state;
mod supervisor;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Command, CommandState, failure::Failure};
use crate::source::pool::Pool;
use state::{Commands, Phase, RunnerState};

/// Runs commands. It has no thread while nobody asks.
///
/// When it is dropped, all commands end. It does not wait for their end, which the subreapers bring about.
pub struct Runner {
    shared: Arc<RunnerState>,
}

impl Runner {
    /// A runner that starts this program with the first argument `guard` as the subreaper of each run. The program
    /// calls [`subreaper::main`](super::subreaper::main) before anything else. `/proc/self/exe` is this process's
    /// own program.
    pub fn new(subreaper: impl Into<PathBuf>) -> Self {
        Self::on_pool(subreaper, &Pool::new())
    }

    /// A runner that takes its thread from this pool.
    pub(crate) fn on_pool(subreaper: impl Into<PathBuf>, pool: &Pool) -> Self {
        Self {
            shared: Arc::new(RunnerState::new(subreaper.into(), pool.clone())),
        }
    }

    /// Sets a function that the supervisor calls after each output and each failure, in place of an earlier one. The
    /// function must not block: all commands wait for it.
    pub fn on_answer(&self, call: impl Fn() + Send + Sync + 'static) {
        self.shared.lock().on_answer = Some(Arc::new(call));
    }

    /// Adds a command. It does not run before the first [`Handle::ask`].
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

/// A command of a runner. The command ends when its handle is dropped.
pub struct Handle {
    number: u64,
    shared: Arc<RunnerState>,
}

impl Handle {
    /// Returns the state of the command, and counts as a request for its output. Never blocks.
    ///
    /// A request starts a run if the last run began an interval ago. Repeated requests make the command run in every
    /// interval, until there was no request for three intervals, and for ten seconds at least. A command that writes
    /// lines runs for as long.
    pub fn ask(&self) -> CommandState {
        let now = Instant::now();
        let mut inner = self.shared.lock();
        let is_closed = inner.is_closed;
        let Some(entry) = inner.commands.get_mut(&self.number).filter(|_| !is_closed) else {
            return CommandState::default();
        };
        let was_wanted = entry.schedule.is_wanted(now);
        entry.schedule.ask(now);
        let is_due = entry.phase == Phase::Idle && entry.schedule.is_due(now);
        // Otherwise the supervisor wakes up in time by itself.
        if (is_due || !was_wanted) && !inner.wake() {
            start(&self.shared, &mut inner);
        }
        inner.state(self.number, now)
    }

    /// Returns the state of the command, without a request for its output.
    pub(crate) fn state(&self) -> CommandState {
        self.shared.lock().state(self.number, Instant::now())
    }

    /// Asks, and waits for a pending answer, up to the timeout.
    pub fn wait(&self, timeout: Duration) -> CommandState {
        let until = Instant::now().checked_add(timeout);
        self.ask();
        self.shared.wait(self.number, until)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.remove(self.number);
    }
}

/// Starts the supervisor. If its thread cannot be started, all commands that are due fail with that cause.
fn start(shared: &Arc<RunnerState>, inner: &mut Commands) {
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
