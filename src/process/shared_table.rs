//! The table that all queries share. Tasks of the blocking pool use it, one after the other.
//!
//! A pass over some thousand processes takes milliseconds, and the kernel may block it for any time. Neither may delay
//! calls that have nothing to do with processes. The table and its open files are dropped some seconds after the last
//! task, unless a session holds it.

#[cfg(feature = "service")]
use std::mem;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    process::Table,
    source::{
        Roots,
        panic::{Panic, caught},
        pool::{Pool, Submitted, WeakPool},
    },
};

/// The usual time after which an unused table is dropped.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// A thread that has used the table for longer is stuck.
const DEADLINE: Duration = Duration::from_secs(1);

/// The queue of its tasks in the pool, which runs one at a time.
pub(super) const QUEUE: &str = "process table";

/// The table, on the blocking pool. Its clones are the same table.
#[derive(Clone)]
pub(crate) struct SharedTable {
    pub(super) pool: Pool,
    pub(super) slot: Arc<TableSlot>,
}

/// The slot that a task uses. It does not keep the pool.
pub(super) struct TableSlot {
    pub(super) roots: Roots,
    pool: WeakPool,
    table: Mutex<Option<Table>>,
    hold: Mutex<Hold>,
    /// The time after which an unused table is dropped.
    timeout: Duration,
}

/// Whether the table is held, its last use, and the task that will drop it.
#[derive(Default)]
struct Hold {
    is_held: bool,
    used: Option<Instant>,
    /// The task that will drop the table. It waits for longer if the table was used meanwhile: to submit it again for
    /// each use would wake a thread each time.
    release: Option<Submitted>,
}

/// A completed task, with its result and its cost.
#[cfg_attr(
    not(feature = "service"),
    allow(dead_code, reason = "the service tells what it took")
)]
pub(crate) struct Completed<T> {
    pub(crate) result: Result<T, Panic>,
    /// The number of passes that it took.
    pub(crate) passes: u64,
    /// The moment of the last pass of the table.
    pub(crate) latest: Option<Duration>,
    pub(crate) cost: Duration,
}

impl SharedTable {
    /// The table of the processes below `roots.proc`. The first task makes it.
    pub(crate) fn new(roots: &Roots, pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            slot: Arc::new(TableSlot {
                roots: roots.clone(),
                pool: pool.downgrade(),
                table: Mutex::default(),
                hold: Mutex::default(),
                timeout: IDLE_TIMEOUT,
            }),
        }
    }

    /// The roots with the `/proc` of the table.
    #[cfg(feature = "service")]
    pub(crate) fn roots(&self) -> &Roots {
        &self.slot.roots
    }

    /// The pool that the tasks run on.
    #[cfg(feature = "service")]
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Submits work with the table, which runs after the work submitted before. Dropping the returned value cancels work
    /// that has not begun.
    #[cfg(feature = "service")]
    pub(crate) fn submit<T>(
        &self,
        work: impl FnOnce(&mut Table) -> T + Send + 'static,
        done: impl FnOnce(Completed<T>) + Send + 'static,
    ) -> Submitted {
        let slot = self.slot.clone();
        self.pool.submit_at_once(&QUEUE.into(), DEADLINE, move || {
            if let Some(outcome) = slot.with(work) {
                done(outcome);
            }
        })
    }

    /// Holds the table, or lets it be dropped some seconds after the last task.
    #[cfg(feature = "service")]
    pub(crate) fn hold(&self, is_held: bool) {
        let before = mem::replace(&mut self.slot.lock().is_held, is_held);
        if before && !is_held {
            self.slot.used();
        }
    }
}

impl TableSlot {
    /// Does work with the table on this thread, one of the pool; none if the pool has been dropped.
    pub(super) fn with<T>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Table) -> T,
    ) -> Option<Completed<T>> {
        let pool = self.pool.upgrade()?;
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let made = table.get_or_insert_with(|| Table::on_pool(&self.roots, &pool));
        let (before, start) = (made.passes(), Instant::now());
        let result = caught(|| work(made));
        let done = Completed {
            passes: made.passes().saturating_sub(before),
            latest: made.latest(),
            cost: start.elapsed(),
            result,
        };
        if done.result.is_err() {
            // A panic may leave the table inconsistent: the next task gets a new one.
            *table = None;
        }
        drop(table);
        self.used();
        Some(done)
    }

    /// Notes a use of the table, which is dropped some seconds later unless there is a hold or another use.
    fn used(self: &Arc<Self>) {
        let mut hold = self.lock();
        hold.used = Some(Instant::now());
        let is_settled = hold.is_held || hold.release.is_some();
        drop(hold);
        if !is_settled {
            self.release_after(self.timeout);
        }
    }

    fn release_after(self: &Arc<Self>, time: Duration) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        // The table owns a reference to the pool. If the timer of the pool owned the table, the cycle would keep both.
        let slot = Arc::downgrade(self);
        let release = move || {
            if let Some(slot) = slot.upgrade() {
                slot.release();
            }
        };
        let release = pool.submit_later(time, &QUEUE.into(), DEADLINE, release);
        let before = self.lock().release.replace(release);
        drop(before);
    }

    /// Drops the table, unless it is held or has been used a short time ago.
    fn release(self: &Arc<Self>) {
        let mut hold = self.lock();
        let done = hold.release.take();
        let age = hold.used.map_or(self.timeout, |used| used.elapsed());
        let (is_held, left) = (hold.is_held, self.timeout.saturating_sub(age));
        drop(hold);
        drop(done);
        if is_held {
            return;
        }
        if !left.is_zero() {
            return self.release_after(left);
        }
        let table = self.table.lock().map(|mut table| table.take());
        drop(table);
    }

    fn lock(&self) -> MutexGuard<'_, Hold> {
        // No task runs under the lock, so that no panic leaves the state inconsistent.
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Query;

    #[test]
    fn the_table_is_dropped_with_its_last_owner() {
        let pool = Pool::new();
        let table = SharedTable::new(&Roots::default(), &pool);
        let slot = table.slot.clone();
        let query = Query::default();
        let done = slot.with(|table| table.rows(&query, Duration::ZERO, None));
        let rows = done.unwrap().result.unwrap().unwrap();
        let pass = Arc::downgrade(&rows.pass);
        drop((rows, slot));
        assert!(pass.upgrade().is_some());
        // The pool lives on, and the timer that would drop the table is set.
        drop(table);
        assert!(pass.upgrade().is_none());
        drop(pool);
    }

    #[test]
    fn a_table_is_dropped_some_time_after_its_last_use() {
        const TIMEOUT: Duration = Duration::from_millis(50);
        let pool = Pool::new();
        let mut table = SharedTable::new(&Roots::default(), &pool);
        Arc::get_mut(&mut table.slot).unwrap().timeout = TIMEOUT;
        let query = Query::default();
        let pass = || {
            let rows = |table: &mut Table| table.rows(&query, Duration::MAX, None);
            Arc::downgrade(&table.slot.with(rows).unwrap().result.unwrap().unwrap().pass)
        };
        // The task that drops the table runs at least once between two uses.
        let first = Instant::now();
        let (mut used, mut last) = (Instant::now(), pass());
        while first.elapsed() < 2 * TIMEOUT {
            (used, last) = (Instant::now(), pass());
        }
        while last.upgrade().is_some() {
            assert!(used.elapsed() < Duration::from_secs(20), "it is kept");
            std::thread::yield_now();
        }
        assert!(used.elapsed() >= TIMEOUT);
        drop(table);
    }

    #[test]
    fn a_table_that_panics_is_replaced() {
        let (roots, pool) = (Roots::default(), Pool::new());
        let table = SharedTable::new(&roots, &pool);
        let query = Query::default();
        let rows = |table: &mut Table| table.rows(&query, Duration::ZERO, None).map(drop);
        let done = table.slot.with(rows).unwrap();
        assert!(done.result.unwrap().is_ok() && done.latest.is_some());
        let done = table.slot.with(|_| panic!("this one fails")).unwrap();
        assert!(matches!(done.result, Err::<(), _>(Panic(_))));
        let done = table.slot.with(rows).unwrap();
        assert_eq!((done.passes, done.result.is_ok()), (1, true));
    }
}
