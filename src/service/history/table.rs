//! The metrics of the history, and the layouts of its records.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use crate::store::Selection;

use super::fingerprint::definition;

/// The place of a text in a layout: texts have no history.
pub(super) const NO_SERIES: u32 = u32::MAX;

/// The memory of an entry of a map of ids, beside the id.
const MAP_ENTRY_BYTES: usize = 64;

/// A metric.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) id: Arc<str>,
    /// The fingerprint of its definition.
    pub(super) definition: u64,
    /// The slot of its last reading, times two, plus one if that was a number; 0 before the first one.
    pub(super) last: u64,
    /// The number of layouts with it.
    uses: usize,
}

/// The columns of records: those of a selection that is read at an interval.
#[derive(Debug)]
pub(super) struct Layout {
    /// The series of each column, or [`NO_SERIES`].
    pub(super) series: Box<[u32]>,
    pub(super) interval: Duration,
    /// The number of records in the ring.
    pub(super) records: usize,
    selection: Weak<Selection>,
    /// The moment of its last use.
    used: u64,
}

/// All series and layouts, by number.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) series: Slab<Series>,
    pub(super) layouts: Slab<Layout>,
    by_id: HashMap<Arc<str>, u32>,
    /// About their memory.
    bytes: usize,
}

/// Values by small numbers, which are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    values: Vec<Option<T>>,
    free: Vec<u32>,
}

impl Table {
    /// The layout of a selection that is read at this interval.
    pub(super) fn layout(
        &mut self,
        selection: &Arc<Selection>,
        interval: Duration,
        moment: u64,
    ) -> u32 {
        let is_it = |layout: &Layout| {
            layout.interval == interval && layout.selection.as_ptr() == Arc::as_ptr(selection)
        };
        if let Some((number, layout)) = self.layouts.iter_mut().find(|(_, layout)| is_it(layout)) {
            layout.used = moment;
            return number;
        }
        self.drop_unused(0);
        let columns = selection.columns.iter().map(|column| {
            let definition = definition(&column.metric, column.is_custom);
            definition.map(|definition| (&column.metric.id, definition))
        });
        let number = self.add_layout(columns, interval);
        let layout = self.layouts.get_mut(number);
        if let Some(layout) = layout {
            layout.selection = Arc::downgrade(selection);
            layout.used = moment;
        }
        number
    }

    /// Adds a layout of these columns; `None` is a text.
    pub(super) fn add_layout<'a>(
        &mut self,
        columns: impl Iterator<Item = Option<(&'a Arc<str>, u64)>>,
        interval: Duration,
    ) -> u32 {
        let series: Box<[u32]> = columns
            .map(|column| column.map_or(NO_SERIES, |(id, definition)| self.use_of(id, definition)))
            .collect();
        let layout = Layout {
            series,
            interval,
            records: 0,
            selection: Weak::new(),
            used: 0,
        };
        self.bytes = self.bytes.saturating_add(layout.bytes());
        self.layouts.add(layout)
    }

    /// Drops the layouts without records that were not used since `moment`, or whose selections are gone.
    pub(super) fn drop_unused(&mut self, moment: u64) {
        let is_unused = |layout: &Layout| {
            layout.records == 0 && (layout.used < moment || layout.selection.strong_count() == 0)
        };
        let unused = self.layouts.iter().filter(|(_, layout)| is_unused(layout));
        let unused: Vec<_> = unused.map(|(number, _)| number).collect();
        for number in unused {
            self.drop_layout(number);
        }
    }

    fn drop_layout(&mut self, number: u32) {
        let Some(layout) = self.layouts.remove(number) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(layout.bytes());
        for &number in &layout.series {
            let Some(series) = self.series.get_mut(number) else {
                continue;
            };
            series.uses = series.uses.saturating_sub(1);
            if series.uses == 0
                && let Some(series) = self.series.remove(number)
            {
                self.bytes = self.bytes.saturating_sub(series.bytes());
                if self.by_id.get(&series.id) == Some(&number) {
                    self.by_id.remove(&series.id);
                }
            }
        }
    }

    /// The series of a metric, used once more. A metric with another definition than before gets a new one.
    fn use_of(&mut self, id: &Arc<str>, definition: u64) -> u32 {
        if let Some(number) = self.find(id, definition)
            && let Some(series) = self.series.get_mut(number)
        {
            series.uses = series.uses.saturating_add(1);
            return number;
        }
        let series = Series {
            id: id.clone(),
            definition,
            last: 0,
            uses: 1,
        };
        self.bytes = self.bytes.saturating_add(series.bytes());
        let number = self.series.add(series);
        self.by_id.insert(id.clone(), number);
        number
    }

    /// The series of a metric with this definition.
    pub(super) fn find(&self, id: &str, definition: u64) -> Option<u32> {
        let &number = self.by_id.get(id)?;
        let series = self.series.get(number)?;
        (series.definition == definition).then_some(number)
    }

    /// Forgets in which slots the last readings were.
    pub(super) fn begin_slots(&mut self) {
        for (_, series) in self.series.iter_mut() {
            series.last = 0;
        }
    }

    /// The number of columns of a layout.
    pub(super) fn width(&self, layout: u32) -> Option<usize> {
        Some(self.layouts.get(layout)?.series.len())
    }

    /// About the memory of all series and layouts.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Series {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            .saturating_add(MAP_ENTRY_BYTES)
            .saturating_add(self.id.len())
    }
}

impl Layout {
    fn bytes(&self) -> usize {
        size_of::<Self>().saturating_add(size_of_val(&*self.series))
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    fn add(&mut self, value: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.values[number as usize] = Some(value);
            return number;
        }
        self.values.push(Some(value));
        // The limits on columns and sessions are far below 2^32.
        u32::try_from(self.values.len().saturating_sub(1)).unwrap_or(NO_SERIES)
    }

    fn remove(&mut self, number: u32) -> Option<T> {
        let value = self.values.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(value)
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.values.get_mut(number as usize)?.as_mut()
    }

    /// All values with their numbers, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..)
            .zip(&self.values)
            .filter_map(|(number, value)| Some((number, value.as_ref()?)))
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        (0..)
            .zip(&mut self.values)
            .filter_map(|(number, value)| Some((number, value.as_mut()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(table: &mut Table, columns: &[(&str, u64)]) -> u32 {
        let columns: Vec<(Arc<str>, u64)> = columns
            .iter()
            .map(|&(id, hash)| (id.into(), hash))
            .collect();
        let columns = columns.iter().map(|(id, hash)| Some((id, *hash)));
        table.add_layout(columns, Duration::from_secs(1))
    }

    #[test]
    fn a_metric_has_one_series_for_each_definition() {
        let mut table = Table::default();
        let one = add(&mut table, &[("a", 1), ("b", 1)]);
        let two = add(&mut table, &[("b", 1), ("a", 2)]);
        let series = |table: &Table, layout| table.layouts.get(layout).unwrap().series.to_vec();
        assert_eq!(series(&table, one), [0, 1]);
        assert_eq!(series(&table, two), [1, 2]);
        assert_eq!((table.find("a", 1), table.find("a", 2)), (None, Some(2)));
        assert_eq!(table.find("c", 1), None);
    }

    #[test]
    fn what_no_record_uses_is_dropped() {
        let mut table = Table::default();
        let one = add(&mut table, &[("a", 1), ("b", 1)]);
        let two = add(&mut table, &[("a", 1)]);
        table.layouts.get_mut(two).unwrap().records = 1;
        table.drop_unused(0);
        assert!(table.layouts.get(one).is_none());
        assert_eq!((table.find("a", 1), table.find("b", 1)), (Some(0), None));
        table.layouts.get_mut(two).unwrap().records = 0;
        table.drop_unused(0);
        assert_eq!((table.bytes(), table.find("a", 1)), (0, None));
        // Numbers are used again.
        assert!(add(&mut table, &[("c", 1)]) < 2);
    }
}
