//! An entry of the store: a source and its last snapshots.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{backoff::Backoff, changes::Changes, known_devices::KnownDevices, problems::Problems};
use crate::{
    history::History,
    metric::Metric,
    reading::{Fault, Raw, Snapshot, Stamp, monotonic},
    selector::Selector,
    source::{
        Answered, Deferred, Error, NewMember, Presence, Provider,
        panic::{Panic, attempt, caught},
    },
};

/// A source and its last snapshots.
pub(super) struct Entry {
    pub(super) source: Provider,
    /// Whether the source answers later. Most do not, and are asked often.
    is_deferred: bool,
    pub(super) name: Arc<str>,
    /// Patterns of the ids that the source may have.
    pub(super) scope: &'static [&'static str],
    /// Whether its metrics are custom.
    pub(super) is_custom: bool,
    /// Of a member of a family: the number of the family's entry, and whether the device still exists.
    pub(super) membership: Option<(usize, Presence)>,
    /// The kernel's lists of its devices.
    pub(super) devices: KnownDevices,
    /// The metrics that discovery has found; `None` before the first discovery.
    pub(super) metrics: Option<Vec<Arc<Metric>>>,
    /// The number of columns of a snapshot.
    width: usize,
    history: History<Snapshot>,
    problems: Problems,
    backoff: Backoff,
    pub(super) reads: u64,
    pub(super) cost: Duration,
}

impl Entry {
    pub(super) fn new(source: Provider, on_answer: &Answered) -> Self {
        let about = source.about();
        let mut entry = Self {
            is_custom: about.is_defined,
            name: about.name.into(),
            scope: about.scope,
            devices: KnownDevices::new(about.subsystems),
            source,
            is_deferred: true,
            membership: None,
            metrics: None,
            width: 0,
            history: History::default(),
            problems: Problems::default(),
            backoff: Backoff::default(),
            reads: 0,
            cost: Duration::ZERO,
        };
        // A source that panics is asked again.
        entry.is_deferred = caught(|| entry.source.deferred().is_some()).unwrap_or(true);
        entry.ask_deferred(|source| source.when_answered(on_answer.clone()));
        entry
    }

    /// The part of its name before the slash, which switches it off together with others.
    pub(super) fn family_name(&self) -> &str {
        self.name
            .split_once('/')
            .map_or(&self.name, |(family, _)| family)
    }

    /// Whether the source may have a metric that the selector matches. May say yes too often, never no.
    pub(super) fn may_have(&mut self, selector: &Selector<'_>) -> bool {
        let ask = |source: &Provider| source.may_have(&|pattern| selector.may_match(pattern));
        self.ask(ask).unwrap_or(true)
    }

    /// Whether its reads have shown that its metrics are others now.
    pub(super) fn changed(&mut self) -> bool {
        self.ask(Provider::changed).unwrap_or(false)
    }

    /// Calls the source; `None` if it panics.
    pub(super) fn ask<T>(&mut self, ask: impl FnOnce(&Provider) -> T) -> Option<T> {
        let answer = caught(|| ask(&self.source));
        answer.map_err(|panic| self.note_panic(panic)).ok()
    }

    /// Calls a source that answers later; `None` if it is none, or panics.
    fn ask_deferred<T>(&mut self, ask: impl FnOnce(&mut dyn Deferred) -> T) -> Option<T> {
        if !self.is_deferred {
            return None;
        }
        let answer = caught(|| self.source.deferred().map(ask));
        let answer = answer.map_err(|panic| self.note_panic(panic));
        answer.ok().flatten()
    }

    /// Whether its devices may be others than those it knows: see [`KnownDevices::may_differ`].
    pub(super) fn may_have_other_devices(
        &mut self,
        listed: &mut impl FnMut(&'static str) -> Option<u64>,
        now: Duration,
    ) -> bool {
        let has_problem = self.problem().is_some();
        self.devices.may_differ(listed, has_problem, now)
    }

    /// Whether discovery has found nothing here.
    pub(super) fn is_empty(&self) -> bool {
        self.absence().is_some() || self.metrics.as_ref().is_some_and(Vec::is_empty)
    }

    /// The error that names the missing file, if this machine has nothing of the source.
    pub(super) fn absence(&self) -> Option<&String> {
        self.problems.absence.as_ref()
    }

    /// The error or panic that is not cleared yet.
    pub(super) fn problem(&self) -> Option<&String> {
        self.problems.first()
    }

    /// Whether the source answers later: it has jobs on the blocking pool.
    pub(super) fn is_deferred(&self) -> bool {
        self.is_deferred
    }

    /// Begins the jobs that the next read needs from the blocking pool, unless there is a snapshot since the moment
    /// `since` or the source is not to be read.
    pub(super) fn begin(&mut self, since: Duration) {
        if self.history.latest(since).is_some() || self.backoff.fault(monotonic()).is_some() {
            return;
        }
        self.ask_deferred(|source| source.begin(since));
    }

    /// Begins the jobs that discovery needs from the blocking pool.
    pub(super) fn begin_discovery(&mut self, since: Duration) {
        self.ask_deferred(|source| source.begin_discovery(since));
    }

    /// Whether its first discovery waits for the blocking pool. Begins it if necessary.
    pub(super) fn is_discovery_awaited(&mut self) -> bool {
        if self.metrics.is_some() {
            return false;
        }
        self.begin_discovery(Duration::ZERO);
        self.awaited_until().is_some()
    }

    /// The moment until which it is worth waiting for the jobs that were begun.
    pub(super) fn awaited_until(&mut self) -> Option<Instant> {
        self.ask_deferred(|source| source.awaited_until()).flatten()
    }

    /// Whether an answer without a time limit of its own, that of a command, is still to come.
    pub(super) fn is_awaited(&mut self) -> bool {
        self.ask_deferred(|source| source.is_awaited())
            .unwrap_or(false)
    }

    /// Makes a step of what its discovery shares with others, unless that was done since the moment `since`. Returns
    /// whether something is left to do.
    pub(super) fn prepare_discovery(&mut self, since: Duration) -> bool {
        let left = caught(|| self.source.prepare_discovery(since));
        left.map_err(|panic| self.note_panic(panic))
            .unwrap_or(false)
    }

    /// Discovers the metrics of the source, if that has not succeeded yet. Returns the new members of a family.
    pub(super) fn discover(&mut self) -> Vec<NewMember> {
        if self.metrics.is_some() {
            return Vec::new();
        }
        self.rediscover(&mut Changes::default())
    }

    /// Discovers the metrics of the source, and adds the difference to `changes`. Returns the new members of a
    /// family.
    pub(super) fn rediscover(&mut self, changes: &mut Changes) -> Vec<NewMember> {
        self.problems.absence = None;
        let found = match attempt(|| self.source.discover()) {
            // The device of a member has gone.
            Err(error) if self.metrics.is_some() && error.fault() == Fault::Gone => Vec::new(),
            // The kernel or the container does not have the interface. The next caller's discovery tries again.
            Err(error) if error.fault() == Fault::Gone && !self.is_custom => {
                self.problems.has_nothing(&error);
                return Vec::new();
            }
            Err(error) => {
                self.note(&error);
                return Vec::new();
            }
            Ok(metrics) => metrics,
        };
        let columns = found.iter().map(|metric| metric.formula.width());
        self.width = columns.max().unwrap_or(0);
        let found: Vec<_> = found.into_iter().map(Arc::new).collect();
        let before = self.metrics.take().unwrap_or_default();
        changes.between(&before, &found, self.is_custom);
        self.metrics = Some(found);
        match attempt(|| self.source.members()) {
            Ok(members) => {
                self.problems = Problems::default();
                members
            }
            Err(error) => {
                self.note(&error);
                Vec::new()
            }
        }
    }

    /// The last snapshot, if it was taken at or after the moment `since`; otherwise a new one.
    pub(super) fn read(&mut self, since: Duration) -> Arc<Snapshot> {
        if let Some(latest) = self.history.latest(since) {
            return latest.clone();
        }
        let now = Stamp::now();
        let snapshot = match self.backoff.fault(now.monotonic) {
            Some(fault) => Snapshot {
                stamp: now,
                columns: self.all_columns(fault),
            },
            None => self.read_source(now),
        };
        self.history.add(snapshot)
    }

    /// The last snapshot, if it is from the moment `since` or later.
    #[cfg(feature = "service")]
    pub(super) fn latest(&self, since: Duration) -> Option<&Arc<Snapshot>> {
        self.history.latest(since)
    }

    /// Adds a baseline of another process, older than all others.
    #[cfg(feature = "service")]
    pub(super) fn inherit(&mut self, snapshot: &Arc<Snapshot>) {
        self.history.inherit(snapshot);
    }

    fn read_source(&mut self, now: Stamp) -> Snapshot {
        let mut columns = Vec::with_capacity(self.width);
        let mut stamp = now;
        let mut read = None;
        // A panic in `stamp` costs no reading.
        let panic = caught(|| {
            read = Some(self.source.read(&mut columns));
            let earlier = self.source.deferred().and_then(|source| source.stamp());
            stamp = earlier.unwrap_or(now);
        });
        let read = read.unwrap_or_else(|| panic.map_err(Error::from));
        self.reads = self.reads.saturating_add(1);
        let cost = monotonic().saturating_sub(now.monotonic);
        self.cost = self.cost.saturating_add(cost);
        match read {
            Ok(()) => {
                self.problems.has_read();
                self.backoff.succeeded();
            }
            Err(error) => {
                self.note(&error);
                self.backoff.failed(error.fault(), now.monotonic);
                columns = self.all_columns(error.fault());
            }
        }
        Snapshot { stamp, columns }
    }

    /// A fault in every column.
    pub(super) fn all_columns(&self, fault: Fault) -> Vec<Raw> {
        vec![Raw::Fault(fault); self.width]
    }

    /// The best baseline at the moment `now`, and whether it is at least `window` old.
    pub(super) fn baseline(
        &self,
        now: Duration,
        window: Duration,
    ) -> (Option<Arc<Snapshot>>, bool) {
        match self.history.baseline(now, window) {
            Some(snapshot) => (Some(snapshot.clone()), true),
            None => (self.history.next_baseline(now, window).cloned(), false),
        }
    }

    fn note(&mut self, error: &Error) {
        self.problems.note(&self.name, error, self.is_custom);
    }

    fn note_panic(&mut self, panic: Panic) {
        self.problems.note_panic(&self.name, panic);
    }
}
