//! Discovering again: which entries may have other metrics now, and what has changed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{reading::monotonic, selector::Selector};

use super::{
    Inner, Selection, Store,
    cache::Cache,
    changes::Changes,
    entry::Entry,
    prefetch::{DISCOVERY_TIMEOUT, FRAME_TIMEOUT},
};

impl Store {
    /// Discovers again the entries whose last read has shown a change.
    pub fn rediscover_changed(&self) -> Changes {
        let mut inner = self.lock();
        inner.rediscover(|_, entry| entry.changed())
    }

    /// The same of the entries that were read for these selections, and every two seconds of all entries: a discovery on the
    /// blocking pool may have been late.
    pub async fn rediscover_read(&self, selections: &[Arc<Selection>], now: Duration) -> Changes {
        if self.note_changed(selections, now) {
            return self.sweep().await;
        }
        Changes::default()
    }

    /// Makes the entries due whose reads have shown a change. Returns whether there are any.
    fn note_changed(&self, selections: &[Arc<Selection>], now: Duration) -> bool {
        const MAX_AGE: Duration = Duration::from_secs(2);
        let inner = &mut *self.lock();
        let is_all_due = inner.all_asked.again(now, MAX_AGE, || false);
        let read = selections.iter().flat_map(|selection| &selection.entries);
        let mut asked: Vec<_> = read.chain(&inner.definitions).copied().collect();
        asked.retain(|&number| inner.has_changed(number));
        if !is_all_due && asked.is_empty() {
            return false;
        }
        let since = monotonic();
        let mut is_any = false;
        for (number, entry) in inner.entries.iter_mut() {
            if entry.metrics.is_some() && entry.changed() {
                inner.due.insert(number, since);
                is_any = true;
            }
        }
        is_any
    }

    /// Probes the user's definitions and discovers the custom metrics: of all entries, or, unless `all`, only of
    /// those that were discovered before.
    pub async fn rediscover_definitions(&self, all: bool) -> Changes {
        self.probe_definitions(all, all, DISCOVERY_TIMEOUT).await;
        let since = monotonic();
        let mut inner = self.lock();
        let mut from = 0;
        while all && let Some(number) = inner.entries.at_or_after(from) {
            let is_on = inner.is_on(number);
            let entry = &mut inner.entries[number];
            if is_on && entry.is_custom && entry.changed() {
                inner.discover(number, since);
            }
            from = number.saturating_add(1);
        }
        match inner.has_discovered_custom() {
            true => inner.rediscover(|_, entry| entry.is_custom && entry.changed()),
            false => Changes::default(),
        }
    }

    /// Discovers again the custom metrics after their files have changed. Called between two frames: a probe that
    /// takes long shows in a later frame. Also those that no caller has selected are probed: otherwise their descriptor
    /// would stay readable.
    pub async fn rediscover_new_definitions(&self) -> Changes {
        self.probe_definitions(true, false, FRAME_TIMEOUT).await;
        self.rediscover_changed()
    }

    /// Discovers again the entries with devices of these subsystems, or with any devices.
    pub async fn rediscover_devices(&self, subsystems: Option<&BTreeSet<String>>) -> Changes {
        self.rediscover_if(|_, entry| match subsystems {
            Some(subsystems) => entry
                .devices
                .subsystems()
                .iter()
                .any(|name| subsystems.contains(*name)),
            None => !entry.devices.subsystems().is_empty(),
        })
        .await
    }

    /// Discovers again, for a caller of `List`, the entries that these selectors may match: those whose reads have
    /// shown a change, and those whose devices the kernel lists otherwise than at the last probe.
    pub async fn rediscover_for(&self, selectors: &[&str]) -> Changes {
        let probing = self.begin_probe(false, true);
        let listings = self.lock().listings.clone();
        let mut listed = memoized(|subsystem| listings.as_ref()?.fingerprint(subsystem));
        let now = monotonic();
        let selectors = parsed(selectors);
        if !probing.is_empty() {
            // The kernel's lists are read while the blocking pool looks at the definitions.
            for (_, entry) in self.lock().entries.iter() {
                if entry.metrics.is_some() && may_match(entry, selectors.as_deref()) {
                    for subsystem in entry.devices.subsystems() {
                        listed(subsystem);
                    }
                }
            }
            self.finish_probe(&probing, DISCOVERY_TIMEOUT).await;
        }
        self.prefetch_discovery(|_, entry| {
            may_match(entry, selectors.as_deref())
                && (entry.changed() || entry.may_have_other_devices(&mut listed, now))
        })
        .await;
        // Also if only another task discovers: the caller wants the list of the present.
        self.sweep().await
    }

    /// Discovers again all entries with devices that these selectors may match, also if the kernel's lists are equal.
    /// For a selector without a match.
    pub async fn rediscover_all_for(&self, selectors: &[&str]) -> Changes {
        let selectors = parsed(selectors);
        self.prefetch_discovery(|_, entry| {
            may_match(entry, selectors.as_deref())
                && (entry.changed() || !entry.devices.subsystems().is_empty())
        })
        .await;
        self.sweep().await
    }

    /// Discovers again the entries of these selections whose devices the kernel lists otherwise than before, at most
    /// every 5 s; `now` is the moment of the monotonic clock. The kernel announces devices to sessions, but not in each
    /// container, and to no single call.
    pub async fn rediscover_selected(
        &self,
        selections: &[Arc<Selection>],
        now: Duration,
    ) -> Changes {
        let mut selections = selections.iter().filter(|each| each.lists_are_due(now));
        let Some(first) = selections.next() else {
            return Changes::default();
        };
        let entries = std::iter::once(first).chain(selections);
        let entries: BTreeSet<_> = entries.flat_map(|each| &each.entries).copied().collect();
        let (listings, entries) = {
            let inner = self.lock();
            let family = |number| inner.entries.get(number)?.membership.as_ref();
            // The family knows the devices of its members.
            let sources = entries
                .iter()
                .map(|&number| family(number).map_or(number, |(family, _)| *family));
            (inner.listings.clone(), sources.collect::<BTreeSet<_>>())
        };
        let Some(listings) = listings else {
            return Changes::default();
        };
        let mut listed = memoized(move |subsystem| listings.fingerprint(subsystem));
        self.rediscover_if(|number, entry| {
            entries.contains(&number) && entry.devices.differ(&mut listed)
        })
        .await
    }

    /// Waits for the jobs of discovery, then discovers again the entries that `may_differ`.
    async fn rediscover_if(&self, may_differ: impl FnMut(usize, &mut Entry) -> bool) -> Changes {
        match self.prefetch_discovery(may_differ).await {
            true => self.sweep().await,
            false => Changes::default(),
        }
    }
}

/// The fingerprints of the kernel's lists, each made once.
fn memoized(
    fingerprint: impl Fn(&'static str) -> Option<u64>,
) -> impl FnMut(&'static str) -> Option<u64> {
    let mut known = HashMap::new();
    move |subsystem| {
        *known
            .entry(subsystem)
            .or_insert_with(|| fingerprint(subsystem))
    }
}

/// The selectors that are well formed; `None` for an empty list, which matches everything.
fn parsed<'a>(selectors: &[&'a str]) -> Option<Vec<Selector<'a>>> {
    let parsed = selectors.iter().flat_map(|text| Selector::parse(text));
    (!selectors.is_empty()).then(|| parsed.collect())
}

/// Whether a source may have a metric that one of the selectors matches.
fn may_match(entry: &Entry, selectors: Option<&[Selector<'_>]>) -> bool {
    let mut scope = entry.scope.iter();
    selectors.is_none_or(|selectors| {
        scope.any(|id| selectors.iter().any(|selector| selector.may_match(id)))
    })
}

impl Inner {
    /// Discovers an entry, if that has not succeeded yet, and adds the members of a family. It shares what was found at the
    /// moment `since` or later.
    pub(super) fn discover(&mut self, number: usize, since: Duration) {
        if self.entries[number].metrics.is_some() {
            return;
        }
        while self.entries[number].prepare_discovery(since) {}
        let members = self.entries[number].discover();
        if self.entries[number].metrics.is_some() {
            self.index = None;
        }
        self.entries
            .add_members(number, members, &self.on_answer, |entry| {
                if entry.is_custom {
                    entry.discover();
                }
            });
    }

    /// Whether a read has shown that an entry, or the family that it belongs to, has other metrics now.
    fn has_changed(&mut self, number: usize) -> bool {
        let changed = |entry: &mut Entry| entry.metrics.is_some() && entry.changed();
        let Some(entry) = self.entries.get_mut(number) else {
            return false;
        };
        let family = entry.membership.as_ref().map(|(family, _)| *family);
        changed(entry)
            || family.is_some_and(|family| self.entries.get_mut(family).is_some_and(changed))
    }

    /// Whether a client has asked for custom metrics.
    fn has_discovered_custom(&self) -> bool {
        let mut definitions = self.definitions.iter();
        definitions.any(|&number| {
            let entry = self.entries.get(number);
            entry.is_some_and(|entry| entry.metrics.is_some())
        })
    }

    /// Discovers an entry again, unless it has gone, and adds the members of a family.
    pub(super) fn rediscover_entry(&mut self, number: usize, changes: &mut Changes) {
        let Some(entry) = self.entries.get_mut(number) else {
            return;
        };
        let members = entry.rediscover(changes);
        self.index = None;
        self.entries.drop_gone(number, changes);
        self.entries
            .add_members(number, members, &self.on_answer, |entry| {
                entry.rediscover(changes);
            });
    }

    /// Discovers again the entries that were discovered before and that `may_differ`.
    fn rediscover(&mut self, mut may_differ: impl FnMut(usize, &mut Entry) -> bool) -> Changes {
        let mut changes = Changes::default();
        let since = monotonic();
        let mut from = 0;
        while let Some(number) = self.entries.at_or_after(from) {
            let entry = &mut self.entries[number];
            // Reaches the members added in this loop, too; `may_differ` decides about them as about the others.
            if entry.metrics.is_some() && may_differ(number, entry) {
                while entry.prepare_discovery(since) {}
                self.rediscover_entry(number, &mut changes);
            }
            from = number.saturating_add(1);
        }
        if !changes.is_empty() {
            self.forget_resolved();
        }
        changes
    }

    /// Forgets the resolved selectors, which may match other metrics now.
    pub(super) fn forget_resolved(&mut self) {
        self.cache = Cache::default();
        self.index = None;
        self.generation = self.generation.wrapping_add(1);
    }
}
