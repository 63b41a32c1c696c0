//! The columns of a reader: what is made of a text for each of its metrics.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use crate::{
    rate::Formula,
    reading::{Fault, Kind, Metric, Raw, Reading, Snapshot, Value},
    source::command::{self, Output},
};

use super::{
    definition::{Definition, Origin, Part},
    extract::Form,
    file::Text,
    shared::Shared,
};

/// The columns of a reader. They keep their places: what is defined in another way is another column.
pub(super) struct Columns {
    shared: Arc<Shared>,
    file: Arc<str>,
    all: Mutex<Arc<Edition>>,
}

/// The columns as they are defined at some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Edition {
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
    /// The columns of a reader of a file of definitions: none yet.
    pub(super) fn new(shared: Arc<Shared>, file: Arc<str>) -> Self {
        Self {
            shared,
            file,
            all: Mutex::default(),
        }
    }

    /// Gives each of these definitions its column; the metrics.
    pub(super) fn arrange(&self, definitions: &[Arc<Definition>]) -> Vec<Metric> {
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
            let number = all.number.saturating_add(1);
            *all = Arc::new(Edition { number, columns });
        }
        metrics
    }

    /// The columns of what a file says, and the mark of their edition.
    pub(super) fn of_file(&self, text: &Text, columns: &mut Vec<Raw>) {
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
    pub(super) fn of_command(
        &self,
        is_current: bool,
        state: &command::State,
        columns: &mut Vec<Raw>,
    ) {
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
    pub(super) fn forget(&self) {
        for column in &self.current().columns {
            self.shared.complain(&self.file, &column.id, None);
        }
    }

    pub(super) fn current(&self) -> Arc<Edition> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Edition>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Edition {
    /// What stands behind the columns of a file that were read for this edition.
    pub(super) fn mark(&self) -> Raw {
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
