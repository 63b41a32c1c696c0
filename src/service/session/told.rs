//! The columns, texts and faults that the receivers of a session know, and the differences to a new frame.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{
    reading::{Fault, Value},
    store::{Baseline, Frame, Selection},
};

/// The texts and faults of a frame, each with the number of its column, in the order of the columns.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Content {
    texts: Vec<(usize, Arc<str>)>,
    faults: Vec<(usize, Fault)>,
}

/// The content of a `Changed` signal.
#[derive(Debug)]
pub(crate) struct Differences {
    /// All columns, if the receivers do not know them; then the texts and faults are complete.
    pub(crate) columns: Option<Arc<Selection>>,
    pub(crate) texts: Vec<(Arc<str>, Arc<str>)>,
    /// `None` for a fault that is over.
    pub(crate) faults: Vec<(Arc<str>, Option<Fault>)>,
}

/// The state that the receivers of a session know.
pub(crate) struct Told {
    selection: Arc<Selection>,
    content: Arc<Content>,
    /// The moment of the last `stale` that came or went.
    stale_changed: Duration,
}

/// The time between two changes of `stale`. A metric that needs activity, such as the mean time of an operation, may gain
/// and lose it with each frame.
const STALE_INTERVAL: Duration = Duration::from_secs(1);

impl Content {
    /// Evaluates a frame: its values, with NaN for texts and faults, and its content.
    pub(super) fn evaluate(
        selection: &Selection,
        frame: &Frame,
        baseline: &Baseline,
    ) -> (Vec<f64>, Self) {
        let mut values = Vec::with_capacity(selection.columns.len());
        let mut content = Self::default();
        for (column, (_, reading)) in selection.readings(frame, baseline).enumerate() {
            values.push(match reading {
                Ok(Value::Number(number)) => number,
                Ok(Value::Text(text)) => {
                    content.texts.push((column, text));
                    f64::NAN
                }
                Err(fault) => {
                    content.faults.push((column, fault));
                    f64::NAN
                }
            });
        }
        (values, content)
    }

    /// The content of the gap before a frame of so many columns: its texts, and a fault for each number.
    pub(super) fn of_gap(&self, columns: usize) -> Self {
        let is_text = |column: &usize| {
            self.texts
                .binary_search_by_key(column, |text| text.0)
                .is_ok()
        };
        let numbers = (0..columns).filter(|column| !is_text(column));
        Self {
            texts: self.texts.clone(),
            faults: numbers.map(|column| (column, Fault::Gap)).collect(),
        }
    }
}

impl Told {
    /// The columns, texts and faults that the receivers know, if they know any.
    pub(crate) fn describe(told: Option<&Self>, selection: &Arc<Selection>) -> Differences {
        match told {
            Some(told) => Differences::complete(&told.selection, &told.content),
            None => Differences::complete(selection, &Content::default()),
        }
    }

    /// The content as it is known, if it equals this one: equal contents of many frames and sessions are one.
    pub(super) fn share(told: Option<&Self>, content: Content) -> Arc<Content> {
        let known = told.filter(|told| *told.content == content);
        known.map_or_else(|| Arc::new(content), |told| told.content.clone())
    }

    /// Takes over the state of a frame at `now`. Returns the differences that its receivers must know before it.
    pub(super) fn update(
        told: &mut Option<Self>,
        selection: &Arc<Selection>,
        content: &Arc<Content>,
        now: Duration,
    ) -> Option<Differences> {
        match told {
            Some(told) if Arc::ptr_eq(&told.selection, selection) => told.differ(content, now),
            _ => {
                let mut differences = Differences::complete(selection, content);
                if let Some(told) = told {
                    differences.end_faults_of(told);
                }
                *told = Some(Self {
                    selection: selection.clone(),
                    content: content.clone(),
                    stale_changed: now,
                });
                Some(differences)
            }
        }
    }

    /// Takes over the state of a frame at `now`, for receivers that are told nothing: those of a stream.
    pub(super) fn replace(
        told: &mut Option<Self>,
        selection: &Arc<Selection>,
        content: &Arc<Content>,
        now: Duration,
    ) {
        match told {
            Some(told) if Arc::ptr_eq(&told.selection, selection) => told.content = content.clone(),
            _ => {
                *told = Some(Self {
                    selection: selection.clone(),
                    content: content.clone(),
                    stale_changed: now,
                });
            }
        }
    }

    /// The differences to a frame with the same columns.
    fn differ(&mut self, content: &Arc<Content>, now: Duration) -> Option<Differences> {
        if Arc::ptr_eq(&self.content, content) || self.content == *content {
            return None;
        }
        let id = |column: usize| self.selection.columns[column].metric.id.clone();
        let mut differences = Differences {
            columns: None,
            texts: Vec::new(),
            faults: Vec::new(),
        };
        for (column, _, text) in merged(&self.content.texts, &content.texts) {
            differences
                .texts
                .extend(text.map(|text| (id(column), text)));
        }
        let tells_stale = now.saturating_sub(self.stale_changed) >= STALE_INTERVAL;
        let (mut has_stale, mut withheld) = (false, Vec::new());
        for (column, before, fault) in merged(&self.content.faults, &content.faults) {
            let is_stale = is_value_or_stale(before) && is_value_or_stale(fault);
            has_stale |= is_stale;
            match is_stale && !tells_stale {
                true => withheld.push((column, before)),
                false => differences.faults.push((id(column), fault)),
            }
        }
        if has_stale && tells_stale {
            self.stale_changed = now;
        }
        if differences.texts.is_empty() && differences.faults.is_empty() {
            // The texts that are left out have faults now; nothing is to be told of those that are withheld.
            return None;
        }
        self.content = match withheld.is_empty() {
            true => content.clone(),
            false => Arc::new(content.with_faults(&withheld)),
        };
        Some(differences)
    }
}

impl Content {
    /// The same content with other faults of some columns.
    fn with_faults(&self, others: &[(usize, Option<Fault>)]) -> Self {
        let is_other = |column: usize| {
            others
                .binary_search_by_key(&column, |other| other.0)
                .is_ok()
        };
        let faults = self.faults.iter().copied();
        let same = faults.filter(|(column, _)| !is_other(*column));
        let others = others
            .iter()
            .filter_map(|(column, fault)| Some((*column, (*fault)?)));
        let mut faults: Vec<_> = same.chain(others).collect();
        faults.sort_unstable_by_key(|(column, _)| *column);
        Self {
            texts: self.texts.clone(),
            faults,
        }
    }
}

impl Differences {
    fn complete(selection: &Arc<Selection>, content: &Content) -> Self {
        let id = |column: usize| selection.columns[column].metric.id.clone();
        let texts = content.texts.iter();
        let faults = content.faults.iter();
        Self {
            columns: Some(selection.clone()),
            texts: texts
                .map(|(column, text)| (id(*column), text.clone()))
                .collect(),
            faults: faults
                .map(|(column, fault)| (id(*column), Some(*fault)))
                .collect(),
        }
    }

    /// Adds the ends of the faults that were known and are over.
    fn end_faults_of(&mut self, told: &Told) {
        let ids = self.columns.iter().flat_map(|selection| &selection.columns);
        let ids: HashSet<_> = ids.map(|column| column.metric.id.clone()).collect();
        let faulty: HashSet<_> = self.faults.iter().map(|(id, _)| id.clone()).collect();
        let known = told.content.faults.iter();
        let known = known.map(|(column, _)| told.selection.columns[*column].metric.id.clone());
        let over = known.filter(|id| ids.contains(id) && !faulty.contains(id));
        self.faults.extend(over.map(|id| (id, None)));
    }
}

/// Whether a metric with this fault, or none, may become stale or be read without another cause than activity.
fn is_value_or_stale(fault: Option<Fault>) -> bool {
    matches!(fault, None | Some(Fault::Stale))
}

/// The columns in which two lists differ, with the entry of each.
fn merged<'a, T: Clone + PartialEq>(
    before: &'a [(usize, T)],
    now: &'a [(usize, T)],
) -> impl Iterator<Item = (usize, Option<T>, Option<T>)> + 'a {
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    let next = move || {
        let columns = [
            before.peek().map(|entry| entry.0),
            now.peek().map(|entry| entry.0),
        ];
        let column = columns.into_iter().flatten().min()?;
        let before = before.next_if(|entry| entry.0 == column);
        let now = now.next_if(|entry| entry.0 == column);
        Some((
            column,
            before.map(|entry| entry.1.clone()),
            now.map(|entry| entry.1.clone()),
        ))
    };
    std::iter::from_fn(next).filter(|(_, before, now)| before != now)
}

#[cfg(test)]
mod tests;
