//! A history: the last snapshot of one source, and a few earlier ones as baselines for rates.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::reading::{Snapshot, Stamp};

/// The shortest time between two kept baselines, and their number.
///
/// A caller with an interval of 200 ms or more finds a baseline that is old enough, however often others read in
/// between.
const SPACING: Duration = Duration::from_millis(100);
const KEPT: usize = 4;

/// The longest age of a baseline, in windows. A rate describes the present, not the average since yesterday.
const BASELINE_WINDOWS: u32 = 10;

/// A snapshot with its moment. One from before a suspend is too old for every use.
pub(crate) trait Timed {
    /// The moment on all clocks.
    fn stamp(&self) -> Stamp;

    /// The moment on the monotonic clock.
    fn moment(&self) -> Duration {
        self.stamp().monotonic
    }
}

/// The last snapshot, and earlier ones.
#[derive(Debug)]
pub(crate) struct History<T> {
    latest: Option<Arc<T>>,
    baselines: Baselines<T>,
}

/// Snapshots that rates can start from, from the oldest to the newest.
#[derive(Debug)]
pub(crate) struct Baselines<T>(VecDeque<Arc<T>>);

impl Timed for Snapshot {
    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self {
            latest: None,
            baselines: Baselines::default(),
        }
    }
}

impl<T> Default for Baselines<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Timed> History<T> {
    /// The last snapshot, if it is from the moment `since` or later.
    pub(crate) fn latest(&self, since: Duration) -> Option<&Arc<T>> {
        let latest = self.latest.as_ref();
        latest.filter(|latest| latest.moment() >= since && !latest.stamp().is_before_suspend())
    }

    /// Drops the last snapshot. It may remain as a baseline.
    pub(crate) fn drop_latest(&mut self) {
        self.latest = None;
    }

    /// Adds a snapshot, which is the last one from now on.
    pub(crate) fn add(&mut self, snapshot: T) -> Arc<T> {
        let snapshot = Arc::new(snapshot);
        self.latest = Some(snapshot.clone());
        self.baselines.add(&snapshot);
        snapshot
    }

    /// Adds a baseline that is older than all others.
    #[cfg(feature = "service")]
    pub(crate) fn inherit(&mut self, snapshot: &Arc<T>) {
        self.baselines.inherit(snapshot);
    }

    /// See [`Baselines::baseline`].
    pub(crate) fn baseline(&self, now: Duration, window: Duration) -> Option<&Arc<T>> {
        self.baselines.baseline(now, window)
    }

    /// The snapshot that will be old enough first: the oldest within [`BASELINE_WINDOWS`].
    #[cfg(any(feature = "service", test))]
    pub(crate) fn next_baseline(&self, now: Duration, window: Duration) -> Option<&Arc<T>> {
        self.baselines.recent(now, window).next()
    }

    /// The number of kept baselines.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.baselines.0.len()
    }
}

impl<T: Timed> Baselines<T> {
    /// Adds a snapshot, unless the newest one is younger than [`SPACING`] beside it.
    pub(crate) fn add(&mut self, snapshot: &Arc<T>) {
        let age = |kept: &Arc<T>| snapshot.moment().saturating_sub(kept.moment());
        if self.0.back().is_none_or(|newest| age(newest) >= SPACING) {
            if self.0.len() == KEPT {
                self.0.pop_front();
            }
            self.0.push_back(snapshot.clone());
        }
    }

    #[cfg(feature = "service")]
    fn inherit(&mut self, snapshot: &Arc<T>) {
        let oldest = self.0.front();
        let is_older = oldest.is_none_or(|oldest| snapshot.moment() < oldest.moment());
        if is_older && self.0.len() < KEPT {
            self.0.push_front(snapshot.clone());
        }
    }

    /// The baseline of a rate at the moment `now`: the newest snapshot that is at least `window` old, but none older
    /// than [`BASELINE_WINDOWS`].
    pub(crate) fn baseline(&self, now: Duration, window: Duration) -> Option<&Arc<T>> {
        let mut recent = self.recent(now, window);
        recent.rfind(|kept| now.saturating_sub(kept.moment()) >= window)
    }

    fn recent(&self, now: Duration, window: Duration) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        let longest = window.saturating_mul(BASELINE_WINDOWS);
        let past = self.0.iter().filter(move |kept| kept.moment() < now);
        let recent = past.filter(move |kept| now.saturating_sub(kept.moment()) <= longest);
        recent.filter(|kept| !kept.stamp().is_before_suspend())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A snapshot at so many milliseconds, and how long the machine was suspended since.
    #[derive(Debug, PartialEq)]
    struct At(u64, Duration);

    impl Timed for At {
        fn stamp(&self) -> Stamp {
            let (now, moment) = (Stamp::now(), ms(self.0));
            let before = now.boottime.saturating_sub(now.monotonic);
            let boottime = moment.saturating_add(before).saturating_sub(self.1);
            Stamp {
                realtime: 0,
                monotonic: moment,
                boottime,
            }
        }
    }

    fn at(milliseconds: u64) -> At {
        At(milliseconds, Duration::ZERO)
    }

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn history(moments: &[u64]) -> History<At> {
        let mut history = History::default();
        for &moment in moments {
            history.add(at(moment));
        }
        history
    }

    #[test]
    fn the_last_snapshot_serves_if_it_is_young_enough() {
        let mut history = history(&[1000, 1010]);
        assert_eq!(history.latest(ms(1010)).map(|at| at.0), Some(1010));
        assert_eq!(history.latest(ms(1011)), None);
        history.drop_latest();
        assert_eq!(history.latest(ms(0)), None);
        assert_eq!(
            history.next_baseline(ms(1011), ms(20)).map(|at| at.0),
            Some(1000)
        );
    }

    #[test]
    fn a_snapshot_from_before_a_suspend_serves_no_more() {
        let mut history = History::default();
        history.add(At(1000, Duration::from_secs(1)));
        assert_eq!(history.latest(ms(0)), None);
        assert_eq!(history.baseline(ms(1300), ms(200)), None);
        assert_eq!(history.next_baseline(ms(1100), ms(200)), None);
        history.add(at(1200));
        assert_eq!(
            history.baseline(ms(1400), ms(200)),
            Some(&Arc::new(at(1200)))
        );
    }

    #[cfg(feature = "service")]
    #[test]
    fn a_baseline_of_another_process_is_the_oldest() {
        let mut history = History::default();
        history.inherit(&Arc::new(at(1000)));
        history.add(at(1300));
        let found = |history: &History<At>| history.baseline(ms(1300), ms(200)).map(|at| at.0);
        assert_eq!(found(&history), Some(1000));
        assert_eq!(history.latest(ms(0)).map(|at| at.0), Some(1300));
        // It is not younger than what this process has read.
        history.inherit(&Arc::new(at(1050)));
        assert_eq!(found(&history), Some(1000));
    }

    #[track_caller]
    fn check(moments: &[u64], now: u64, window: u64, past: Option<u64>, oldest: Option<u64>) {
        let history = history(moments);
        let (now, window) = (ms(now), ms(window));
        let found = history.baseline(now, window);
        assert_eq!(found.map(|at| at.0), past);
        assert_eq!(history.next_baseline(now, window).map(|at| at.0), oldest);
    }

    #[test]
    fn the_baseline_is_at_least_a_window_old() {
        check(&[], 1000, 200, None, None);
        // A snapshot is no baseline of itself.
        check(&[1000], 1000, 0, None, None);
        check(&[1000], 1001, 200, None, Some(1000));
        check(&[1000], 1200, 200, Some(1000), Some(1000));
        check(&[1000, 1100, 1200], 1350, 200, Some(1100), Some(1000));
        // Ten windows, and no more.
        check(&[1000], 3000, 200, Some(1000), Some(1000));
        check(&[1000], 3001, 200, None, None);
        // Snapshots that follow each other closely are not all kept.
        check(&[1000, 1001, 1099, 1100], 1300, 150, Some(1100), Some(1000));
        check(&[100, 200, 300, 400, 500], 500, 200, Some(300), Some(200));
        let moments: Vec<_> = (0..100).map(|at| at * 100).collect();
        assert_eq!(history(&moments).kept(), KEPT);
    }
}
