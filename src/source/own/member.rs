//! A reader: a file or a command, and the metrics that are found in what it says.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use nix::errno::Errno;

use crate::{
    rate::Formula,
    reading::{Fault, Kind, Metric, Raw, Reading, Snapshot, Stamp, Value},
    source::{
        Error, Source,
        command::{self, Handle, Output},
        guard::{Guard, Guarded},
    },
};

use super::{
    NAME,
    definition::{Command, Definition, Origin, Part, Path, Reader},
    extract::Form,
    file::{self, Text},
    shared::Shared,
};

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
    File {
        source: Box<dyn Source>,
        /// Since when there has been no answer.
        late: Option<Instant>,
    },
    Command(Option<Run>),
    /// The store makes the readings of expressions of those of others.
    Nothing,
}

/// A file that has not been read by then hangs, and nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// A command that is run as it was defined last.
struct Run {
    command: command::Command,
    handle: Handle,
    is_awaited: bool,
}

impl Member {
    pub(super) fn new(shared: Arc<Shared>, file: Arc<str>, reader: Reader) -> Self {
        let columns = Arc::new(Columns {
            shared: shared.clone(),
            file: file.clone(),
            all: Mutex::default(),
        });
        let read = match &reader {
            Reader::File(path) => {
                let source = File {
                    path: path.clone(),
                    columns: columns.clone(),
                };
                // The kernel answers for its own files; who answers for others is not known.
                let kernel = ["/sys/", "/proc/"];
                let may_hang = !kernel.iter().any(|root| path.0.starts_with(root));
                Read::File {
                    source: Guard::boxed(&shared.lane, source, may_hang),
                    late: None,
                }
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
                    is_awaited: false,
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
    fn name(&self) -> &str {
        &self.name
    }

    fn scope(&self) -> &'static [&'static str] {
        &["*/*/*"]
    }

    fn is_defined(&self) -> bool {
        true
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

    fn is_awaited(&self) -> bool {
        match &self.read {
            Read::File { late, .. } => late.is_some_and(|late| late.elapsed() < PATIENCE),
            Read::Command(run) => run.as_ref().is_some_and(|run| run.is_awaited),
            Read::Nothing => false,
        }
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        match &mut self.read {
            Read::File { source, late } => {
                let mut read = source.read(columns);
                // What was read for other definitions than those of now is no answer for these.
                if read.is_ok() && columns.pop() != Some(self.columns.current().mark()) {
                    columns.clear();
                    read = Err(Error::io(self.reader.path(), Errno::ETIMEDOUT.into()));
                }
                let is_late = matches!(&read, Err(error) if error.fault() == Fault::Timeout);
                *late = is_late.then(|| late.unwrap_or_else(Instant::now));
                read
            }
            Read::Command(Some(run)) => {
                let state = run.handle.ask();
                let output = state.output.as_ref();
                let is_current = output.is_some_and(|output| run.is_current(&state, output));
                run.is_awaited = state.is_pending && !is_current;
                self.columns.of_command(is_current, &state, columns);
                Ok(())
            }
            // Nothing is defined that it could be read for.
            Read::Command(None) | Read::Nothing => Ok(()),
        }
    }
}

/// The columns of a reader. They keep their places: what is defined in another way is another column.
struct Columns {
    shared: Arc<Shared>,
    file: Arc<str>,
    all: Mutex<Arc<Edition>>,
}

/// The columns as they are defined at some time.
#[derive(Clone, Debug, Default, PartialEq)]
struct Edition {
    number: u64,
    columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq)]
struct Column {
    id: Arc<str>,
    part: Part,
    kind: Kind,
    is_defined: bool,
}

impl Columns {
    /// Gives each of these definitions its column; the metrics.
    fn arrange(&self, definitions: &[Arc<Definition>]) -> Vec<Metric> {
        let mut all = self.lock();
        let mut columns = all.columns.clone();
        for column in &mut columns {
            column.is_defined = false;
        }
        let mut metrics = Vec::new();
        for definition in definitions {
            let Some(part) = definition.part() else {
                metrics.push(definition.metric(formula(definition, 0)));
                continue;
            };
            let is_it = |column: &Column| {
                column.id == definition.id && column.part == *part && column.kind == definition.kind
            };
            let at = columns.iter().position(is_it).unwrap_or(columns.len());
            match columns.get_mut(at) {
                Some(column) => column.is_defined = true,
                None => columns.push(Column {
                    id: definition.id.clone(),
                    part: part.clone(),
                    kind: definition.kind,
                    is_defined: true,
                }),
            }
            metrics.push(definition.metric(formula(definition, at)));
        }
        if columns != all.columns {
            let number = all.number + 1;
            *all = Arc::new(Edition { number, columns });
        }
        metrics
    }

    /// The columns of what a file says, and the mark of their edition.
    fn of_file(&self, text: &Text, columns: &mut Vec<Raw>) {
        let now = SystemTime::now();
        let age = text
            .modified
            .and_then(|modified| now.duration_since(modified).ok());
        let edition = self.current();
        for column in &edition.columns {
            columns.push(self.say(column, || {
                let most = column.part.stale_after;
                if let (Some(age), Some(most)) = (age, most)
                    && age > most
                {
                    return Ok(Raw::Fault(Fault::Stale));
                }
                column.part.extract.of(&text.bytes)
            }));
        }
        columns.push(edition.mark());
    }

    /// The columns of what a command has said.
    fn of_command(&self, is_current: bool, state: &command::State, columns: &mut Vec<Raw>) {
        for column in &self.current().columns {
            columns.push(self.say(column, || match (&state.problem, &state.output) {
                (Some(problem), _) => Err((Fault::Stale, problem.to_string())),
                (None, Some(output)) if is_current => {
                    column.of_output(output, state.previous.as_ref())
                }
                (None, Some(_)) => Ok(Raw::Fault(Fault::Stale)),
                (None, None) => Ok(Raw::Fault(Fault::Timeout)),
            }));
        }
    }

    /// What there is to say of a column. What was found in place of a value is told elsewhere.
    fn say<E: Into<Complaint>>(
        &self,
        column: &Column,
        value: impl FnOnce() -> Result<Raw, E>,
    ) -> Raw {
        if !column.is_defined {
            return Raw::Fault(Fault::Gone);
        }
        let (value, complaint) = match value() {
            Ok(value) => (value, None),
            Err(error) => {
                let Complaint(fault, what) = error.into();
                (Raw::Fault(fault), Some(what))
            }
        };
        self.shared.complain(&self.file, &column.id, complaint);
        value
    }

    /// Nothing could be read: that is told, and no more.
    fn forget(&self) {
        for column in &self.current().columns {
            self.shared.complain(&self.file, &column.id, None);
        }
    }

    fn current(&self) -> Arc<Edition> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Edition>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Edition {
    /// What stands behind the columns of a file that were read for this edition.
    fn mark(&self) -> Raw {
        Raw::Counter(self.number)
    }
}

/// Why there is no value, for programs and for a person.
struct Complaint(Fault, String);

impl From<String> for Complaint {
    fn from(what: String) -> Self {
        Self(Fault::Malformed, what)
    }
}

impl From<(Fault, String)> for Complaint {
    fn from((fault, what): (Fault, String)) -> Self {
        Self(fault, what)
    }
}

/// How a reading follows from its column. What a command says was said before it is read, at moments of
/// its own: there the rate is made of two outputs, and not of two readings.
fn formula(definition: &Definition, column: usize) -> Formula {
    match (&definition.origin, definition.part()) {
        (Origin::Expression(expression), _) => Formula::Derived(expression.clone()),
        (Origin::File { .. }, Some(part)) if definition.kind == Kind::Rate => {
            rate(part, column).unwrap_or(Formula::Level(column))
        }
        _ => Formula::Level(column),
    }
}

fn rate(part: &Part, counter: usize) -> Option<Formula> {
    match part.extract.form {
        Form::Counter { scale } => Some(Formula::Rate { counter, scale }),
        Form::Number { .. } | Form::Text => None,
    }
}

impl Column {
    fn of_output(
        &self,
        output: &Output,
        previous: Option<&Output>,
    ) -> Result<Raw, (Fault, String)> {
        let found = |output: &Output| {
            let value = self.part.extract.of(&output.bytes);
            value.map_err(|what| (Fault::Malformed, what))
        };
        let now = found(output)?;
        let Some(rate) = rate(&self.part, 0).filter(|_| self.kind == Kind::Rate) else {
            return Ok(now);
        };
        let snapshot = |output: &Output, value| Snapshot {
            stamp: output.stamp,
            columns: vec![value],
        };
        // What was wrong with the output before has been told.
        let before = previous.and_then(|previous| Some(snapshot(previous, found(previous).ok()?)));
        let reading: Reading = rate.evaluate(&snapshot(output, now), before.as_ref());
        Ok(match reading {
            Ok(Value::Number(number)) => Raw::Number(number),
            Ok(Value::Text(text)) => Raw::Text(text),
            Err(fault) => Raw::Fault(fault),
        })
    }
}

impl Run {
    /// Whether what it has said last is what it says now: nobody may have asked for long.
    fn is_current(&self, state: &command::State, output: &Output) -> bool {
        if self.command.lines {
            return !state.is_pending;
        }
        let age = Stamp::now().boottime.saturating_sub(output.stamp.boottime);
        // The next output may take as long as it is given, after the run before it.
        age <= 2 * self.command.interval + self.command.timeout.unwrap_or_default()
    }
}

/// The file itself, which a guard may have read elsewhere.
struct File {
    path: Path,
    columns: Arc<Columns>,
}

impl Source for File {
    fn name(&self) -> &str {
        NAME
    }

    fn scope(&self) -> &'static [&'static str] {
        &[]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        Ok(Vec::new())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let text = file::read(&self.path).inspect_err(|_| self.columns.forget())?;
        self.columns.of_file(&text, columns);
        Ok(())
    }
}

impl Guarded for File {
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    fn path(&self) -> PathBuf {
        self.path.0.clone().into()
    }
}
