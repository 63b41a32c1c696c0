//! The selection of a session of metrics, and its frames: reads compared with the session's last frame.

use std::{sync::Arc, time::Duration};

use crate::{
    sample,
    store::{Baseline, Selection, Store},
};

use super::{
    event::Event,
    record,
    told::{Content, Differences, Told},
};
use crate::service::history::KeptFrame;

/// The metrics of a session, its baseline, and the state that its receivers know.
pub(crate) struct Metrics {
    /// The selectors of the call, which are resolved again when the catalog changes.
    selectors: Vec<String>,
    pub(crate) selection: Arc<Selection>,
    /// Its last frame; empty before its first one. Sessions that share their frames share it.
    baseline: Arc<Baseline>,
    told: Option<Told>,
    /// The timestamp of the last frame.
    timestamp: u64,
    /// The selectors that match nothing now.
    pub(super) missing: Vec<Arc<str>>,
    /// The interval of the session, if its readings are kept in the history.
    pub(super) kept_every: Option<Duration>,
}

/// The frames of one tick. Sessions with the same selection and the same baseline share a frame, in whatever
/// order the sessions come: of fifty such sessions, 49 cost little more than their signals.
#[derive(Default)]
pub(super) struct SharedFrames(Vec<SharedFrame>);

/// A frame, and the selection and baseline that it was made from.
struct SharedFrame {
    selection: Arc<Selection>,
    baseline: Arc<Baseline>,
    /// The baseline of the next frame.
    next: Arc<Baseline>,
    timestamp: u64,
    values: Arc<[f64]>,
    content: Arc<Content>,
    /// The record for streams, once one has needed it.
    record: Option<Arc<[u8]>>,
    /// The shortest interval of its sessions whose readings are kept in the history.
    kept_every: Option<Duration>,
}

impl Metrics {
    pub(crate) fn new(selectors: &[&str], selection: Arc<Selection>) -> Self {
        let selectors = selectors.iter().map(|&selector| selector.to_owned());
        Self {
            selectors: selectors.collect(),
            missing: selection.missing().to_vec(),
            selection,
            baseline: Arc::default(),
            told: None,
            timestamp: 0,
            kept_every: None,
        }
    }

    /// The columns, texts and faults that the receivers of the frames know.
    pub(crate) fn describe(&self) -> Differences {
        Told::describe(self.told.as_ref(), &self.selection)
    }

    /// Tells everything again with the next frame: it has receivers that have missed differences.
    pub(super) fn tell_all(&mut self) {
        self.told = None;
    }

    /// The number of columns, or of selectors if there are more: a session keeps both.
    pub(super) fn weight(&self) -> usize {
        self.selection.columns.len().max(self.selectors.len())
    }

    /// Resolves the selectors again. Keeps the old selection if the new one has more than `limit` columns.
    /// `Changed` precedes the next frame.
    pub(super) fn reselect(&mut self, store: &Store, limit: usize) {
        let selectors: Vec<&str> = self.selectors.iter().map(String::as_str).collect();
        let selection = store.resolve_again(&selectors, &self.selection);
        self.missing = selection.missing().to_vec();
        if selection.columns.len() > limit || selection.is_same(&self.selection) {
            return;
        }
        let baseline = selection.carry_over(&self.selection, &self.baseline);
        self.baseline = Arc::new(baseline);
        self.selection = selection;
    }

    /// Takes a frame at `now` and returns its events. Those of a gap, with this timestamp, come first. `frames` are the
    /// frames of the tick so far.
    pub(super) fn frame(
        &mut self,
        store: &Store,
        now: Duration,
        gap: Option<u64>,
        frames: &mut SharedFrames,
    ) -> impl Iterator<Item = Event> + use<> {
        let shared = frames.get_or_make(self, store, now);
        let SharedFrame {
            content, values, ..
        } = shared;
        let timestamp = shared.timestamp;
        self.baseline = shared.next.clone();
        let after_last = self.timestamp.saturating_add(1);
        self.timestamp = timestamp;
        let (told, selection) = (&mut self.told, &self.selection);
        let gap = gap.map(|timestamp| {
            let timestamp = timestamp.max(after_last);
            let content = Arc::new(content.of_gap(values.len()));
            let changed = Told::update(told, selection, &content, now);
            events(changed, timestamp, no_values(values.len()))
        });
        let changed = Told::update(told, selection, content, now);
        let fresh = events(changed, timestamp, values.clone());
        gap.into_iter().flatten().chain(fresh)
    }

    /// The record of a gap behind the last one, for a stream.
    pub(super) fn gap_record(&self, timestamp: u64) -> Arc<[u8]> {
        let timestamp = timestamp.max(self.timestamp.saturating_add(1));
        record::encode(timestamp, &no_values(self.selection.columns.len()))
    }

    /// Takes a frame at `now` and returns its timestamp and its values; NaN stands for a fault or a text.
    pub(super) fn values(
        &mut self,
        store: &Store,
        now: Duration,
        frames: &mut SharedFrames,
    ) -> (u64, Arc<[f64]>) {
        let shared = frames.get_or_make(self, store, now);
        self.baseline = shared.next.clone();
        (shared.timestamp, shared.values.clone())
    }

    /// Takes a frame at `now` for a stream and returns its record.
    pub(super) fn record(
        &mut self,
        store: &Store,
        now: Duration,
        frames: &mut SharedFrames,
    ) -> Arc<[u8]> {
        let shared = frames.get_or_make(self, store, now);
        self.baseline = shared.next.clone();
        Told::replace(&mut self.told, &self.selection, &shared.content, now);
        let (timestamp, values) = (shared.timestamp, &shared.values);
        self.timestamp = timestamp;
        let record = &mut shared.record;
        record
            .get_or_insert_with(|| record::encode(timestamp, values))
            .clone()
    }

    fn make(&mut self, store: &Store, now: Duration) -> SharedFrame {
        let frame = store.read(&self.selection, now);
        let baseline = &self.baseline;
        let (values, content) = if baseline.is_empty() {
            let window = sample::SampleTiming::default().window;
            let existing_baseline = store.existing_baseline(&self.selection, &frame, window);
            Content::evaluate(&self.selection, &frame, &existing_baseline)
        } else {
            Content::evaluate(&self.selection, &frame, baseline)
        };
        SharedFrame {
            selection: self.selection.clone(),
            baseline: baseline.clone(),
            timestamp: frame.timestamp,
            next: Arc::new(frame.into_baseline_after(baseline)),
            values: values.into(),
            content: Told::share(self.told.as_ref(), content),
            record: None,
            kept_every: None,
        }
    }
}

/// The events of a frame.
fn events(
    changed: Option<Differences>,
    timestamp: u64,
    values: Arc<[f64]>,
) -> impl Iterator<Item = Event> + use<> {
    let changed = changed.map(|differences| Event::Changed(Arc::new(differences)));
    let sampled = Event::Sampled(timestamp, values);
    changed.into_iter().chain([sampled])
}

/// The values of a gap.
fn no_values(columns: usize) -> Arc<[f64]> {
    std::iter::repeat_n(f64::NAN, columns).collect()
}

impl SharedFrames {
    fn get_or_make(
        &mut self,
        metrics: &mut Metrics,
        store: &Store,
        now: Duration,
    ) -> &mut SharedFrame {
        // Searched from the end: most often the last one matches.
        let known = self.0.iter().rposition(|shared| shared.is_for(metrics));
        let index = known.unwrap_or_else(|| {
            self.0.push(metrics.make(store, now));
            self.0.len().saturating_sub(1)
        });
        let shared = &mut self.0[index];
        let every = [shared.kept_every, metrics.kept_every];
        shared.kept_every = every.into_iter().flatten().min();
        shared
    }

    /// The frames that are kept in the history.
    pub(super) fn kept(&self) -> impl Iterator<Item = KeptFrame<'_>> {
        self.0.iter().filter_map(|shared| {
            Some(KeptFrame {
                selection: &shared.selection,
                interval: shared.kept_every?,
                timestamp: shared.timestamp,
                values: &shared.values,
                is_first: shared.baseline.is_empty(),
            })
        })
    }
}

impl SharedFrame {
    fn is_for(&self, metrics: &Metrics) -> bool {
        let same = |(ours, theirs): (&Option<Arc<_>>, &Option<Arc<_>>)| match (ours, theirs) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        let (ours, theirs) = (&self.baseline, &metrics.baseline);
        let is_same_baseline = || {
            Arc::ptr_eq(ours, theirs)
                || ours.len() == theirs.len() && ours.iter().zip(&**theirs).all(same)
        };
        Arc::ptr_eq(&self.selection, &metrics.selection) && is_same_baseline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        reading::monotonic,
        service::{
            limits::Limits,
            session::{Session, Sessions, Subject},
        },
        source::Roots,
        sources,
    };

    #[test]
    fn alternating_sessions_share_frames() {
        let store = Store::new(sources::all(&Roots::default()));
        let mut sessions = Sessions::default();
        let all = [["cpu"], ["memory"]].into_iter().cycle().take(8);
        for selectors in all {
            let selection = store.resolve(&selectors).unwrap();
            let subject = Subject::Metrics(Metrics::new(&selectors, selection));
            let interval = Duration::from_millis(50);
            let session = Session::new(":1.1".into(), String::new(), interval, subject, None);
            let session = sessions.add(session, Limits::default()).unwrap();
            sessions.begin(session);
        }
        for _ in 0..3 {
            let now = sessions.next_due().unwrap().max(monotonic());
            let (notices, _) = sessions.tick(&store, now);
            let frames = notices.into_iter().filter_map(|notice| match notice.event {
                Event::Sampled(_, values) => Some(values),
                _ => None,
            });
            let frames: Vec<_> = frames.collect();
            assert_eq!(frames.len(), 8);
            for (index, frame) in frames.iter().enumerate() {
                assert!(Arc::ptr_eq(frame, &frames[index % 2]), "{index}");
            }
        }
    }
}
