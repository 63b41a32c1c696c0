//! A reader: a file or a command, and the metrics that are found in what it says.

mod columns;
mod file;
mod kernel_file;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::errno::Errno;

use crate::{
    custom::command::{self, Handle, Output},
    metric::Metric,
    reading::{Raw, Stamp},
    source::{
        About, Deferred, Error, Source,
        offload::{Offload, Offloadable, SourceQueue},
    },
};

use super::{
    NAME,
    definition::{Command, Definition, Origin, Path, Reader},
    shared::Shared,
};
use columns::Columns;

/// A member of the family.
pub(super) struct Member {
    shared: Arc<Shared>,
    file: Arc<str>,
    name: String,
    reader: Reader,
    columns: Arc<Columns>,
    ids: Vec<Arc<str>>,
    seen: u64,
    read: Read,
}

/// How it is read.
enum Read {
    File(Box<Offload<File>>),
    Command(Option<Run>),
    /// The store makes the readings of expressions of those of others.
    Nothing,
}

/// The first reading of a file is waited for as long.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A command that is run as it was defined last.
struct Run {
    command: command::Command,
    handle: Handle,
}

impl Member {
    pub(super) fn new(shared: Arc<Shared>, file: Arc<str>, reader: Reader) -> Self {
        let columns = Arc::new(Columns::new(shared.clone(), file.clone()));
        let read = match &reader {
            Reader::File(path) => {
                // The kernel answers for its own files; who answers for others is not known.
                let is_kernel = !path.is_pattern() && kernel_file::is_one(&path.0);
                let may_hang = !is_kernel;
                let source = File {
                    path: path.clone(),
                    is_kernel,
                    columns: columns.clone(),
                };
                let place = shared.place(std::path::Path::new(&path.0));
                let place = place.to_string_lossy();
                let queue = SourceQueue::new(&shared.pool, place, may_hang).with_timeout(TIMEOUT);
                Read::File(Box::new(Offload::new(&queue, source)))
            }
            Reader::Command(_) => Read::Command(None),
            Reader::Expressions => Read::Nothing,
        };
        Self {
            name: format!("{NAME}/{file}"),
            shared,
            file,
            reader,
            columns,
            ids: Vec::new(),
            seen: 0,
            read,
        }
    }

    /// Has the command run that is defined now, if there is one.
    fn arrange(&mut self, definitions: &[Arc<Definition>]) {
        let Read::Command(run) = &mut self.read else {
            return;
        };
        let defined = definitions
            .first()
            .and_then(|definition| command(definition));
        match defined {
            Some(command) if run.as_ref().is_some_and(|run| run.command == command.run) => {}
            Some(command) => {
                *run = Some(Run {
                    handle: self.shared.runner().add(command.run.clone()),
                    command: command.run.clone(),
                });
            }
            None => *run = None,
        }
    }
}

fn command(definition: &Definition) -> Option<&Command> {
    match &definition.origin {
        Origin::Command { command, .. } => Some(command),
        _ => None,
    }
}

impl Source for Member {
    fn about(&self) -> About<'_> {
        About::new(&self.name, &["*/*/*"]).defined()
    }

    fn may_have(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        self.ids.iter().any(|id| is_meant(id))
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.seen = self.shared.loads();
        let definitions = self.shared.definitions(&self.file, &self.reader);
        self.arrange(&definitions);
        let metrics = self.columns.arrange(&definitions);
        self.ids = metrics.iter().map(|metric| metric.id.clone()).collect();
        Ok(metrics)
    }

    fn changed(&self) -> bool {
        self.shared.loads() != self.seen
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        match &mut self.read {
            Read::File(source) => {
                let mut read = source.read(columns);
                // What was read for other definitions than those of now is no answer for these.
                if read.is_ok() && columns.pop() != Some(self.columns.current().mark()) {
                    columns.clear();
                    read = Err(Error::io(self.reader.path(), Errno::ETIMEDOUT.into()));
                }
                read
            }
            Read::Command(Some(run)) => {
                let state = run.handle.ask();
                let output = state.output.as_ref();
                let is_current = output.is_some_and(|output| run.is_current(&state, output));
                self.columns.of_command(is_current, &state, columns);
                Ok(())
            }
            // Nothing is defined that it could be read for.
            Read::Command(None) | Read::Nothing => Ok(()),
        }
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

impl Deferred for Member {
    fn begin(&mut self, since: Duration) {
        match &mut self.read {
            Read::File(source) => source.begin(since),
            Read::Command(Some(run)) => drop(run.handle.ask()),
            Read::Command(None) | Read::Nothing => {}
        }
    }

    fn awaited_until(&self) -> Option<Instant> {
        match &self.read {
            Read::File(source) => source.awaited_until(),
            Read::Command(_) | Read::Nothing => None,
        }
    }

    fn is_awaited(&self) -> bool {
        match &self.read {
            Read::Command(run) => run.as_ref().is_some_and(Run::is_awaited),
            Read::File(_) | Read::Nothing => false,
        }
    }
}

impl Run {
    /// Whether it will answer, and what it has answered is not what it says now.
    fn is_awaited(&self) -> bool {
        let state = self.handle.state();
        let output = state.output.as_ref();
        state.is_pending && !output.is_some_and(|output| self.is_current(&state, output))
    }

    /// Whether what it has said last is what it says now: nobody may have asked for long.
    fn is_current(&self, state: &command::State, output: &Output) -> bool {
        if self.command.lines {
            return !state.is_pending;
        }
        let age = Stamp::now().boottime.saturating_sub(output.stamp.boottime);
        // The next output may take as long as it is given, after the run before it.
        let given = self.command.timeout.unwrap_or_default();
        age <= self
            .command
            .interval
            .saturating_mul(2)
            .saturating_add(given)
    }
}

/// The file itself, which a guard may have read elsewhere.
struct File {
    path: Path,
    /// Whether it is one of procfs or sysfs, and nothing else may be read in its place.
    is_kernel: bool,
    columns: Arc<Columns>,
}

impl Source for File {
    fn about(&self) -> About<'_> {
        About::new(NAME, &[])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        Ok(Vec::new())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = match self.is_kernel {
            true => file::read_kernel(&self.path),
            false => file::read(&self.path),
        };
        let text = text.inspect_err(|_| self.columns.forget())?;
        self.columns.of_file(&text, columns);
        Ok(())
    }
}

impl Offloadable for File {
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    fn path(&self) -> PathBuf {
        self.path.0.clone().into()
    }
}
