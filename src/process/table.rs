//! The table of processes: what it costs is shared by all who ask.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    history::History,
    process::{
        Condition, Field, Group, Order, Pass, Query, Sum, Sums, Total,
        desk::Desk,
        details::Files,
        pass::Span,
        sort::{compare, sorted},
        view::View,
    },
    reading::{Fault, Reading, Value},
    source::{Error, Roots, pool::Pool},
};

/// The table of processes: one for all who ask. It keeps files open, at most a quarter of those that
/// this process may have, and closes them when it is dropped.
pub struct Table {
    pub(super) desk: Desk,
    pub(super) history: History<Pass>,
    passes: u64,
}

/// What was asked for of the processes that were asked for.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The pass that they are of. Of two, rates are made: it is what the next query is given as `before`.
    pub pass: Arc<Pass>,
    /// How many processes there were.
    pub total: usize,
    /// How many of them the filter left, before the limit.
    pub matched: usize,
    /// A row for each process, in the order that was asked for.
    pub rows: Vec<Row>,
}

/// What was asked for of one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The number of the process.
    pub pid: u32,
    /// When it started, in microseconds since boot. The two together are one process for all time.
    pub start_time: u64,
    /// What was read, in the order of the query's fields: for a text [`Value::Text`], otherwise
    /// [`Value::Number`].
    ///
    /// [`Value::Text`]: crate::reading::Value::Text
    /// [`Value::Number`]: crate::reading::Value::Number
    pub values: Vec<Reading>,
}

impl Table {
    /// The table of the processes below `roots.proc`. Nothing is read yet.
    pub fn new(roots: &Roots) -> Self {
        Self::on_pool(roots, &Pool::new())
    }

    /// The same, with its threads from this pool.
    pub(crate) fn on_pool(roots: &Roots, pool: &Pool) -> Self {
        Self {
            desk: Desk::new(roots, pool),
            history: History::default(),
            passes: 0,
        }
    }

    /// The processes that a query asks for, in a pass that was taken at or after the moment `since` of
    /// the monotonic clock: the last one, if it was, otherwise a new one. Rates are against `before`,
    /// an earlier pass of this table; without it they are [`Fault::First`]. So is what is read or
    /// written by a process of which that was not asked for in `before`: a query that is repeated
    /// has it from the second time on.
    ///
    /// A process that ends meanwhile is left out.
    ///
    /// # Errors
    /// When `/proc` cannot be read. What cannot be read of one process is a fault in its row.
    pub fn rows(
        &mut self,
        query: &Query,
        since: Duration,
        before: Option<&Pass>,
    ) -> Result<Rows, Error> {
        let pass = self.pass(since)?;
        let span = Span::between(&pass, before);
        let mut places = self.filtered(query, &pass, &span);
        if let Some(order) = query.order {
            self.desk
                .gather(&pass, [order.field].into_iter(), &mut places);
        }
        if before.is_none() {
            // So that this pass is a baseline for the next one.
            self.prepare(query, &pass);
        }
        let matched = places.len();
        let view = View::new(&self.desk, &pass, &span);
        let limit = query.limit.unwrap_or(usize::MAX);
        if let Some(order) = query.order {
            places = sorted(places, order, limit, |at| view.read(order.field, at));
        }
        places.truncate(limit);
        let chosen = places.len();
        self.desk
            .gather(&pass, query.fields.iter().copied(), &mut places);
        let view = View::new(&self.desk, &pass, &span);
        let row = |&at: &usize| {
            let counts = &pass.processes[at];
            Row {
                pid: counts.pid,
                start_time: counts.start_time,
                values: query
                    .fields
                    .iter()
                    .map(|&field| view.read(field, at))
                    .collect(),
            }
        };
        Ok(Rows {
            total: pass.len(),
            matched: matched.saturating_sub(chosen.saturating_sub(places.len())),
            rows: places.iter().map(row).collect(),
            pass: pass.clone(),
        })
    }

    /// The sums of a query's fields over the processes that belong together, otherwise as
    /// [`Table::rows`]. The filter is about single processes; order and limit are about the groups, and
    /// a group may be ordered by the field that its processes have in common, too. Check the query
    /// with [`Group::check`] before: what cannot be summed up has no sum.
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
        let mut places = self.filtered(query, &pass, &span);
        let order = query.order.filter(|order| order.field != by.field());
        let fields = query.fields.iter().copied();
        // What they are ordered by is summed up, too, whether it is shown or not.
        let fields: Vec<_> = fields.chain(order.map(|order| order.field)).collect();
        let needed = fields.iter().copied().chain([by.field()]);
        self.desk.gather(&pass, needed, &mut places);
        let view = View::new(&self.desk, &pass, &span);
        let mut groups = HashMap::new();
        for &at in &places {
            let name = match view.read(by.field(), at) {
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
                total.add(&view.read(field, at));
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
        }
        Ok(Sums {
            total: pass.len(),
            matched: places.len(),
            groups,
            pass: pass.clone(),
        })
    }

    /// An earlier pass to compare with at the moment `now` of the monotonic clock: the latest that is at
    /// least `window` old, unless even that is much older, and has what the rates of this query are
    /// made of. None if there is no such: the caller then takes a [`Table::baseline`], waits for a
    /// window, and asks with that as `before`.
    pub fn past(&self, query: &Query, now: Duration, window: Duration) -> Option<Arc<Pass>> {
        let needs_io = query
            .all_fields()
            .any(|field| Files::of(field).has(Files::IO));
        let fits = |pass: &Pass| pass.has_io() || !needs_io;
        self.history.past(now, window, fits).cloned()
    }

    /// A pass that was taken at or after the moment `since` of the monotonic clock, with what the rates
    /// of a query will be made of: of every process that it may be about, for which these are can
    /// depend on the rates.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn baseline(&mut self, query: &Query, since: Duration) -> Result<Arc<Pass>, Error> {
        let pass = self.pass(since)?;
        self.prepare(query, &pass);
        Ok(pass)
    }

    /// How many passes were taken.
    pub fn passes(&self) -> u64 {
        self.passes
    }

    /// The moment of the last pass on the monotonic clock; none if that has failed.
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
        let mut places = self.filtered(&levels, pass, &Err(Fault::First));
        self.desk.gather(pass, counters.into_iter(), &mut places);
    }

    /// The last pass, if it was taken at or after the moment `since`; otherwise a new one.
    pub(super) fn pass(&mut self, since: Duration) -> Result<Arc<Pass>, Error> {
        if let Some(latest) = self.history.latest(since) {
            return Ok(latest.clone());
        }
        self.history.drop_latest();
        let pass = self.desk.pass()?;
        self.passes = self.passes.saturating_add(1);
        Ok(self.history.add(pass))
    }

    /// The places of the processes that the filter leaves, in the order of the pids.
    fn filtered(
        &mut self,
        query: &Query,
        pass: &Pass,
        span: &Result<Span<'_>, Fault>,
    ) -> Vec<usize> {
        let mut places: Vec<usize> = (0..pass.len()).collect();
        places.retain(|&at| !self.desk.scan.processes[at].is_gone);
        // What costs nothing leaves less to ask the rest of.
        let is_free = |condition: &&Condition| Files::of(condition.field()) == Files::NONE;
        let (free, dear): (Vec<_>, Vec<_>) = query.filter.iter().partition(is_free);
        for conditions in [free, dear] {
            let fields = conditions.iter().map(|condition| condition.field());
            self.desk.gather(pass, fields, &mut places);
            let view = View::new(&self.desk, pass, span);
            let fits =
                |condition: &&Condition, at| condition.matches(&view.read(condition.field(), at));
            places.retain(|&at| conditions.iter().all(|condition| fits(condition, at)));
        }
        places
    }
}

impl Sum {
    /// What it is ordered by: the last of its values, or its name.
    fn key(&self, order: Order) -> Reading {
        if order.field.is_text() {
            return self.name.clone().map(Value::Text);
        }
        let total = self.values.last().copied().unwrap_or_default();
        let number = total.number.map(Value::Number);
        number.ok_or(total.fault.unwrap_or(Fault::Gone))
    }
}
