//! The table of processes: what it costs is shared by all who ask.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use nix::unistd::{SysconfVar, sysconf};

use crate::{
    process::{Group, Pass, Query, QueryError, Sums},
    reading::{Reading, Stamp},
    source::{Error, Roots},
};

/// The table of processes.
pub struct Table {
    _roots: Roots,
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
        Self {
            _roots: roots.clone(),
        }
    }

    /// The processes that a query asks for, in a pass that was taken at or after the moment `since` of
    /// the monotonic clock: the last one, if it was, otherwise a new one. Rates are against `before`,
    /// an earlier pass of this table; without it they are [`Fault::First`].
    ///
    /// A process that ends meanwhile is left out.
    ///
    /// # Errors
    /// When `/proc` cannot be read. What cannot be read of one process is a fault in its row.
    ///
    /// [`Fault::First`]: crate::reading::Fault::First
    pub fn rows(
        &mut self,
        _query: &Query,
        _since: Duration,
        _before: Option<&Pass>,
    ) -> Result<Rows, Error> {
        let pass = Arc::new(Pass {
            stamp: Stamp::now(),
            processes: Vec::new(),
        });
        Ok(Rows {
            pass,
            total: 0,
            matched: 0,
            rows: Vec::new(),
        })
    }

    /// The sums of a query's fields over the processes that belong together, otherwise as
    /// [`Table::rows`]. The filter is about single processes; order and limit are about the groups, and
    /// a group may be ordered by the field that its processes have in common, too. Check the query
    /// with [`Group::check`] before.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn sums(
        &mut self,
        _by: Group,
        query: &Query,
        since: Duration,
        before: Option<&Pass>,
    ) -> Result<Sums, Error> {
        let rows = self.rows(query, since, before)?;
        Ok(Sums {
            pass: rows.pass,
            total: 0,
            matched: 0,
            groups: Vec::new(),
        })
    }

    /// An earlier pass to compare with at the moment `now` of the monotonic clock: the latest that is at
    /// least `window` old, unless even that is much older. None if there is no such: the caller then
    /// takes a pass, waits for a window, and takes another.
    pub fn past(&self, _now: Duration, _window: Duration) -> Option<Arc<Pass>> {
        None
    }
}

impl Group {
    /// Whether the sums of a query make sense: all its fields can be summed up, and what they are
    /// ordered by is a sum, too, or what the processes of a group have in common.
    ///
    /// # Errors
    /// Names the field that cannot be summed up.
    pub fn check(self, query: &Query) -> Result<(), QueryError> {
        let order = query.order.map(|order| order.field);
        let order = order.filter(|field| *field != self.field());
        let mut all = query.fields.iter().copied().chain(order);
        match all.find(|field| !field.is_summable()) {
            Some(field) => Err(QueryError::NotSummable(field)),
            None => Ok(()),
        }
    }
}

/// Ticks since boot, in microseconds.
pub(super) fn start_time(ticks: u64) -> u64 {
    ticks.saturating_mul(1_000_000 / ticks_a_second())
}

/// `CLK_TCK`: 100 on every architecture that still has a kernel.
pub(super) fn ticks_a_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten();
        ticks.and_then(|ticks| ticks.try_into().ok()).unwrap_or(100)
    })
}
