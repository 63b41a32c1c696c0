//! Prefetching: jobs on the blocking pool are begun for all entries at once, and awaited without a thread and with
//! a deadline.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::reading::monotonic;

use super::{Inner, Store, entry::Entry, selection::Selection};

/// The longest wait for the blocking pool of a frame or of a list of metrics.
pub(super) const FRAME_TIMEOUT: Duration = Duration::from_millis(100);

/// The longest wait of a call for discovery.
pub(super) const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(2);

/// Stands for no limit: a command takes as long as it likes, and the caller that waits for it has a deadline.
const UNLIMITED: Duration = Duration::from_secs(3600);

impl Store {
    /// Begins the jobs that a read of the selection at the moment `since` of the monotonic clock needs from the
    /// blocking pool. Waits until they are answered or not worth waiting for any longer, at most until the moment
    /// `deadline`. Reads the other entries meanwhile: most often the wait is over by then, which saves a wake-up.
    pub async fn prefetch(&self, selection: &Selection, since: Duration, deadline: Duration) {
        if !self.begin(&selection.entries, since) {
            return;
        }
        self.read_others(&selection.entries, since);
        self.wait_for(selection, deadline).await;
    }

    /// Like [`prefetch`](Self::prefetch), for [`read_again`](Self::read_again).
    pub async fn prefetch_again(
        &self,
        selection: &Selection,
        positions: &[usize],
        since: Duration,
        deadline: Duration,
    ) {
        let entries = positions
            .iter()
            .map(|&position| selection.entries[position]);
        if self.begin(&entries.collect::<Vec<_>>(), since) {
            self.wait_for(selection, deadline).await;
        }
    }

    async fn wait_for(&self, selection: &Selection, deadline: Duration) {
        let entries = &selection.entries;
        self.wait(deadline, |inner| {
            // Also called while a command is awaited: the call gives a thread to jobs that queue for one.
            inner.awaited_until(entries).or_else(|| {
                let mut all = entries.iter();
                let is_any = all.any(|&entry| {
                    let entry = inner.entries.get_mut(entry);
                    entry.is_some_and(Entry::is_awaited)
                });
                is_any
                    .then(|| Instant::now().checked_add(UNLIMITED))
                    .flatten()
            })
        })
        .await;
    }

    /// Whether the last read has begun jobs that are worth waiting for.
    pub fn is_worth_waiting(&self, selection: &Selection) -> bool {
        self.lock().awaited_until(&selection.entries).is_some()
    }

    /// Like [`prefetch`](Self::prefetch), for the snapshots that [`baseline`](Self::baseline) will take.
    pub async fn prefetch_baseline(
        &self,
        selection: &Selection,
        window: Duration,
        deadline: Duration,
    ) {
        let now = monotonic();
        let entries: Vec<_> = {
            let inner = self.lock();
            let entries = selection
                .rates()
                .map(|position| selection.entries[position]);
            let is_missing = |entry: &usize| {
                let entry = inner.entries.get(*entry);
                entry.is_some_and(|entry| {
                    entry.is_deferred() && entry.baseline(now, window).0.is_none()
                })
            };
            entries.filter(is_missing).collect()
        };
        if !entries.is_empty() {
            self.begin(&entries, now);
            self.wait(deadline, |inner| inner.awaited_until(&entries))
                .await;
        }
    }

    /// Like [`prefetch`](Self::prefetch), for the frames of several selections. Frames never wait for a command, and
    /// at most 100 ms for the rest.
    pub async fn prefetch_frames(&self, selections: &[&Selection], since: Duration) {
        let entries = selections.iter().flat_map(|selection| &selection.entries);
        let mut entries: Vec<_> = entries.copied().collect();
        entries.sort_unstable();
        entries.dedup();
        if !self.begin(&entries, since) {
            return;
        }
        self.read_others(&entries, since);
        let deadline = monotonic().saturating_add(FRAME_TIMEOUT);
        self.wait(deadline, |inner| inner.awaited_until(&entries))
            .await;
    }

    /// Waits for the jobs of first discoveries: see [`Resolution::is_awaited`](super::Resolution::is_awaited).
    pub async fn wait_for_discovery(&self) {
        let deadline = monotonic().saturating_add(DISCOVERY_TIMEOUT);
        self.wait(deadline, |inner| {
            let entries = inner.entries.iter_mut().map(|(_, entry)| entry);
            let undiscovered = entries.filter(|entry| entry.metrics.is_none());
            undiscovered.filter_map(Entry::awaited_until).min()
        })
        .await;
    }

    /// Probes the user's definitions and waits for the answers: all definitions, or only those of discovered
    /// entries.
    pub(super) async fn probe_definitions(&self, all: bool, closely: bool, timeout: Duration) {
        let probing = self.begin_probe(all, closely);
        self.finish_probe(&probing, timeout).await;
    }

    /// Begins to probe the user's definitions. Returns the entries that answer later.
    pub(super) fn begin_probe(&self, all: bool, closely: bool) -> Vec<usize> {
        let mut probing = Vec::new();
        {
            let inner = &mut *self.lock();
            for &number in &inner.definitions {
                if let Some(entry) = inner.entries.get_mut(number)
                    && (all || entry.metrics.is_some())
                    && entry.probe_definitions(closely)
                {
                    probing.push(number);
                }
            }
        }
        probing
    }

    /// Waits for the answers of these entries to a probe.
    pub(super) async fn finish_probe(&self, probing: &[usize], timeout: Duration) {
        if !probing.is_empty() {
            let deadline = monotonic().saturating_add(timeout);
            self.wait(deadline, |inner| inner.awaited_until(probing))
                .await;
        }
    }

    /// Begins the jobs for rediscovering the entries that `may_differ` and waits for them. These entries are due then.
    /// Returns whether there are any.
    pub(super) async fn prefetch_discovery(
        &self,
        mut may_differ: impl FnMut(usize, &mut Entry) -> bool,
    ) -> bool {
        let now = monotonic();
        let mut begun = Vec::new();
        {
            let inner = &mut *self.lock();
            for (number, entry) in inner.entries.iter_mut() {
                if entry.metrics.is_some() && may_differ(number, entry) {
                    entry.begin_discovery(now);
                    begun.push(number);
                    inner.due.insert(number, now);
                }
            }
        }
        let deadline = now.saturating_add(FRAME_TIMEOUT);
        self.wait(deadline, |inner| inner.awaited_until(&begun))
            .await;
        !begun.is_empty()
    }

    /// Begins the jobs that entries need. Returns whether one of them has any: all others are simply read.
    fn begin(&self, entries: &[usize], since: Duration) -> bool {
        let mut inner = self.lock();
        let mut has_jobs = false;
        for &number in entries {
            let entry = inner.entries.get(number);
            if entry.is_some_and(Entry::is_deferred) {
                has_jobs = true;
                if inner.is_on(number) {
                    inner.entries[number].begin(since);
                }
            }
        }
        has_jobs
    }

    /// If the jobs of some entries are awaited, reads the others.
    fn read_others(&self, entries: &[usize], since: Duration) {
        let mut inner = self.lock();
        let mut others = entries.to_vec();
        others.retain(|entry| inner.awaited_until(std::slice::from_ref(entry)).is_none());
        if others.len() < entries.len() {
            for entry in others {
                inner.read(entry, since);
            }
        }
    }

    /// Waits while `awaited_until` returns a moment. It is called again at that moment and after each answer.
    pub(super) async fn wait(
        &self,
        deadline: Duration,
        mut awaited_until: impl FnMut(&mut Inner) -> Option<Instant>,
    ) {
        loop {
            // Registers first, so that no answer is missed from here on.
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
    fn awaited_until(&mut self, entries: &[usize]) -> Option<Instant> {
        let until = |&entry: &usize| self.entries.get_mut(entry)?.awaited_until();
        entries.iter().filter_map(until).min()
    }
}
