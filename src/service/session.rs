//! A session: what its client acquires, how often, and what it is to be told next.
//!
//! Nothing here speaks D-Bus: a tick returns what is to be signalled.

use std::{sync::Arc, time::Duration};

use crate::{
    reading::{Fault, Value},
    sample,
    store::{Baseline, Frame, Selection, Store},
};

use super::{backlog::Backlog, watch::Watch};

/// A client: its unique name on the bus.
pub(crate) type Client = Arc<str>;

/// What a session is told.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) session: u32,
    /// Whom; everybody where the session is detached.
    pub(crate) client: Option<Client>,
    pub(crate) event: Event,
}

#[derive(Debug)]
pub(crate) enum Event {
    /// A frame: its moment, and a value for each column, NaN where there is a fault or a text.
    Sampled(u64, Arc<[f64]>),
    /// Columns, texts and faults, all of them, because one has changed.
    Changed(
        Arc<Selection>,
        Vec<(Arc<str>, Arc<str>)>,
        Vec<(Arc<str>, Fault)>,
    ),
    /// The session is over, and why.
    Ended(&'static str),
}

/// A session.
pub(crate) struct Session {
    pub(crate) owner: Client,
    pub(crate) label: String,
    pub(crate) detached: bool,
    pub(crate) interval: Duration,
    /// What the client has asked for, which may mean more or less another time.
    selectors: Vec<String>,
    pub(crate) selection: Arc<Selection>,
    pub(crate) frames: u64,
    pub(crate) dropped: u64,
    /// When the next frame is due; never before the reply to `Start` is on its way.
    pub(super) due: Option<Duration>,
    baseline: Baseline,
    told: Option<Arc<Told>>,
    pub(crate) backlog: Backlog,
    /// Ends the session when its owner leaves the bus.
    _watch: Option<Watch>,
}

/// What the client knows of beside the numbers.
struct Told {
    selection: Arc<Selection>,
    texts: Vec<(Arc<str>, Arc<str>)>,
    faults: Vec<(Arc<str>, Fault)>,
}

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.selection, &other.selection)
            && self.texts == other.texts
            && self.faults == other.faults
    }
}

/// A frame as it was made for one session. For the next one it will do as well, if that has selected
/// the same and compares with the same: of fifty such sessions, 49 cost little but their signals.
pub(super) struct Made {
    selection: Arc<Selection>,
    baseline: Baseline,
    frame: Frame,
    values: Arc<[f64]>,
    told: Arc<Told>,
}

impl Session {
    pub(crate) fn new(
        owner: Client,
        label: String,
        interval: Duration,
        selectors: Vec<String>,
        selection: Arc<Selection>,
        watch: Option<Watch>,
    ) -> Self {
        Self {
            owner,
            label,
            detached: watch.is_none(),
            interval,
            selectors,
            selection,
            frames: 0,
            dropped: 0,
            due: None,
            baseline: Baseline::new(),
            told: None,
            backlog: Backlog::default(),
            _watch: watch,
        }
    }

    /// Lets a session of a prefix or a pattern have what it means now, unless that is too much. The
    /// next frame is told of before it comes.
    pub(super) fn reselect(&mut self, store: &Store, limit: usize) {
        let selectors: Vec<&str> = self.selectors.iter().map(String::as_str).collect();
        let selection = store.resolve_again(&selectors, &self.selection);
        if selection.columns.len() > limit || selection.is_same(&self.selection) {
            return;
        }
        self.baseline = selection.carry_over(&self.selection, &self.baseline);
        self.selection = selection;
    }

    pub(super) fn notice(&self, session: u32, event: Event) -> Notice {
        let client = (!self.detached).then(|| self.owner.clone());
        Notice {
            session,
            client,
            event,
        }
    }

    /// Takes a frame at `now` and says what the client is to be told of it. `made` is the frame of
    /// the session before it in the same tick.
    pub(super) fn tick(
        &mut self,
        id: u32,
        store: &Store,
        now: Duration,
        made: &mut Option<Made>,
        notices: &mut Vec<Notice>,
    ) {
        self.due = Some(next_due(now, self.interval, self.told.is_none()));
        if self.backlog.is_full() {
            self.dropped += 1;
            self.backlog.count();
            return;
        }
        let made = match made {
            Some(made) if made.is_for(self) => made,
            made => made.insert(self.make(store, now)),
        };
        let Made { told, values, .. } = made;
        let timestamp = made.frame.timestamp;
        self.baseline = made.frame.clone().into_baseline();
        let known = self.told.as_ref();
        if !known.is_some_and(|known| Arc::ptr_eq(known, told) || known == told) {
            let (texts, faults) = (told.texts.clone(), told.faults.clone());
            let changed = Event::Changed(self.selection.clone(), texts, faults);
            notices.push(self.notice(id, changed));
        }
        self.told = Some(told.clone());
        notices.push(self.notice(id, Event::Sampled(timestamp, values.clone())));
        self.frames += 1;
        self.backlog.count();
    }

    fn make(&mut self, store: &Store, now: Duration) -> Made {
        let frame = store.read(&self.selection, now);
        let mut baseline = std::mem::take(&mut self.baseline);
        if baseline.is_empty() {
            let window = sample::Options::default().window;
            baseline = store.past(&self.selection, &frame, window);
        }
        let (values, told) = self.evaluate(&frame, &baseline);
        Made {
            selection: self.selection.clone(),
            baseline,
            frame,
            values: values.into(),
            told: Arc::new(told),
        }
    }

    fn evaluate(&self, frame: &Frame, baseline: &Baseline) -> (Vec<f64>, Told) {
        let mut values = Vec::with_capacity(self.selection.columns.len());
        let mut told = Told {
            selection: self.selection.clone(),
            texts: Vec::new(),
            faults: Vec::new(),
        };
        for (column, reading) in self.selection.readings(frame, baseline) {
            let id = || column.metric.id.clone();
            values.push(match reading {
                Ok(Value::Number(number)) => number,
                Ok(Value::Text(text)) => {
                    told.texts.push((id(), text));
                    f64::NAN
                }
                Err(fault) => {
                    told.faults.push((id(), fault));
                    f64::NAN
                }
            });
        }
        (values, told)
    }
}

impl Made {
    fn is_for(&self, session: &Session) -> bool {
        let same = |(ours, theirs): (&Option<Arc<_>>, &Option<Arc<_>>)| match (ours, theirs) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        Arc::ptr_eq(&self.selection, &session.selection)
            && self.baseline.len() == session.baseline.len()
            && self.baseline.iter().zip(&session.baseline).all(same)
    }
}

/// The next moment after `now` on the grid of the interval, which begins at boot for everybody, so
/// that sessions of one interval wake the service once. What was missed is skipped. The frame after
/// the first one is at least half an interval away from it.
fn next_due(now: Duration, interval: Duration, first: bool) -> Duration {
    let earliest = if first { now + interval / 2 } else { now };
    let steps = earliest.as_nanos() / interval.as_nanos() + 1;
    let nanoseconds = steps * interval.as_nanos();
    // The monotonic clock reaches 2^64 ns after 584 years.
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_on_a_grid() {
        let check = |now, interval, first, expected| {
            let due = next_due(
                Duration::from_millis(now),
                Duration::from_millis(interval),
                first,
            );
            assert_eq!(due, Duration::from_millis(expected));
        };
        check(1000, 500, false, 1500);
        check(1001, 500, false, 1500);
        check(1499, 500, false, 1500);
        // A tick that comes late by more than an interval skips what it missed.
        check(2600, 500, false, 3000);
        // The second frame does not come too soon after the first.
        check(1499, 500, true, 2000);
        check(1100, 500, true, 1500);
    }

    #[test]
    fn equal_intervals_share_every_moment() {
        let interval = Duration::from_millis(500);
        let (mut a, mut b) = (Duration::from_millis(17), Duration::from_millis(401));
        (a, b) = (next_due(a, interval, true), next_due(b, interval, true));
        while a < b {
            a = next_due(a, interval, false);
        }
        assert_eq!(a, b);
    }
}
