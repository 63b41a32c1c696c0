//! Waiting for what may block: without a thread, and no longer than it is worth.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use crate::reading::monotonic;

use super::{Inner, Selection, Store, cell::Cell};

/// A frame waits no longer than this for what is read on the blocking pool, and neither does a list.
pub(super) const TIMEOUT: Duration = Duration::from_millis(100);

/// A call waits no longer for what there is to select.
pub(super) const LONG_TIMEOUT: Duration = Duration::from_secs(2);

/// A command's answer takes as long as it pleases: who waits for it has a deadline.
const LONG: Duration = Duration::from_secs(3600);

impl Store {
    /// Has everything begun on the blocking pool that a reading of this selection at the moment `since` of
    /// the monotonic clock needs, and waits until it is answered, is not worth waiting for any longer, or
    /// the moment `deadline` has come.
    pub async fn prefetch(&self, selection: &Selection, since: Duration, deadline: Duration) {
        let cells = &selection.cells;
        self.begin(cells, since);
        self.wait(deadline, |inner| {
            // Asked also where a command is waited for: this gets a thread for jobs that wait for one.
            inner.awaited_until(cells).or_else(|| {
                let mut all = cells.iter();
                let is_any =
                    all.any(|&cell| inner.cells.get_mut(cell).is_some_and(Cell::is_awaited));
                is_any.then(|| Instant::now().checked_add(LONG)).flatten()
            })
        })
        .await;
    }

    /// Whether something was begun while it was read, and is worth waiting for.
    pub fn is_worth_waiting(&self, selection: &Selection) -> bool {
        self.lock().awaited_until(&selection.cells).is_some()
    }

    /// The same as [`prefetch`](Self::prefetch) for the snapshots that [`baseline`](Self::baseline) will take.
    pub async fn prefetch_baseline(
        &self,
        selection: &Selection,
        window: Duration,
        deadline: Duration,
    ) {
        let now = monotonic();
        let cells: Vec<_> = {
            let inner = self.lock();
            let cells = selection.rates().map(|place| selection.cells[place]);
            let is_missing = |cell: &usize| {
                let cell = inner.cells.get(*cell);
                cell.is_some_and(|cell| cell.mark(now, window).0.is_none())
            };
            cells.filter(is_missing).collect()
        };
        if !cells.is_empty() {
            self.begin(&cells, now);
            self.wait(deadline, |inner| inner.awaited_until(&cells))
                .await;
        }
    }

    /// The same as [`prefetch`](Self::prefetch) for the frames of several selections, which wait for no command,
    /// and no longer than 100 ms.
    pub async fn prefetch_frames(&self, selections: &[&Selection], since: Duration) {
        let cells = selections.iter().flat_map(|selection| &selection.cells);
        let cells: BTreeSet<_> = cells.copied().collect();
        let cells: Vec<_> = cells.into_iter().collect();
        self.begin(&cells, since);
        let deadline = monotonic().saturating_add(TIMEOUT);
        self.wait(deadline, |inner| inner.awaited_until(&cells))
            .await;
    }

    /// Waits for what the sources need that are asked for the first time what they have: see
    /// [`Resolution::is_awaited`](super::Resolution::is_awaited).
    pub async fn wait_for_discovery(&self) {
        let deadline = monotonic().saturating_add(LONG_TIMEOUT);
        self.wait(deadline, |inner| {
            let cells = inner.cells.iter_mut().map(|(_, cell)| cell);
            let unknown = cells.filter(|cell| cell.metrics.is_none());
            unknown.filter_map(Cell::awaited_until).min()
        })
        .await;
    }

    /// Has those look whether something is new that somebody has asked for, or `all`, and waits for that.
    pub(super) async fn probe_definitions(&self, all: bool, closely: bool, timeout: Duration) {
        let mut looking = Vec::new();
        for (at, cell) in self.lock().cells.iter_mut() {
            if (all || cell.metrics.is_some()) && cell.look(closely) {
                looking.push(at);
            }
        }
        if !looking.is_empty() {
            let deadline = monotonic().saturating_add(timeout);
            self.wait(deadline, |inner| inner.awaited_until(&looking))
                .await;
        }
    }

    /// Waits for what looking again at these cells needs, and returns them.
    pub(super) async fn prefetch_discovery(
        &self,
        mut may_differ: impl FnMut(&mut Cell) -> bool,
    ) -> BTreeSet<usize> {
        let now = monotonic();
        let mut begun = Vec::new();
        {
            let mut inner = self.lock();
            for (at, cell) in inner.cells.iter_mut() {
                if cell.metrics.is_some() && may_differ(cell) {
                    cell.begin_discovery(now);
                    begun.push(at);
                }
            }
        }
        let deadline = now.saturating_add(TIMEOUT);
        self.wait(deadline, |inner| inner.awaited_until(&begun))
            .await;
        begun.into_iter().collect()
    }

    fn begin(&self, cells: &[usize], since: Duration) {
        let mut inner = self.lock();
        for &cell in cells {
            if inner.cells.get(cell).is_some() && inner.is_on(cell) {
                inner.cells[cell].begin(since);
            }
        }
    }

    /// Waits while there is a moment until which it is worth to wait. It is found out anew when that has come,
    /// and after each answer.
    async fn wait(
        &self,
        deadline: Duration,
        mut awaited_until: impl FnMut(&mut Inner) -> Option<Instant>,
    ) {
        loop {
            // What is answered from here on is heard of.
            let answered = self.answered.notified();
            let Some(until) = awaited_until(&mut self.lock()) else {
                return;
            };
            let left = deadline.saturating_sub(monotonic());
            if left.is_zero() {
                return;
            }
            let worth = until.saturating_duration_since(Instant::now());
            timeout(left.min(worth), answered).await.ok();
        }
    }
}

impl Inner {
    fn awaited_until(&mut self, cells: &[usize]) -> Option<Instant> {
        let until = |&cell: &usize| self.cells.get_mut(cell)?.awaited_until();
        cells.iter().filter_map(until).min()
    }
}
