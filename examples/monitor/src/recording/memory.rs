//! The recording of all metrics.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sampled_client::{Catalog, Frame, Value, is_gap};

use super::{Absence, Samples};

/// The number of samples that are kept of each metric: an hour at one a second.
const CAPACITY: usize = 3600;

/// The samples and the newest texts of metrics, by id.
#[derive(Debug, Default)]
pub struct Recording {
    tracks: RefCell<HashMap<String, Track>>,
    texts: RefCell<HashMap<String, Rc<str>>>,
    /// The number of sessions so far.
    session: Cell<u32>,
    /// The time between frames of the session, in microseconds.
    interval: Cell<u64>,
}

/// The samples of a metric.
#[derive(Debug)]
struct Track {
    samples: Rc<RefCell<Samples>>,
    /// The number of the last session that has read it.
    session: u32,
    /// Whether the newest sample is of the past.
    is_past: bool,
}

impl Recording {
    /// The samples of a metric, to share with charts. They are empty until it is read.
    pub fn samples(&self, id: &str) -> Rc<RefCell<Samples>> {
        let mut tracks = self.tracks.borrow_mut();
        if let Some(track) = tracks.get(id) {
            return track.samples.clone();
        }
        let samples = Samples::shared(CAPACITY);
        let track = Track {
            samples: samples.clone(),
            session: self.session.get(),
            is_past: false,
        };
        tracks.insert(id.to_owned(), track);
        samples
    }

    /// The newest reading of a number, or why there is none; `None` before the first one.
    pub fn number(&self, id: &str) -> Option<Result<f64, Absence>> {
        let tracks = self.tracks.borrow();
        let samples = tracks.get(id)?.samples.borrow();
        let newest = samples.newest()?;
        Some(match samples.absence_at(newest.time) {
            Some(absence) => Err(absence),
            None => Ok(newest.value),
        })
    }

    /// The newest text of a metric.
    pub fn text(&self, id: &str) -> Option<Rc<str>> {
        self.texts.borrow().get(id).cloned()
    }

    /// The time of the oldest sample, in microseconds since the Unix epoch.
    pub fn oldest(&self) -> Option<u64> {
        let tracks = self.tracks.borrow();
        let oldest = tracks
            .values()
            .filter_map(|track| track.samples.borrow().oldest());
        oldest.map(|sample| sample.time).min()
    }

    /// Begins to record a session with so many microseconds between frames.
    pub fn begin(&self, interval: u64) {
        self.session.set(self.session.get().wrapping_add(1));
        self.interval.set(interval);
    }

    /// Takes over a frame that was just read.
    pub fn take(&self, frame: &Frame) {
        self.take_newer(frame, false);
    }

    /// Takes over a frame of the past: of each metric, what is newer than its newest sample.
    pub fn take_past(&self, frame: &Frame) {
        self.take_newer(frame, true);
    }

    fn take_newer(&self, frame: &Frame, is_past: bool) {
        let time = frame.timestamp;
        for (id, reading) in frame.readings() {
            let reading = match reading {
                Ok(Value::Text(text)) => {
                    self.take_text(id, &text);
                    continue;
                }
                Ok(Value::Number(number)) => Ok(number),
                // The history keeps no reason.
                Err(_) if is_past => Err(Absence::Unread),
                Err(fault) => Err(Absence::Fault(fault)),
            };
            let samples = self.resume(id, time, is_past);
            let mut samples = samples.borrow_mut();
            if !is_past || samples.newest().is_none_or(|newest| newest.time < time) {
                samples.push(time, reading);
            }
        }
    }

    fn take_text(&self, id: &str, text: &str) {
        let mut texts = self.texts.borrow_mut();
        match texts.get_mut(id) {
            Some(known) if **known == *text => {}
            Some(known) => *known = text.into(),
            None => drop(texts.insert(id.to_owned(), text.into())),
        }
    }

    /// The samples of a metric. A gap begins after the newest one if that is too old: no session has read the metric since, or the
    /// service was stopped. The past has its own gaps, and is of sessions with other intervals.
    fn resume(&self, id: &str, time: u64, is_past: bool) -> Rc<RefCell<Samples>> {
        let samples = self.samples(id);
        if let Some(track) = self.tracks.borrow_mut().get_mut(id) {
            let is_first = track.session != self.session.get();
            let follows = !track.is_past && !is_past;
            (track.session, track.is_past) = (self.session.get(), is_past);
            let interval = self.interval.get();
            let mut samples = samples.borrow_mut();
            if let Some(newest) = samples.newest()
                && (is_first || follows)
                && !newest.value.is_nan()
                && is_gap(newest.time, time, Duration::from_micros(interval))
            {
                samples.push(newest.time.saturating_add(interval), Err(Absence::Unread));
            }
        }
        samples
    }

    /// Begins a gap, now, in all metrics that have been read until now.
    pub fn interrupt(&self, absence: Absence) {
        let now = now();
        for track in self.tracks.borrow().values() {
            let mut samples = track.samples.borrow_mut();
            if let Some(newest) = samples.newest()
                && track.session == self.session.get()
                && !newest.value.is_nan()
            {
                samples.push(now.max(newest.time.saturating_add(1)), Err(absence));
            }
        }
    }

    /// Forgets the metrics that a machine has no more, except those that are still shown.
    pub fn retain(&self, catalog: &Catalog) {
        let mut tracks = self.tracks.borrow_mut();
        tracks.retain(|id, track| catalog.has(id) || Rc::strong_count(&track.samples) > 1);
        self.texts.borrow_mut().retain(|id, _| catalog.has(id));
    }
}

/// The time now, in microseconds since the Unix epoch.
pub fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use sampled_client::{Fault, Reading};

    use super::*;

    const LOAD: &str = "cpu/loadaverages/loadaverage1";

    fn frame(timestamp: u64, reading: Reading) -> Frame {
        Frame::new(timestamp, [(LOAD.to_owned(), reading)])
    }

    fn number(number: f64) -> Reading {
        Ok(Value::Number(number))
    }

    fn recorded(recording: &Recording) -> Vec<(u64, Option<Absence>)> {
        let samples = recording.samples(LOAD);
        let samples = samples.borrow();
        let times = samples.range(0, u64::MAX).map(|sample| sample.time);
        times.map(|time| (time, samples.absence_at(time))).collect()
    }

    #[test]
    fn the_past_fills_what_this_window_has_not_read() {
        let recording = Recording::default();
        recording.begin(10);
        recording.take(&frame(100, number(1.0)));
        recording.begin(10);
        for time in [90, 100, 110, 120] {
            recording.take_past(&frame(time, number(9.0)));
        }
        recording.take(&frame(130, number(1e300)));
        let times: Vec<u64> = recorded(&recording).iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [100, 110, 120, 130]);
        assert_eq!(recording.number(LOAD), Some(Ok(1e300)));
        assert_eq!(recording.oldest(), Some(100));
    }

    #[test]
    fn time_without_a_frame_is_a_gap() {
        let recording = Recording::default();
        let gap = |time| (time, Some(Absence::Unread));
        recording.begin(10);
        recording.take(&frame(100, number(1.0)));
        recording.begin(10);
        recording.take(&frame(200, number(1.0)));
        // Within a session, a frame may be late.
        recording.take(&frame(230, number(1.0)));
        let without_session = [(100, None), gap(110), (200, None), (230, None)];
        assert_eq!(recorded(&recording), without_session);
        // The service was stopped.
        recording.take(&frame(300, number(1.0)));
        assert_eq!(recorded(&recording)[4..], [gap(240), (300, None)]);
    }

    #[test]
    fn the_past_has_its_own_gaps() {
        let recording = Recording::default();
        recording.begin(10);
        // A session that reads less often has read this.
        recording.take_past(&frame(100, number(1.0)));
        recording.take_past(&frame(200, number(1.0)));
        recording.take(&frame(300, number(1.0)));
        assert_eq!(
            recorded(&recording),
            [100, 200, 300].map(|time| (time, None))
        );
    }

    #[test]
    fn a_gap_has_its_reason() {
        let recording = Recording::default();
        recording.begin(10);
        recording.take(&frame(100, Err(Fault::Asleep)));
        assert_eq!(
            recording.number(LOAD),
            Some(Err(Absence::Fault(Fault::Asleep)))
        );
        recording.interrupt(Absence::Paused);
        assert_eq!(recorded(&recording).len(), 1, "the gap has begun already");
        recording.take(&frame(110, number(1.0)));
        recording.interrupt(Absence::Disconnected);
        assert_eq!(recording.number(LOAD), Some(Err(Absence::Disconnected)));
    }

    #[test]
    fn what_is_gone_and_not_shown_is_forgotten() {
        let recording = Recording::default();
        recording.begin(10);
        recording.take(&frame(100, number(1.0)));
        let shown = recording.samples(LOAD);
        recording.retain(&Catalog::default());
        assert!(recording.number(LOAD).is_some());
        drop(shown);
        recording.retain(&Catalog::default());
        assert!(recording.number(LOAD).is_none());
    }
}
