//! The samples of one metric, in a bounded ring.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use sampled_client::Fault;

use crate::i18n::gettext;

/// The samples of one metric, ordered by time. When the ring is full, the oldest sample goes.
#[derive(Clone, Debug)]
pub struct Samples {
    points: VecDeque<Sample>,
    /// The reasons for points without a value: each holds from its time to that of the next.
    absences: VecDeque<(u64, Absence)>,
    capacity: usize,
}

/// A value, or its absence, at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The moment of reading, in microseconds since the Unix epoch.
    pub time: u64,
    /// The value in the unit of the metric; NaN in a gap.
    pub value: f64,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The service says why it has none.
    Fault(Fault),
    /// The user has paused the window.
    Paused,
    /// Nobody has read it: the window was hidden, or showed another page.
    Unread,
    /// The service did not run, or did not answer.
    Disconnected,
}

impl Samples {
    /// An empty ring for so many samples, but at least one.
    pub fn new(capacity: usize) -> Self {
        Self {
            points: VecDeque::new(),
            absences: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    /// The same, to share with charts.
    pub fn shared(capacity: usize) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self::new(capacity)))
    }

    /// Appends what was read at a time. If the clock was set back, the samples from that time on are removed: two samples of
    /// one time cannot be drawn.
    pub fn push(&mut self, time: u64, reading: Result<f64, Absence>) {
        let is_later = |other: u64| other >= time;
        while self.points.back().is_some_and(|point| is_later(point.time)) {
            self.points.pop_back();
        }
        while self
            .absences
            .back()
            .is_some_and(|(other, _)| is_later(*other))
        {
            self.absences.pop_back();
        }
        let value = match reading {
            Ok(value) => value,
            Err(absence) => {
                self.note(time, absence);
                f64::NAN
            }
        };
        self.points.push_back(Sample { time, value });
        if self.points.len() > self.capacity {
            self.points.pop_front();
            self.forget_absences();
        }
    }

    /// The samples of a time range, with the one before it and the one after it, so that lines reach its edges.
    pub fn range(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = Sample> + '_ {
        let first = self.points.partition_point(|point| point.time < from);
        let end = self.points.partition_point(|point| point.time <= to);
        let end = end.saturating_add(1).min(self.points.len());
        let first = first.saturating_sub(1).min(end);
        self.points.range(first..end).copied()
    }

    /// The sample that was the newest one at a time.
    pub fn at(&self, time: u64) -> Option<Sample> {
        let after = self.points.partition_point(|point| point.time <= time);
        self.points.get(after.checked_sub(1)?).copied()
    }

    /// Why there was no value at a time, if there was none.
    pub fn absence_at(&self, time: u64) -> Option<Absence> {
        if !self.at(time)?.value.is_nan() {
            return None;
        }
        let after = self.absences.partition_point(|(other, _)| *other <= time);
        let (_, absence) = self.absences.get(after.checked_sub(1)?)?;
        Some(*absence)
    }

    /// The newest sample.
    pub fn newest(&self) -> Option<Sample> {
        self.points.back().copied()
    }

    /// The oldest sample.
    pub fn oldest(&self) -> Option<Sample> {
        self.points.front().copied()
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Notes an absence, unless the gap has the same reason already.
    fn note(&mut self, time: u64, absence: Absence) {
        let continues = self.points.back().is_some_and(|point| point.value.is_nan())
            && self
                .absences
                .back()
                .is_some_and(|(_, last)| *last == absence);
        if !continues {
            self.absences.push_back((time, absence));
        }
    }

    /// Forgets the absences that ended before the oldest sample.
    fn forget_absences(&mut self) {
        let Some(oldest) = self.oldest() else { return };
        while self
            .absences
            .get(1)
            .is_some_and(|(next, _)| *next <= oldest.time)
        {
            self.absences.pop_front();
        }
    }
}

impl Absence {
    /// A word for it, in the language of the user.
    pub fn word(self) -> String {
        match self {
            Self::Paused => gettext("paused"),
            Self::Unread => gettext("not read"),
            Self::Disconnected => gettext("no service"),
            Self::Fault(Fault::First) => gettext("no baseline yet"),
            Self::Fault(Fault::Gap) => gettext("suspended"),
            Self::Fault(Fault::Reset) => gettext("reset"),
            Self::Fault(Fault::Stale) => gettext("stale"),
            Self::Fault(Fault::Asleep) => gettext("asleep"),
            Self::Fault(Fault::Denied) => gettext("denied"),
            Self::Fault(Fault::Timeout) => gettext("timeout"),
            Self::Fault(Fault::Gone) => gettext("gone"),
            Self::Fault(Fault::Malformed) => gettext("malformed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASLEEP: Absence = Absence::Fault(Fault::Asleep);

    fn samples(times: &[u64]) -> Samples {
        let mut samples = Samples::new(4);
        for &time in times {
            samples.push(time, Ok(time as f64));
        }
        samples
    }

    fn times(samples: &Samples, from: u64, to: u64) -> Vec<u64> {
        samples.range(from, to).map(|sample| sample.time).collect()
    }

    #[test]
    fn a_full_ring_drops_the_oldest_sample() {
        assert_eq!(times(&samples(&[1, 2, 3, 4, 5, 6]), 0, 9), [3, 4, 5, 6]);
    }

    #[test]
    fn a_range_has_a_sample_beyond_each_edge() {
        let samples = samples(&[10, 20, 30, 40]);
        assert_eq!(times(&samples, 15, 35), [10, 20, 30, 40]);
        assert_eq!(times(&samples, 20, 20), [10, 20, 30]);
        assert_eq!(times(&samples, 50, 60), [40]);
        assert_eq!(times(&samples, 0, 5), [10]);
        assert!(times(&samples, 35, 15).is_empty());
        assert!(times(&Samples::new(4), 0, 9).is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_replaces_samples() {
        let mut samples = samples(&[10, 20, 30]);
        samples.push(20, Err(ASLEEP));
        assert_eq!(times(&samples, 0, 99), [10, 20]);
        assert_eq!(samples.absence_at(25), Some(ASLEEP));
        samples.push(15, Ok(1.0));
        assert_eq!(samples.absence_at(25), None);
    }

    #[test]
    fn a_gap_has_the_word_of_its_moment() {
        let mut samples = Samples::new(9);
        for (time, reading) in [
            (10, Ok(1.0)),
            (20, Err(ASLEEP)),
            (30, Err(ASLEEP)),
            (40, Err(Absence::Paused)),
            (50, Ok(2.0)),
            (60, Err(Absence::Paused)),
        ] {
            samples.push(time, reading);
        }
        let at = |time| samples.absence_at(time);
        assert_eq!(
            [at(5), at(15), at(25), at(39)],
            [None, None, Some(ASLEEP), Some(ASLEEP)]
        );
        assert_eq!(
            [at(40), at(55), at(99)],
            [Some(Absence::Paused), None, Some(Absence::Paused)]
        );
    }

    #[test]
    fn absences_are_bounded_as_samples_are() {
        let mut samples = Samples::new(4);
        for time in 0..1000 {
            let absence = if time % 2 == 0 {
                ASLEEP
            } else {
                Absence::Paused
            };
            samples.push(time, Err(absence));
        }
        assert!(samples.absences.len() <= 5);
        assert_eq!(samples.absence_at(996), Some(ASLEEP));
        assert_eq!(samples.absence_at(997), Some(Absence::Paused));
    }
}
