//! Commands as sensors: programs of the user that write values, once per run or continuously.
//!
//! A [`Runner`] runs [`Command`]s while somebody asks for their output, and a [`Handle`] has the last [`Output`].
//! Asking never blocks. Each run has a [`subreaper`], a small process that ends all processes of the run: at the
//! timeout, when the command has left children in the background, and when the service is killed.
//!
//! - `runner`: the requests for outputs, and the thread that supervises all runs.
//! - `once`: one run for a program that waits for its end.
//! - `run`: one run, seen from the service: its environment, its output, and its orphans.
//! - [`subreaper`]: the process between the service and a command, and the execution of the command in it.

mod failure;
mod once;
mod pid_stat;
mod run;
mod runner;
pub mod subreaper;

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::reading::Stamp;
pub use once::{RunError, run_once};
pub use runner::{Handle, Runner};

/// The most bytes of one output: of a run, or of one line of a command that writes lines.
pub const LIMIT: usize = 64 * 1024;

/// The time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// A command, its interval and its timeout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub program: Program,
    /// The time from the start of one run to the start of the next, while somebody asks. For a command that writes
    /// lines: the least pause after it has ended.
    pub interval: Duration,
    /// The longest time of a run; for a command that writes lines, the longest time without a line. `None` is no
    /// limit while somebody asks.
    pub timeout: Option<Duration>,
    /// Whether it runs continuously, and each line is an output.
    pub lines: bool,
    /// Variables that are added to those of every command, or replace them.
    pub environment: Vec<(OsString, OsString)>,
    /// The working directory. `None` is the user's home. A directory that does not exist is replaced by `/`.
    pub directory: Option<PathBuf>,
}

/// The program to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program and its arguments, without a shell. A name without a slash is looked up in PATH.
    Argv(Vec<OsString>),
    /// A text for `/bin/sh -c`.
    Shell(OsString),
}

impl Command {
    /// A command with an interval of ten seconds and a timeout of five.
    pub fn new(program: Program) -> Self {
        Self {
            program,
            interval: Duration::from_secs(10),
            timeout: Some(Duration::from_secs(5)),
            lines: false,
            environment: Vec::new(),
            directory: None,
        }
    }

    /// The name of the program or the shell, for messages.
    fn name(&self) -> String {
        match &self.program {
            Program::Argv(argv) => argv.first().map(|name| name.to_string_lossy().into_owned()),
            Program::Shell(_) => None,
        }
        .unwrap_or_else(|| "/bin/sh".to_owned())
    }
}

/// One output of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The whole standard output of a run, or one line without its newline. Any bytes.
    pub bytes: Arc<[u8]>,
    /// The time of the end of the run, or of reading the line.
    pub stamp: Stamp,
}

/// The outputs and problems of a command so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandState {
    /// The last output. It stays when a later run fails: see [`CommandState::problem`] and its stamp.
    pub output: Option<Output>,
    /// The output before that, for a rate.
    pub previous: Option<Output>,
    /// Whether an answer is on its way: the command runs and has not failed. A command that writes lines is pending
    /// until its first line.
    pub is_pending: bool,
    /// The failure of the last run, for people: `exited with status 3: no route to host`. `None` after a success, or
    /// before the first run.
    pub problem: Option<Arc<str>>,
    /// Counts outputs and failures.
    pub answers: u64,
}

/// The moment `time` after another.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "every duration that comes here is limited to a year, and a clock can tell that moment"
)]
fn after(moment: Instant, time: Duration) -> Instant {
    moment + time
}
