//! The runs of the command of an alert, one at a time.

use std::{
    collections::VecDeque, env, ffi::OsString, fmt::Display, future::pending,
    os::unix::net::UnixStream, path::PathBuf, time::Duration,
};

use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use sampled::custom::command::{Command, Program, RunError, run_once};

use crate::cli::{
    common_options::SUBREAPER, error::Error, output::format::note, signals::TerminationSignals,
};

use super::{AlertOptions, event::Event};

/// The most crossings that wait for the command. Beyond it, the oldest is left out.
const MAX_WAITING: usize = 64;

/// The timeout for the end of a run, which takes two seconds after SIGTERM. Its subreaper ends it anyway.
const END_TIMEOUT: Duration = Duration::from_secs(4);

/// The command, its run, and the crossings that wait for one.
pub(super) struct Runs {
    command: Vec<OsString>,
    directory: PathBuf,
    timeout: Duration,
    waiting: VecDeque<Event>,
    running: Option<Running>,
}

/// A run. It ends when `stop` is dropped.
struct Running {
    id: String,
    task: JoinHandle<Result<(), RunError>>,
    stop: UnixStream,
}

impl Runs {
    pub(super) fn new(options: &AlertOptions) -> Result<Self, Error> {
        let kernel = |what| move |cause| Error::Kernel { what, cause };
        Ok(Self {
            command: options.command.clone(),
            directory: env::current_dir().map_err(kernel("working directory"))?,
            timeout: options.timeout,
            waiting: VecDeque::new(),
            running: None,
        })
    }

    /// Whether nothing runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// Runs the command for a crossing, after those that came before.
    pub(super) fn push(&mut self, event: Event) {
        if self.waiting.len() >= MAX_WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            let id = oldest.crossing.id;
            note(format_args!(
                "{id}: left out, because {MAX_WAITING} alerts wait for the command"
            ));
        }
        self.waiting.push_back(event);
        self.begin_next();
    }

    /// Waits for the end of the run, if there is one, and begins the next. Cancel safe.
    pub(super) async fn next_end(&mut self) {
        let Some(running) = &mut self.running else {
            return pending().await;
        };
        let id = running.id.clone();
        let ended = (&mut running.task).await;
        self.running = None;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => report(&id, failure),
            Err(failure) => report(&id, failure),
        }
        self.begin_next();
    }

    /// Ends the run, and waits until no process of it is left, or until another signal arrives.
    pub(super) async fn stop(mut self, signals: &mut TerminationSignals) {
        if let Some(Running { task, stop, .. }) = self.running.take() {
            drop(stop);
            signals.or(timeout(END_TIMEOUT, task)).await;
        }
    }

    fn begin_next(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(event) = self.waiting.pop_front() else {
            return;
        };
        let (stop, stopped) = match UnixStream::pair() {
            Ok(pair) => pair,
            Err(cause) => return report(&event.crossing.id, cause),
        };
        let command = Command {
            timeout: Some(self.timeout),
            environment: event.variables(),
            directory: Some(self.directory.clone()),
            ..Command::new(Program::Argv(self.command.clone()))
        };
        let task = spawn_blocking(move || run_once(SUBREAPER.as_ref(), command, stopped));
        self.running = Some(Running {
            id: event.crossing.id,
            task,
            stop,
        });
    }
}

fn report(id: &str, failure: impl Display) {
    note(format_args!("{id}: {failure}"));
}
