//! The table that all who ask have in common: tasks of the blocking pool use it, one after the other.
//!
//! A pass over some thousand processes takes milliseconds, and one that the kernel holds up takes as
//! long as that pleases: neither may hold up what is not about processes. When there was no task for some
//! seconds, and nobody holds the table, it goes, and with it all that it has open.

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

/// How long the table is kept for the next task.
const LINGER: Duration = Duration::from_secs(5);

/// A thread that has had the table for longer is stuck.
const DEADLINE: Duration = Duration::from_secs(1);

/// The place of its tasks in the pool, of which one runs at a time.
pub(super) const PLACE: &str = "process table";

/// The table, on the blocking pool. Its clones are the same table.
#[derive(Clone)]
pub(crate) struct SharedTable {
    pub(super) pool: Pool,
    pub(super) held: Arc<Held>,
}

/// The table for tasks, which the pool may outlive.
pub(super) struct Held {
    pub(super) roots: Roots,
    pool: WeakPool,
    table: Mutex<Option<Table>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_held: bool,
    /// What will drop the table.
    release: Option<Submitted>,
}

/// What was done with the table, and what that took.
#[cfg_attr(
    not(feature = "service"),
    allow(dead_code, reason = "the service tells what it took")
)]
pub(crate) struct Done<T> {
    pub(crate) result: Result<T, Panic>,
    /// How many passes were taken for it.
    pub(crate) passes: u64,
    /// The moment of the last pass of the table.
    pub(crate) latest: Option<Duration>,
    pub(crate) cost: Duration,
}

impl SharedTable {
    /// A table of the processes below `roots.proc`, which is made when it is needed.
    pub(crate) fn new(roots: &Roots, pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            held: Arc::new(Held {
                roots: roots.clone(),
                pool: pool.downgrade(),
                table: Mutex::default(),
                state: Mutex::default(),
            }),
        }
    }

    /// Where the processes are.
    #[cfg(feature = "service")]
    pub(crate) fn roots(&self) -> &Roots {
        &self.held.roots
    }

    /// The pool that the tasks run on.
    #[cfg(feature = "service")]
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Has something done with the table, after what was submitted before. What is submitted is not begun any more
    /// when the answer is dropped.
    #[cfg(feature = "service")]
    pub(crate) fn submit<T>(
        &self,
        work: impl FnOnce(&mut Table) -> T + Send + 'static,
        done: impl FnOnce(Done<T>) + Send + 'static,
    ) -> Submitted {
        let held = self.held.clone();
        self.pool.submit_at_once(&PLACE.into(), DEADLINE, move || {
            if let Some(outcome) = held.with(work) {
                done(outcome);
            }
        })
    }

    /// Keeps the table, or lets it go some seconds after the last task.
    #[cfg(feature = "service")]
    pub(crate) fn hold(&self, is_held: bool) {
        let before = mem::replace(&mut self.held.lock().is_held, is_held);
        if before && !is_held {
            self.held.release_later();
        }
    }
}

impl Held {
    /// Does something with the table, on a thread of the pool. None, if there is no pool any more.
    pub(super) fn with<T>(self: &Arc<Self>, work: impl FnOnce(&mut Table) -> T) -> Option<Done<T>> {
        let pool = self.pool.upgrade()?;
        let mut held = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let table = held.get_or_insert_with(|| Table::on_pool(&self.roots, &pool));
        let (before, start) = (table.passes(), Instant::now());
        let result = caught(|| work(table));
        let done = Done {
            passes: table.passes().saturating_sub(before),
            latest: table.latest(),
            cost: start.elapsed(),
            result,
        };
        if done.result.is_err() {
            // A table that has panicked is in disorder: the next task gets a new one.
            *held = None;
        }
        drop(held);
        if !self.lock().is_held {
            self.release_later();
        }
        Some(done)
    }

    /// Drops the table after some seconds, unless it is asked for or held before.
    fn release_later(self: &Arc<Self>) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        // The table has the pool: a timer of the pool that had the table would keep both when all others drop them.
        let held = Arc::downgrade(self);
        let release = move || {
            if let Some(held) = held.upgrade()
                && !held.lock().is_held
            {
                let table = held.table.lock().map(|mut table| table.take());
                drop(table);
            }
        };
        let release = pool.submit_later(LINGER, &PLACE.into(), DEADLINE, release);
        let before = self.lock().release.replace(release);
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No task runs under the lock, so nothing panics that leaves the state in disorder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Query;

    #[test]
    fn the_table_goes_with_those_who_have_it() {
        let pool = Pool::new();
        let table = SharedTable::new(&Roots::default(), &pool);
        let held = table.held.clone();
        let query = Query::default();
        let done = held.with(|table| table.rows(&query, Duration::ZERO, None));
        let rows = done.unwrap().result.unwrap().unwrap();
        let pass = Arc::downgrade(&rows.pass);
        drop((rows, held));
        assert!(pass.upgrade().is_some());
        // It has a pool that lives on, and its release some seconds later is set.
        drop(table);
        assert!(pass.upgrade().is_none());
        drop(pool);
    }

    #[test]
    fn a_table_that_panics_is_replaced() {
        let (roots, pool) = (Roots::default(), Pool::new());
        let table = SharedTable::new(&roots, &pool);
        let query = Query::default();
        let rows = |table: &mut Table| table.rows(&query, Duration::ZERO, None).map(drop);
        let done = table.held.with(rows).unwrap();
        assert!(done.result.unwrap().is_ok() && done.latest.is_some());
        let done = table.held.with(|_| panic!("this one fails")).unwrap();
        assert!(matches!(done.result, Err::<(), _>(Panic(_))));
        let done = table.held.with(rows).unwrap();
        assert_eq!((done.passes, done.result.is_ok()), (1, true));
    }
}
