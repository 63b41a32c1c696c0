//! The columns of a reader: what is made of a text for each of its metrics.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use crate::{
    custom::{
        command::{self, Output},
        definition::{Definition, Origin, Part},
        extract::Form,
        shared::Shared,
    },
    metric::{Kind, Metric},
    rate::Formula,
    reading::{Fault, Raw, Reading, Snapshot, Value},
    source::rows,
};

use super::file::Text;

/// The columns of a reader: for each definition one that says whose they are, and the value. What is defined in
/// another way is another, which may have the places of one that is no longer defined.
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
    /// How many definitions have had a column.
    count: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Column {
    id: Arc<str>,
    part: Part,
    kind: Kind,
    /// What no other column of the reader ever had.
    number: u64,
    is_defined: bool,
}

/// Whose they are, and the value.
const WIDTH: usize = 2;

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
        let mut next = Edition::clone(&all);
        // Of each id there may be several, as what it has been defined since.
        let mut places = HashMap::<Arc<str>, Vec<usize>>::new();
        for (at, column) in next.columns.iter_mut().enumerate() {
            column.is_defined = false;
            places.entry(column.id.clone()).or_default().push(at);
        }
        let mut known = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let mut places = places.get(&definition.id).into_iter().flatten();
            let at = places.find(|&&at| next.columns[at].is_of(definition));
            if let Some(&at) = at {
                next.columns[at].is_defined = true;
            }
            known.push(at.copied());
        }
        let is_free = |at: &usize| !next.columns[*at].is_defined;
        let free: Vec<_> = (0..next.columns.len()).filter(is_free).collect();
        let mut free = free.into_iter();
        let metrics = definitions.iter().zip(known).map(|(definition, known)| {
            let Some(part) = definition.part() else {
                return definition.metric(formula(definition, 0));
            };
            let at = known.unwrap_or_else(|| next.add(definition, part, free.next()));
            let owner = rows::place(at, WIDTH, 0);
            definition.metric(Formula::OfRow {
                owner,
                number: next.columns[at].number,
                formula: Box::new(formula(definition, owner.saturating_add(1))),
            })
        });
        let metrics = metrics.collect();
        let last = next.columns.iter().rposition(|column| column.is_defined);
        let length = last.map_or(0, |last| last.saturating_add(1));
        next.columns.truncate(length);
        if next.columns != all.columns {
            next.number = next.number.saturating_add(1);
            *all = Arc::new(next);
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
            columns.extend(self.say(column, || {
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
            columns.extend(self.say(column, || match (&state.problem, &state.output) {
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
    ) -> [Raw; WIDTH] {
        if !column.is_defined {
            return [const { Raw::Fault(Fault::Gone) }; WIDTH];
        }
        let (value, complaint) = match value() {
            Ok(value) => (value, None),
            Err(error) => {
                let Complaint(fault, what) = error.into();
                (Raw::Fault(fault), Some(what))
            }
        };
        self.shared.complain(&self.file, &column.id, complaint);
        [Raw::Counter(column.number), value]
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
    /// The place of a new column, in that of one that is no longer defined if there is one.
    fn add(&mut self, definition: &Definition, part: &Part, free: Option<usize>) -> usize {
        self.count = self.count.saturating_add(1);
        let column = Column {
            id: definition.id.clone(),
            part: part.clone(),
            kind: definition.kind,
            number: self.count,
            is_defined: true,
        };
        let at = free.unwrap_or(self.columns.len());
        match self.columns.get_mut(at) {
            Some(free) => *free = column,
            None => self.columns.push(column),
        }
        at
    }

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
    fn is_of(&self, definition: &Definition) -> bool {
        self.id == definition.id
            && self.kind == definition.kind
            && definition.part() == Some(&self.part)
    }

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
