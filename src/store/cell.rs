//! A memo cell: a source, and what it has read last.

use std::{
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::warn;

use super::changes::Changes;
use crate::{
    history::History,
    metric::Metric,
    reading::{Fault, Raw, Snapshot, Stamp, monotonic},
    selector::Selector,
    source::{
        Answered, Deferred, Error, NewMember, Presence, Provider,
        last_probe::LastProbe,
        panic::{Panic, attempt, caught},
    },
};

/// A source that has failed so often in a row is left alone for a while, twice as long each time.
const PATIENCE: u32 = 3;
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What the lists of devices do not show (a label, a file that a driver has made later) is looked for again when the
/// last look is as long ago.
const LIST_HOLDS: Duration = Duration::from_secs(10);

/// A source, and what it has read last.
pub(super) struct Cell {
    pub(super) source: Provider,
    pub(super) name: Arc<str>,
    /// Patterns of the ids that it may offer.
    pub(super) scope: &'static [&'static str],
    /// Whether the user has defined it.
    pub(super) is_custom: bool,
    /// The number of the family's cell, and whether the device is there, of a member.
    pub(super) membership: Option<(usize, Presence)>,
    /// The subsystems of the kernel whose devices it is about.
    pub(super) subsystems: &'static [&'static str],
    /// What was listed of these when it was looked at last for somebody who asked what there is.
    listed: Option<Vec<u64>>,
    looked: LastProbe,
    /// What discovery found; none before it was needed.
    pub(super) metrics: Option<Vec<Arc<Metric>>>,
    width: usize,
    history: History<Snapshot>,
    error: Option<String>,
    /// What it needs and is not there, where discovery has found out.
    absence: Option<String>,
    /// How a question about it has panicked. A reading that goes well does not mend that.
    panic: Option<String>,
    failure: Option<Failure>,
    pub(super) reads: u64,
    pub(super) cost: Duration,
}

/// A source that fails, and when it is tried again.
struct Failure {
    fault: Fault,
    times: u32,
    retry: Duration,
}

impl Cell {
    pub(super) fn new(source: Provider, tell: &Answered) -> Self {
        let about = source.about();
        let mut cell = Self {
            panic: None,
            is_custom: about.is_defined,
            name: about.name.into(),
            scope: about.scope,
            subsystems: about.subsystems,
            source,
            membership: None,
            listed: None,
            looked: LastProbe::default(),
            metrics: None,
            width: 0,
            history: History::default(),
            error: None,
            absence: None,
            failure: None,
            reads: 0,
            cost: Duration::ZERO,
        };
        cell.deferred(|source| source.when_answered(tell.clone()));
        cell
    }

    /// What it can be switched off by with others: its name, up to a slash.
    pub(super) fn family(&self) -> &str {
        self.name
            .split_once('/')
            .map_or(&self.name, |(family, _)| family)
    }

    pub(super) fn may_have(&mut self, selector: &Selector<'_>) -> bool {
        let ask = |source: &Provider| source.may_have(&|pattern| selector.may_match(pattern));
        // Too often is allowed.
        self.answer(ask).unwrap_or(true)
    }

    /// Whether its readings have shown that it has to be discovered again.
    pub(super) fn changed(&mut self) -> bool {
        self.answer(Provider::changed).unwrap_or(false)
    }

    /// Has the user's definitions looked at, if it is about these. Whether that takes a while.
    pub(super) fn look(&mut self, closely: bool) -> bool {
        let look = |source: &Provider| source.definitions().is_some_and(|all| all.probe(closely));
        self.answer(look).unwrap_or(false)
    }

    /// What can be read when the user has defined something anew.
    pub(super) fn news(&mut self) -> Option<OwnedFd> {
        self.answer(|source| source.definitions()?.change_fd())
            .flatten()
    }

    /// What the source answers to a question about it: nothing, if it panics.
    fn answer<T>(&mut self, ask: impl FnOnce(&Provider) -> T) -> Option<T> {
        let answer = caught(|| ask(&self.source));
        answer.map_err(|panic| self.note_panic(panic)).ok()
    }

    /// The same of a source whose answers come later.
    fn deferred<T>(&mut self, ask: impl FnOnce(&mut dyn Deferred) -> T) -> Option<T> {
        let answer = caught(|| self.source.deferred().map(ask));
        let answer = answer.map_err(|panic| self.note_panic(panic));
        answer.ok().flatten()
    }

    /// Whether its devices may be others than those that it knows of: not where the kernel lists what it did
    /// when this was asked last, and that is not long ago. What is `listed` of a subsystem is asked for once.
    pub(super) fn may_have_others(
        &mut self,
        listed: &mut impl FnMut(&'static str) -> Option<u64>,
        now: Duration,
    ) -> bool {
        if self.subsystems.is_empty() {
            return false;
        }
        let lists = self.subsystems.iter().map(|subsystem| listed(subsystem));
        let lists: Option<Vec<u64>> = lists.collect();
        let is_other = lists.is_none() || lists != self.listed || self.trouble().is_some();
        let is_looked_at = self.looked.again(now, LIST_HOLDS, || is_other);
        if is_looked_at {
            // What comes while it is looked at is seen the next time.
            self.listed = lists;
        }
        is_looked_at
    }

    /// Whether it is of files that not every kernel has, and not of those that the user says there are.
    fn is_kernels(&self) -> bool {
        !self.is_custom
    }

    /// Whether discovery has found out that there is nothing of it here.
    pub(super) fn is_empty(&self) -> bool {
        self.absence.is_some() || self.metrics.as_ref().is_some_and(Vec::is_empty)
    }

    /// The file that is not there, where there is nothing of it for want of one.
    pub(super) fn absence(&self) -> Option<&String> {
        self.absence.as_ref()
    }

    /// What is wrong with it now.
    pub(super) fn trouble(&self) -> Option<&String> {
        self.error.as_ref().or(self.panic.as_ref())
    }

    /// Begins what the next reading needs from the blocking pool, unless there is one since the moment
    /// `since`.
    pub(super) fn begin(&mut self, since: Duration) {
        let is_left_alone = |failure: &Failure| monotonic() < failure.retry;
        if self.history.latest(since).is_some() || self.failure.as_ref().is_some_and(is_left_alone)
        {
            return;
        }
        self.deferred(|source| source.begin(since));
    }

    /// Begins what discovery needs from the blocking pool.
    pub(super) fn begin_discovery(&mut self, since: Duration) {
        self.deferred(|source| source.begin_discovery(since));
    }

    /// Whether it will know better soon what it has, which is begun if it was not.
    pub(super) fn is_discovery_awaited(&mut self) -> bool {
        if self.metrics.is_some() {
            return false;
        }
        self.begin_discovery(Duration::ZERO);
        self.awaited_until().is_some()
    }

    /// Until when it is worth to wait for what was begun.
    pub(super) fn awaited_until(&mut self) -> Option<Instant> {
        self.deferred(|source| source.awaited_until()).flatten()
    }

    /// Whether an answer is on its way that takes as long as it pleases.
    pub(super) fn is_awaited(&mut self) -> bool {
        self.deferred(|source| source.is_awaited()).unwrap_or(false)
    }

    /// Asks the source what is there, until it has answered once. Returns the members of its family
    /// that it has found.
    pub(super) fn discover(&mut self) -> Vec<NewMember> {
        if self.metrics.is_some() {
            return Vec::new();
        }
        self.look_again(&mut Changes::default())
    }

    /// Asks the source what is there now, and notes what has changed.
    pub(super) fn look_again(&mut self, changes: &mut Changes) -> Vec<NewMember> {
        self.absence = None;
        let found = match attempt(|| self.source.discover()) {
            // A device of a family has gone.
            Err(error) if self.metrics.is_some() && error.fault() == Fault::Gone => Vec::new(),
            // A kernel or a container without it. Who asks again finds it if it has come.
            Err(error) if error.fault() == Fault::Gone && self.is_kernels() => {
                self.error = None;
                self.absence = Some(error.to_string());
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
                self.error = None;
                self.panic = None;
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
        let columns = self.columns(now.monotonic);
        let stamp = caught(|| self.source.deferred()?.stamp()).ok().flatten();
        self.history.add(Snapshot {
            stamp: stamp.unwrap_or(now),
            columns,
        })
    }

    fn columns(&mut self, now: Duration) -> Vec<Raw> {
        if let Some(failure) = &self.failure
            && now < failure.retry
        {
            return self.all(failure.fault);
        }
        let mut columns = Vec::with_capacity(self.width);
        let read = attempt(|| self.source.read(&mut columns));
        self.reads = self.reads.saturating_add(1);
        self.cost = self.cost.saturating_add(monotonic().saturating_sub(now));
        match read {
            Ok(()) => {
                self.error = None;
                self.failure = None;
                columns
            }
            Err(error) => {
                self.note(&error);
                self.rest(error.fault(), now);
                self.all(error.fault())
            }
        }
    }

    /// Every column with the same fault.
    pub(super) fn all(&self, fault: Fault) -> Vec<Raw> {
        vec![Raw::Fault(fault); self.width]
    }

    /// The best snapshot to compare with at the moment `now`, and whether it is `window` old.
    pub(super) fn mark(&self, now: Duration, window: Duration) -> (Option<Arc<Snapshot>>, bool) {
        match self.history.baseline(now, window, |_| true) {
            Some(mark) => (Some(mark.clone()), true),
            None => (self.history.next_baseline(now, window).cloned(), false),
        }
    }

    /// Leaves a source that fails again and again alone for a while.
    fn rest(&mut self, fault: Fault, now: Duration) {
        let times = self
            .failure
            .as_ref()
            .map_or(1, |failure| failure.times.saturating_add(1));
        let rest = match times.checked_sub(PATIENCE) {
            None => Duration::ZERO,
            Some(doublings) => {
                let factor = 2u32.saturating_pow(doublings.min(6));
                FIRST_REST.saturating_mul(factor).min(LONGEST_REST)
            }
        };
        self.failure = Some(Failure {
            fault,
            times,
            retry: now.saturating_add(rest),
        });
    }

    /// Remembers what is wrong, and logs it once, unless it is that a device of the kernel's has gone.
    fn note(&mut self, error: &Error) {
        let is_told = error.fault() != Fault::Gone || !self.is_kernels();
        note(&self.name, error, &mut self.error, is_told);
    }

    fn note_panic(&mut self, panic: Panic) {
        note(&self.name, &panic.into(), &mut self.panic, true);
    }
}

fn note(source: &str, error: &Error, noted: &mut Option<String>, is_told: bool) {
    let error = error.to_string();
    if noted.as_ref() != Some(&error) {
        if is_told {
            warn!(source, "{error}");
        }
        *noted = Some(error);
    }
}
