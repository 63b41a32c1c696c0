//! The store: one entry a source, which lets any number of clients share one reading.
//!
//! [`Store::read`] returns the last snapshot of a source if it is young enough for the caller, and
//! otherwise takes a new one. There is no scheduler: a source is read only when a caller needs it.

mod backoff;
mod builder;
mod cache;
mod changes;
#[cfg(feature = "service")]
mod counters;
mod definitions;
mod discovery;
mod entries;
mod entry;
mod error;
mod frame;
mod hint;
mod index;
mod known_devices;
mod matches;
mod node;
mod prefetch;
mod problems;
mod rediscovery;
mod resolution;
mod selection;
mod source_state;
mod suggestion;
mod sweep;
#[cfg(test)]
mod tests;
mod visibility;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, task::yield_now};

use crate::{
    reading::{Fault, Snapshot, Stamp, monotonic},
    source::{Answered, DeviceLists, Provider, last_probe::LastProbe},
};

use entries::Entries;
use entry::Entry;

pub use changes::Changes;

#[cfg(feature = "service")]
pub(crate) use counters::LastCounters;
pub use error::Error;
pub use frame::{Baseline, Frame};
pub use hint::Hint;
pub use resolution::Resolution;
pub use selection::{Column, Selection};
pub use source_state::SourceState;
pub use visibility::Visibility;

/// All sources, and the last snapshots of those that were read.
pub struct Store {
    inner: Mutex<Inner>,
    /// Locked by the task that discovers again.
    sweep: tokio::sync::Mutex<()>,
    answered: Arc<Notify>,
}

struct Inner {
    entries: Entries,
    /// Wakes the tasks that wait for answers of the blocking pool.
    on_answer: Answered,
    /// The names of the sources that are switched off.
    off: BTreeSet<String>,
    /// The kernel's lists of devices. Without them every source with devices is probed.
    listings: Option<DeviceLists>,
    cache: cache::Cache,
    /// Made on demand; dropped when an entry is discovered.
    index: Option<index::Index>,
    /// Counts the changes of the metrics that can be selected.
    generation: u64,
    /// The entries with the user's definitions.
    definitions: Vec<usize>,
    /// The entries to discover again, each with the moment since which that is recent enough which the entries share.
    due: BTreeMap<usize, Duration>,
    /// The changes that these discoveries have shown so far.
    changes: Changes,
    /// The last time that all entries were asked whether their reads have shown a change.
    all_asked: LastProbe,
}

impl Store {
    /// A store of these sources. Opens no file yet.
    pub fn new(sources: Vec<Provider>) -> Self {
        let answered = Arc::new(Notify::new());
        let waiting = answered.clone();
        let on_answer: Answered = Arc::new(move || waiting.notify_waiters());
        let mut entries = Entries::default();
        for source in sources {
            entries.add(Entry::new(source, &on_answer));
        }
        let definitions = entries.iter().filter(|(_, entry)| entry.is_custom);
        let definitions = definitions.map(|(number, _)| number).collect();
        Self {
            answered,
            sweep: tokio::sync::Mutex::default(),
            inner: Mutex::new(Inner {
                entries,
                on_answer,
                off: BTreeSet::new(),
                listings: None,
                cache: cache::Cache::default(),
                index: None,
                generation: 0,
                definitions,
                due: BTreeMap::new(),
                changes: Changes::default(),
                all_asked: LastProbe::default(),
            }),
        }
    }

    /// A store in which [`rediscover_for`](Self::rediscover_for) skips the sources whose devices the kernel lists as
    /// before.
    #[must_use]
    pub fn with_listings(self, listings: DeviceLists) -> Self {
        self.lock().listings = Some(listings);
        self
    }

    /// Switches these sources off, by name, and all others on. Returns the names that no source has.
    ///
    /// Columns of a source that is off, in selections made before, read [`Fault::Gone`].
    pub fn switch_off(&self, names: &[String]) -> Vec<String> {
        let mut inner = self.lock();
        inner.off = names.iter().cloned().collect();
        inner.forget_resolved();
        let is_known = |name: &&String| {
            let mut entries = inner.entries.iter();
            entries.any(|(_, entry)| *entry.name == ***name || entry.family_name() == name.as_str())
        };
        let missing = names.iter().filter(|name| !is_known(name));
        missing.cloned().collect()
    }

    /// Resolves selectors; an empty list selects all metrics. Discovers only the sources that may have a match. Does
    /// not wait for discoveries on the blocking pool: see [`wait_and_resolve`](Self::wait_and_resolve).
    ///
    /// # Errors
    /// When a selector is not well formed, or matches no metric.
    pub fn resolve(&self, selectors: &[&str]) -> Result<Arc<Selection>, Error> {
        let mut resolution = Resolution::new(selectors);
        resolution.waits = 0;
        loop {
            if let Some(selection) = self.resolve_step(&mut resolution)? {
                return Ok(selection);
            }
        }
    }

    /// Like [`resolve`](Self::resolve), but waits for discoveries on the blocking pool.
    ///
    /// # Errors
    /// When a selector is not well formed, or matches no metric.
    pub async fn wait_and_resolve(&self, selectors: &[&str]) -> Result<Arc<Selection>, Error> {
        self.finish_resolution(Resolution::new(selectors)).await
    }

    /// Does all steps of a resolution, and waits for discoveries on the blocking pool.
    ///
    /// # Errors
    /// As those of [`resolve_step`](Self::resolve_step).
    pub async fn finish_resolution(
        &self,
        mut resolution: Resolution<'_>,
    ) -> Result<Arc<Selection>, Error> {
        loop {
            if let Some(selection) = self.resolve_step(&mut resolution)? {
                return Ok(selection);
            }
            match resolution.is_awaited() {
                true => self.wait_for_discovery().await,
                false => yield_now().await,
            }
        }
    }

    /// Resolves again the selectors of the selection `before`, with its visibility. An id whose metric is gone keeps
    /// its column, which reads [`Fault::Gone`]; prefixes and patterns select the metrics that exist now.
    pub fn resolve_again(&self, selectors: &[&str], before: &Arc<Selection>) -> Arc<Selection> {
        match self.lock().resolve_again(selectors, before) {
            Ok(selection) => Arc::new(selection),
            Err(_) => before.clone(),
        }
    }

    /// Reads a selection: of each entry the last snapshot if it was taken at or after the moment `since` of the
    /// monotonic clock, otherwise a new one. Does not wait: a reading that the blocking pool has not answered yet is
    /// [`Fault::Timeout`], unless it was [prefetched](Self::prefetch).
    pub fn read(&self, selection: &Selection, since: Duration) -> Frame {
        let mut inner = self.lock();
        let read = |&entry: &usize| inner.read(entry, since);
        Frame::new(selection.entries.iter().map(read).collect())
    }

    /// Reads the entries at these positions of a frame again, at or after the moment `since`.
    pub fn read_again(
        &self,
        selection: &Selection,
        frame: Frame,
        positions: &[usize],
        since: Duration,
    ) -> Frame {
        let mut inner = self.lock();
        let mut snapshots = frame.snapshots;
        for &position in positions {
            snapshots[position] = inner.read(selection.entries[position], since);
        }
        Frame::new(snapshots)
    }

    /// Gives each entry with a rate in the selection a baseline: a snapshot that is at least `window` old, else the
    /// oldest, else a new one. Returns them, and the moment of the monotonic clock at which the youngest of them
    /// will be `window` old.
    pub fn baseline(&self, selection: &Selection, window: Duration) -> (Baseline, Duration) {
        let mut inner = self.lock();
        let mut ready = Duration::ZERO;
        let mut baseline = vec![None; selection.entries.len()];
        for position in selection.rates() {
            if baseline[position].is_none() {
                let snapshot = inner.baseline(selection.entries[position], window);
                ready = ready.max(snapshot.stamp.monotonic.saturating_add(window));
                baseline[position] = Some(snapshot);
            }
        }
        (baseline, ready)
    }

    /// The existing snapshots that are at least `window` older than the frame. Takes no new one.
    pub fn existing_baseline(
        &self,
        selection: &Selection,
        frame: &Frame,
        window: Duration,
    ) -> Baseline {
        let inner = self.lock();
        let entries = selection.entries.iter().zip(&frame.snapshots);
        entries
            .map(|(&entry, now)| {
                let entry = inner.entries.get(entry)?;
                let (snapshot, is_old_enough) = entry.baseline(now.stamp.monotonic, window);
                snapshot.filter(|_| is_old_enough)
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock leaves the entries consistent, so a poisoned lock is usable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_on(&self, number: usize) -> bool {
        let entry = &self.entries[number];
        let is_off = |name: &str| self.off.contains(name);
        self.off.is_empty() || !is_off(&entry.name) && !is_off(entry.family_name())
    }

    fn read(&mut self, number: usize, since: Duration) -> Arc<Snapshot> {
        let is_on = self.entries.get(number).is_some() && self.is_on(number);
        match self.entries.get_mut(number) {
            Some(entry) if is_on => entry.read(since),
            // The entry of a device that has gone does not exist any more: no columns.
            entry => Arc::new(Snapshot {
                stamp: Stamp::now(),
                columns: entry.map_or(Vec::new(), |entry| entry.all_columns(Fault::Gone)),
            }),
        }
    }

    fn baseline(&mut self, number: usize, window: Duration) -> Arc<Snapshot> {
        let now = monotonic();
        let baseline = self
            .entries
            .get(number)
            .map(|entry| entry.baseline(now, window));
        match baseline {
            Some((Some(snapshot), _)) => snapshot,
            _ => self.read(number, now),
        }
    }
}
