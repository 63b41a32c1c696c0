//! The table of processes, which shares the cost of a pass between all queries.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    history::{Baselines, History},
    process::{
        Condition, Field, Group, Order, Pass, Query, Sum, Sums, Total,
        cache::Cache,
        field_reader::FieldReader,
        files::Files,
        pass::Span,
        sort::{compare, sorted},
    },
    reading::{Fault, Reading, Value},
    source::{Error, Roots, pool::Pool},
};

/// The table of processes, one for all queries. It keeps files open, at most a quarter of the descriptors of this
/// process, and closes them when it is dropped.
pub struct Table {
    pub(super) cache: Cache,
    pub(super) history: History<Pass>,
    /// Passes with the counters of `/proc/PID/io`. Queries without these fields displace none of them.
    with_io: Baselines<Pass>,
    passes: u64,
}

/// The rows that a query selects.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The pass that they were read in. It serves as the baseline (`before`) of a later query.
    pub pass: Arc<Pass>,
    /// The number of processes in the pass.
    pub total: usize,
    /// The number of processes that match the filter, before the limit.
    pub matched: usize,
    /// A row for each process, in the order of the query.
    pub rows: Vec<Row>,
}

/// The fields of one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The pid.
    pub pid: u32,
    /// Its start time in microseconds since boot. Together with the pid, it identifies the process for good.
    pub start_time: u64,
    /// The values in the order of the query's fields: [`Value::Text`] for a text, otherwise [`Value::Number`].
    ///
    /// [`Value::Text`]: crate::reading::Value::Text
    /// [`Value::Number`]: crate::reading::Value::Number
    pub values: Vec<Reading>,
}

impl Table {
    /// The table of the processes below `roots.proc`. This reads nothing yet.
    pub fn new(roots: &Roots) -> Self {
        Self::on_pool(roots, &Pool::new())
    }

    /// The same, with the threads of this pool.
    pub(crate) fn on_pool(roots: &Roots, pool: &Pool) -> Self {
        Self {
            cache: Cache::new(roots, pool),
            history: History::default(),
            with_io: Baselines::default(),
            passes: 0,
        }
    }

    /// The processes that a query selects, in a pass from the moment `since` of the monotonic clock or later: the last
    /// pass if it is, otherwise a new one. The baseline of rates is `before`, an earlier pass of this table. Without
    /// it, rates are [`Fault::First`]. The rates of reading and writing are so, too, for a process whose counters
    /// `before` does not have; when a query is repeated, it has them from the second time on.
    ///
    /// A process that ends meanwhile is left out.
    ///
    /// # Errors
    /// When `/proc` cannot be read. A field of one process that cannot be read is a fault in its row.
    pub fn rows(
        &mut self,
        query: &Query,
        since: Duration,
        before: Option<&Pass>,
    ) -> Result<Rows, Error> {
        let pass = self.pass(since)?;
        let span = Span::between(&pass, before);
        let mut indices = self.filtered(query, &pass, &span);
        if let Some(order) = query.order {
            self.cache
                .fetch(&pass, [order.field].into_iter(), &mut indices);
        }
        if before.is_none() {
            // This pass can be the baseline of the next one.
            self.prepare(query, &pass);
        }
        let matched = indices.len();
        let reader = FieldReader::new(&self.cache, &pass, &span);
        let limit = query.limit.unwrap_or(usize::MAX);
        if let Some(order) = query.order {
            indices = sorted(indices, order, limit, |index| {
                reader.read(order.field, index)
            });
        }
        indices.truncate(limit);
        let chosen = indices.len();
        self.cache
            .fetch(&pass, query.fields.iter().copied(), &mut indices);
        self.keep_io(&pass);
        let reader = FieldReader::new(&self.cache, &pass, &span);
        let row = |&index: &usize| {
            let counts = &pass.processes[index];
            Row {
                pid: counts.pid,
                start_time: counts.start_time,
                values: query
                    .fields
                    .iter()
                    .map(|&field| reader.read(field, index))
                    .collect(),
            }
        };
        Ok(Rows {
            total: pass.len(),
            matched: matched.saturating_sub(chosen.saturating_sub(indices.len())),
            rows: indices.iter().map(row).collect(),
            pass: pass.clone(),
        })
    }

    /// The sums of a query's fields over groups of processes, otherwise as [`Table::rows`]. The filter applies to
    /// processes, order and limit to groups. The order may also be by the field that the processes of a group have in
    /// common. Check the query with [`Group::check`] before: a field that cannot be summed has no sum.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn sums(
        &mut self,
        by: Group,
        query: &Query,
        since: Duration,
        before: Option<&Pass>,
    ) -> Result<Sums, Error> {
        let pass = self.pass(since)?;
        let span = Span::between(&pass, before);
        let mut indices = self.filtered(query, &pass, &span);
        let order = query.order.filter(|order| order.field != by.field());
        let fields = query.fields.iter().copied();
        // The field of the order is summed, too, even if it is not shown.
        let fields: Vec<_> = fields.chain(order.map(|order| order.field)).collect();
        let needed = fields.iter().copied().chain([by.field()]);
        self.cache.fetch(&pass, needed, &mut indices);
        self.keep_io(&pass);
        let reader = FieldReader::new(&self.cache, &pass, &span);
        let mut groups = HashMap::new();
        for &index in &indices {
            let name = match reader.read(by.field(), index) {
                Ok(Value::Text(name)) => Ok(name),
                Ok(Value::Number(_)) => Err(Fault::Malformed),
                Err(fault) => Err(fault),
            };
            let sum: &mut Sum = groups.entry(name.clone()).or_insert_with(|| Sum {
                name,
                processes: 0,
                values: vec![Total::default(); fields.len()],
            });
            sum.processes = sum.processes.saturating_add(1);
            for (total, &field) in sum.values.iter_mut().zip(&fields) {
                total.add(&reader.read(field, index));
            }
        }
        let mut groups: Vec<Sum> = groups.into_values().collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(order) = query.order {
            groups.sort_by(|a, b| compare(&a.key(order), &b.key(order), order.is_descending));
        }
        groups.truncate(query.limit.unwrap_or(usize::MAX));
        for sum in &mut groups {
            sum.values.truncate(query.fields.len());
            for (total, &field) in sum.values.iter_mut().zip(&fields) {
                total.number = total
                    .number
                    .map(|number| reader.at_most_whole(field, number));
            }
        }
        Ok(Sums {
            total: pass.len(),
            matched: indices.len(),
            groups,
            pass: pass.clone(),
        })
    }

    /// An earlier pass that can be the baseline of this query at the moment `now` of the monotonic clock: the latest
    /// that is at least `window` old and has the counters that the query needs. A pass that is much older does not
    /// serve. If there is none, the caller takes a [`Table::baseline`], waits for the window, and passes that as
    /// `before`.
    pub fn past(&self, query: &Query, now: Duration, window: Duration) -> Option<Arc<Pass>> {
        let needs_io = query
            .all_fields()
            .any(|field| Files::of(field).has(Files::IO));
        let baseline = match needs_io {
            true => self.with_io.baseline(now, window),
            false => self.history.baseline(now, window),
        };
        baseline.cloned()
    }

    /// A pass from the moment `since` of the monotonic clock or later, with the counters for the rates of a query. It
    /// has them for every process that the query may select, because the selection may depend on the rates.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn baseline(&mut self, query: &Query, since: Duration) -> Result<Arc<Pass>, Error> {
        let pass = self.pass(since)?;
        self.prepare(query, &pass);
        self.keep_io(&pass);
        Ok(pass)
    }

    /// The number of passes taken.
    pub fn passes(&self) -> u64 {
        self.passes
    }

    /// The moment of the last pass on the monotonic clock; none if that pass has failed.
    pub(super) fn latest(&self) -> Option<Duration> {
        let latest = self.history.latest(Duration::ZERO);
        latest.map(|pass| pass.stamp.monotonic)
    }

    fn prepare(&mut self, query: &Query, pass: &Pass) {
        let is_rate = |field: &Field| field.needs_baseline();
        let counters: Vec<_> = query.all_fields().filter(is_rate).collect();
        if counters.is_empty() {
            return;
        }
        let mut levels = query.clone();
        levels
            .filter
            .retain(|condition| !is_rate(&condition.field()));
        let mut indices = self.filtered(&levels, pass, &Err(Fault::First));
        self.cache.fetch(pass, counters.into_iter(), &mut indices);
    }

    /// Keeps a pass as a baseline for rates of reading and writing, if a query has fetched their counters.
    fn keep_io(&mut self, pass: &Arc<Pass>) {
        if pass.has_io() {
            self.with_io.add(pass);
        }
    }

    /// The last pass, if it is from the moment `since` or later; otherwise a new one.
    pub(crate) fn pass(&mut self, since: Duration) -> Result<Arc<Pass>, Error> {
        if let Some(latest) = self.history.latest(since) {
            return Ok(latest.clone());
        }
        self.history.drop_latest();
        let pass = self.cache.pass()?;
        self.passes = self.passes.saturating_add(1);
        Ok(self.history.add(pass))
    }

    /// The indices of the processes that match the filter, in the order of the pids.
    fn filtered(
        &mut self,
        query: &Query,
        pass: &Pass,
        span: &Result<Span<'_>, Fault>,
    ) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..pass.len()).collect();
        indices.retain(|&index| !self.cache.scan.processes[index].is_gone);
        // The conditions that need no other file come first, so that fewer processes remain for the others.
        let is_free = |condition: &&Condition| Files::of(condition.field()) == Files::NONE;
        let (free, dear): (Vec<_>, Vec<_>) = query.filter.iter().partition(is_free);
        for conditions in [free, dear] {
            let fields = conditions.iter().map(|condition| condition.field());
            self.cache.fetch(pass, fields, &mut indices);
            let reader = FieldReader::new(&self.cache, pass, span);
            let fits = |condition: &&Condition, index| {
                condition.matches(&reader.read(condition.field(), index))
            };
            indices.retain(|&index| conditions.iter().all(|condition| fits(condition, index)));
        }
        indices
    }
}

impl Sum {
    /// The sort key: the last of its values, or its name.
    fn key(&self, order: Order) -> Reading {
        if order.field.is_text() {
            return self.name.clone().map(Value::Text);
        }
        let total = self.values.last().copied().unwrap_or_default();
        let number = total.number.map(Value::Number);
        number.ok_or(total.fault.unwrap_or(Fault::Gone))
    }
}
