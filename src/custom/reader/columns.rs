//! The columns of a reader: the values that its metrics take from its text.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    custom::{
        command::{self, Output},
        definition::{Definition, Part, ValueOrigin},
        extract::Form,
        registry::Registry,
    },
    metric::{Kind, Metric},
    rate::Formula,
    reading::{Fault, Raw, Reading, Snapshot, Value},
    source::rows,
};

/// The columns of a reader. Each definition has two: an owner number and the value. A changed definition is a new
/// owner; it may take the columns of a definition that is gone.
pub(super) struct Columns {
    registry: Arc<Registry>,
    file: Arc<str>,
    all: Mutex<Arc<ColumnLayout>>,
}

/// The columns for one set of definitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ColumnLayout {
    /// Grows with each change of the columns.
    generation: u64,
    columns: Vec<Column>,
    /// The last owner number given.
    count: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Column {
    id: Arc<str>,
    part: Part,
    kind: Kind,
    /// The owner number, which no other column of the reader ever had.
    number: u64,
    is_defined: bool,
}

/// The owner number and the value.
const WIDTH: usize = 2;

impl Columns {
    /// No columns yet, for a reader that a file of definitions names.
    pub(super) fn new(registry: Arc<Registry>, file: Arc<str>) -> Self {
        Self {
            registry,
            file,
            all: Mutex::default(),
        }
    }

    /// Gives each of these definitions its columns, and returns their metrics.
    pub(super) fn arrange(&self, definitions: &[Arc<Definition>]) -> Vec<Metric> {
        let mut all = self.lock();
        let mut next = ColumnLayout::clone(&all);
        // An id may have several columns, of its earlier definitions.
        let mut places = HashMap::<Arc<str>, Vec<usize>>::new();
        for (at, column) in next.columns.iter_mut().enumerate() {
            column.is_defined = false;
            places.entry(column.id.clone()).or_default().push(at);
        }
        let mut known = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let mut places = places.get(&definition.id).into_iter().flatten();
            let at = places.find(|&&at| next.columns[at].matches(definition));
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
            next.generation = next.generation.saturating_add(1);
            *all = Arc::new(next);
        }
        metrics
    }

    /// Adds the values from the content of a file of this age, and last the generation of the layout.
    pub(super) fn of_file(&self, text: &[u8], age: Option<Duration>, columns: &mut Vec<Raw>) {
        let layout = self.current();
        for column in &layout.columns {
            columns.extend(self.evaluate(column, || {
                let most = column.part.stale_after;
                if let (Some(age), Some(most)) = (age, most)
                    && age > most
                {
                    return Ok(Raw::Fault(Fault::Stale));
                }
                column.part.extract.of(text)
            }));
        }
        columns.push(layout.generation());
    }

    /// Adds the values from the output of a command.
    pub(super) fn of_command(
        &self,
        is_current: bool,
        state: &command::CommandState,
        columns: &mut Vec<Raw>,
    ) {
        for column in &self.current().columns {
            columns.extend(
                self.evaluate(column, || match (&state.problem, &state.output) {
                    (Some(problem), _) => Err((Fault::Stale, problem.to_string())),
                    (None, Some(output)) if is_current => {
                        column.of_output(output, state.previous.as_ref())
                    }
                    (None, Some(_)) => Ok(Raw::Fault(Fault::Stale)),
                    (None, None) => Ok(Raw::Fault(Fault::Timeout)),
                }),
            );
        }
    }

    /// The two raw columns of a definition. The reason for a missing value goes to the registry.
    fn evaluate<E: Into<Problem>>(
        &self,
        column: &Column,
        value: impl FnOnce() -> Result<Raw, E>,
    ) -> [Raw; WIDTH] {
        if !column.is_defined {
            return [const { Raw::Fault(Fault::Gone) }; WIDTH];
        }
        let (value, problem) = match value() {
            Ok(value) => (value, None),
            Err(error) => {
                let Problem(fault, what) = error.into();
                (Raw::Fault(fault), Some(what))
            }
        };
        self.registry.set_problem(&self.file, &column.id, problem);
        [Raw::Counter(column.number), value]
    }

    /// Clears the problems of all columns: the text could not be read, and that error is reported alone.
    pub(super) fn clear_problems(&self) {
        for column in &self.current().columns {
            self.registry.set_problem(&self.file, &column.id, None);
        }
    }

    pub(super) fn current(&self) -> Arc<ColumnLayout> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<ColumnLayout>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ColumnLayout {
    /// Adds a column, in place of a free one if there is one, and returns its index.
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

    /// The last column of a reading of a file: the generation of the layout that it was read for.
    pub(super) fn generation(&self) -> Raw {
        Raw::Counter(self.generation)
    }
}

/// The reason why there is no value: a fault for programs, a message for people.
struct Problem(Fault, String);

impl From<String> for Problem {
    fn from(what: String) -> Self {
        Self(Fault::Malformed, what)
    }
}

impl From<(Fault, String)> for Problem {
    fn from((fault, what): (Fault, String)) -> Self {
        Self(fault, what)
    }
}

/// The formula of a metric. The rate of a command comes from two outputs and the times at which they were written,
/// not from two readings, so its value is ready.
fn formula(definition: &Definition, column: usize) -> Formula {
    match (&definition.origin, definition.part()) {
        (ValueOrigin::Expression(expression), _) => Formula::Derived(expression.clone()),
        (ValueOrigin::File { .. }, Some(part)) if definition.kind == Kind::Rate => {
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
    fn matches(&self, definition: &Definition) -> bool {
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
        // The problem of the previous output is known already.
        let before = previous.and_then(|previous| Some(snapshot(previous, found(previous).ok()?)));
        let reading: Reading = rate.evaluate(&snapshot(output, now), before.as_ref());
        Ok(match reading {
            Ok(Value::Number(number)) => Raw::Number(number),
            Ok(Value::Text(text)) => Raw::Text(text),
            Err(fault) => Raw::Fault(fault),
        })
    }
}
