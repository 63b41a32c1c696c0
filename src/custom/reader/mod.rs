//! A reader: a file or a command, and the metrics in its text.

mod age;
mod columns;
mod file;
mod kernel_file;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use nix::{errno::Errno, time::ClockId};

use crate::{
    custom::command::{self, Handle, Output},
    metric::Metric,
    reading::{Raw, Stamp, clock},
    source::{
        About, Deferred, Error, Source,
        offload::{Offload, Offloadable, SourceQueue},
    },
};

use super::{
    NAME,
    definition::{Command, Definition, Path, Reader, ValueOrigin},
    registry::Registry,
};
use age::Age;
use columns::Columns;

/// A member of the family.
pub(super) struct Member {
    registry: Arc<Registry>,
    file: Arc<str>,
    name: String,
    reader: Reader,
    columns: Arc<Columns>,
    ids: Vec<Arc<str>>,
    seen: u64,
    read: ReadMethod,
}

/// The way to read it.
enum ReadMethod {
    File(Box<Offload<FileSource>>),
    Command(Option<RunningCommand>),
    /// Expressions: the store computes them from other metrics.
    Nothing,
}

/// The timeout of the first reading of a file.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A command, as its last definition says.
struct RunningCommand {
    command: command::Command,
    handle: Handle,
}

impl Member {
    pub(super) fn new(registry: Arc<Registry>, file: Arc<str>, reader: Reader) -> Self {
        let columns = Arc::new(Columns::new(registry.clone(), file.clone()));
        let read = match &reader {
            Reader::File(path) => {
                // procfs and sysfs answer at once; the file system of another path may hang.
                let is_kernel = !path.is_pattern() && kernel_file::is_one(&path.0);
                let may_hang = !is_kernel;
                let source = FileSource {
                    path: path.clone(),
                    is_kernel,
                    columns: columns.clone(),
                    age: Age::default(),
                };
                let place = registry.place(std::path::Path::new(&path.0));
                let place = place.to_string_lossy();
                let queue = SourceQueue::new(&registry.pool, place, may_hang).with_timeout(TIMEOUT);
                ReadMethod::File(Box::new(Offload::new(&queue, source)))
            }
            Reader::Command(_) => ReadMethod::Command(None),
            Reader::Expressions => ReadMethod::Nothing,
        };
        Self {
            name: format!("{NAME}/{file}"),
            registry,
            file,
            reader,
            columns,
            ids: Vec::new(),
            seen: 0,
            read,
        }
    }

    /// Takes the command that is defined now, in place of an earlier one.
    fn arrange(&mut self, definitions: &[Arc<Definition>]) {
        let ReadMethod::Command(run) = &mut self.read else {
            return;
        };
        let defined = definitions
            .first()
            .and_then(|definition| command(definition));
        match defined {
            Some(command) if run.as_ref().is_some_and(|run| run.command == command.run) => {}
            Some(command) => {
                *run = Some(RunningCommand {
                    handle: self.registry.runner().add(command.run.clone()),
                    command: command.run.clone(),
                });
            }
            None => *run = None,
        }
    }
}

fn command(definition: &Definition) -> Option<&Command> {
    match &definition.origin {
        ValueOrigin::Command { command, .. } => Some(command),
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
        self.seen = self.registry.loads();
        let definitions = self.registry.definitions(&self.file, &self.reader);
        self.arrange(&definitions);
        let metrics = self.columns.arrange(&definitions);
        self.ids = metrics.iter().map(|metric| metric.id.clone()).collect();
        Ok(metrics)
    }

    fn changed(&self) -> bool {
        self.registry.loads() != self.seen
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        match &mut self.read {
            ReadMethod::File(source) => {
                let mut read = source.read(columns);
                // The columns of an earlier layout are no answer for the current definitions.
                if read.is_ok() && columns.pop() != Some(self.columns.current().generation()) {
                    columns.clear();
                    read = Err(Error::io(self.reader.path(), Errno::ETIMEDOUT.into()));
                }
                read
            }
            ReadMethod::Command(Some(run)) => {
                let state = run.handle.ask();
                let output = state.output.as_ref();
                let is_current = output.is_some_and(|output| run.is_current(&state, output));
                self.columns.of_command(is_current, &state, columns);
                Ok(())
            }
            // No metric is defined.
            ReadMethod::Command(None) | ReadMethod::Nothing => Ok(()),
        }
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

impl Deferred for Member {
    fn begin(&mut self, since: Duration) {
        match &mut self.read {
            ReadMethod::File(source) => source.begin(since),
            ReadMethod::Command(Some(run)) => drop(run.handle.ask()),
            ReadMethod::Command(None) | ReadMethod::Nothing => {}
        }
    }

    fn awaited_until(&self) -> Option<Instant> {
        match &self.read {
            ReadMethod::File(source) => source.awaited_until(),
            ReadMethod::Command(_) | ReadMethod::Nothing => None,
        }
    }

    fn is_awaited(&self) -> bool {
        match &self.read {
            ReadMethod::Command(run) => run.as_ref().is_some_and(RunningCommand::is_awaited),
            ReadMethod::File(_) | ReadMethod::Nothing => false,
        }
    }
}

impl RunningCommand {
    /// Whether an answer is on its way while the last output is out of date.
    fn is_awaited(&self) -> bool {
        let state = self.handle.state();
        let output = state.output.as_ref();
        state.is_pending && !output.is_some_and(|output| self.is_current(&state, output))
    }

    /// Whether the last output is recent: without requests, the command has not run for a while.
    fn is_current(&self, state: &command::CommandState, output: &Output) -> bool {
        if self.command.lines {
            return !state.is_pending;
        }
        let age = Stamp::now().boottime.saturating_sub(output.stamp.boottime);
        // The next run starts an interval after the last one, and may take its timeout.
        let timeout = self.command.timeout.unwrap_or_default();
        age <= self
            .command
            .interval
            .saturating_mul(2)
            .saturating_add(timeout)
    }
}

/// The file as a source, which the guard may read on the blocking pool.
struct FileSource {
    path: Path,
    /// Whether it is a file of procfs or sysfs. Then no file of another file system is read in its place.
    is_kernel: bool,
    columns: Arc<Columns>,
    age: Age,
}

impl Source for FileSource {
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
        let text = text.inspect_err(|_| self.columns.clear_problems())?;
        let now = (SystemTime::now(), clock(ClockId::CLOCK_BOOTTIME));
        let age = text.modified.map(|modified| self.age.of(modified, now));
        self.columns.of_file(&text.bytes, age, columns);
        Ok(())
    }
}

impl Offloadable for FileSource {
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    fn path(&self) -> PathBuf {
        self.path.0.clone().into()
    }
}
