//! Commands as sensors: programs of the user that say something now and then, or all the time.
//!
//! A [`Runner`] runs [`Command`]s while somebody wants what they say, and a [`Handle`] has the last
//! [`Output`]. Asking never blocks. Each run has a guard, a small process of its own (a [`subreaper`]), which
//! sees to it that nothing of the run is left: not when the time is up, not when the command has put
//! children into the background, and not when the process that wanted it is killed.

mod alarm;
mod children;
mod environment;
pub mod exec;
mod failure;
mod invocation;
mod orphans;
mod pid_stat;
mod pipe;
mod run;
mod runner;
mod schedule;
mod shared;
pub mod subreaper;
mod supervisor;

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::reading::Stamp;
pub use runner::{Handle, Runner};

/// How much a command may say at once, in bytes: a run, or a line of one that writes lines.
pub const LIMIT: usize = 64 * 1024;

/// After SIGTERM a command has so long until SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// What is run, how often, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub program: Program,
    /// From the start of one run to the start of the next, while somebody asks. Where the command
    /// writes lines: how long it is left alone at least after it has ended.
    pub interval: Duration,
    /// How long a run may take, or how long one that writes lines may be silent. None is for as long
    /// as somebody asks.
    pub timeout: Option<Duration>,
    /// Whether it runs all the time, and each line that it writes is an output.
    pub lines: bool,
    /// Variables beyond those that every command has, or in place of them.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it runs: the user's home if none, and `/` if that is not there.
    pub directory: Option<PathBuf>,
}

/// What is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program, which is looked for in PATH if its name has no slash, and its arguments. No shell.
    Argv(Vec<OsString>),
    /// A text for `/bin/sh -c`.
    Shell(OsString),
}

impl Command {
    /// A program that is run every ten seconds and may take five.
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

    /// What it is called in a message: the program, or the shell.
    fn name(&self) -> String {
        match &self.program {
            Program::Argv(argv) => argv.first().map(|name| name.to_string_lossy().into_owned()),
            Program::Shell(_) => None,
        }
        .unwrap_or_else(|| "/bin/sh".to_owned())
    }
}

/// What a command has said at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// All of its standard output, or one line without its end. Any bytes.
    pub bytes: Arc<[u8]>,
    /// When the last of it was there: when the run was over, or the line read.
    pub stamp: Stamp,
}

/// What is known of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The last output. It stays when a later run fails: see [`State::problem`] and its stamp.
    pub output: Option<Output>,
    /// The output before that, for a rate.
    pub previous: Option<Output>,
    /// Whether an answer is on its way: it runs, and has not been found to fail. Of one that writes
    /// lines: it has not written one yet.
    pub is_pending: bool,
    /// What was wrong with the last run, for a person: `exited with status 3: no route to host`. None
    /// if it went well, or if there was none yet.
    pub problem: Option<Arc<str>>,
    /// How many outputs and failures there were: another number is something new.
    pub answers: u64,
}

/// The moment so long after another.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "every duration that comes here is limited to a year, and a clock can tell that moment"
)]
fn after(moment: Instant, time: Duration) -> Instant {
    moment + time
}
