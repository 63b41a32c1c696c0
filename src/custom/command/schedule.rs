//! When a command is run: while somebody asks, never twice in an interval, and less often while it fails.

use std::time::{Duration, Instant};

use super::after;

/// Whoever asks as often is interested all the time.
const INTEREST: Duration = Duration::from_secs(10);

/// What fails is tried again after as long, at the latest.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// Something runs so often at most and so seldom at least, whatever is asked for: no clock can tell every
/// moment that could be asked for.
const INTERVALS: [Duration; 2] = [
    Duration::from_millis(10),
    Duration::from_secs(366 * 24 * 60 * 60),
];

/// The times of one command.
pub(super) struct Schedule {
    interval: Duration,
    /// Whether it runs all the time while somebody asks.
    is_steady: bool,
    /// The first and the last time of a time in which somebody asks.
    asked: Option<(Instant, Instant)>,
    /// The next run begins no earlier. None while there was none.
    due: Option<Instant>,
    failures: u32,
}

impl Schedule {
    pub(super) fn new(interval: Duration, is_steady: bool) -> Self {
        Self {
            interval: interval.clamp(INTERVALS[0], INTERVALS[1]),
            is_steady,
            asked: None,
            due: None,
            failures: 0,
        }
    }

    /// Somebody asks.
    pub(super) fn ask(&mut self, now: Instant) {
        self.asked = match self.asked {
            Some((first, _)) if self.is_wanted(now) => Some((first, now)),
            _ => Some((now, now)),
        };
    }

    /// Whether somebody has asked for it not long ago.
    pub(super) fn is_wanted(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    /// Whether a run begins now, if there is none.
    ///
    /// One who asks once gets one run. Who has asked for half an interval will go on, and finds what is
    /// no older than an interval.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some((first, last)) = self.asked.filter(|_| self.is_wanted(now)) else {
            return false;
        };
        let will_go_on =
            self.is_steady || last.duration_since(first).saturating_mul(2) >= self.interval;
        self.due
            .is_none_or(|due| due <= now && (due <= last || will_go_on))
    }

    /// When something may change by itself while nothing runs: a run is due, or nobody asks any more. None if
    /// nobody does.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let until = self.until().filter(|&until| now < until)?;
        let due = self.due.filter(|&due| now < due);
        Some(due.map_or(until, |due| due.min(until)))
    }

    /// A run begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.due = Some(after(now, self.interval));
    }

    /// It has said something.
    pub(super) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// It has failed: the next run is an interval away at first, and twice as far each time.
    pub(super) fn fail(&mut self, now: Instant) {
        let factor = 1 << self.failures.min(20);
        self.failures = self.failures.saturating_add(1);
        let longest = LONGEST.max(self.interval);
        let pause = self.interval.saturating_mul(factor).min(longest);
        self.due = Some(after(now, pause));
    }

    /// When the interest ends, or has ended.
    pub(super) fn until(&self) -> Option<Instant> {
        let (_, last) = self.asked?;
        let intervals = self.interval.min(LONGEST).saturating_mul(3);
        Some(after(last, INTEREST.max(intervals)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The seconds in which a run of no length begins, when it is asked for in these.
    #[track_caller]
    fn check(interval: u32, asked: impl Fn(u32) -> bool, expected: &[u32]) {
        let start = Instant::now();
        let mut schedule = Schedule::new(interval * SECOND, false);
        let mut begun = Vec::new();
        for second in 0..100 {
            let now = start + second * SECOND;
            if asked(second) {
                schedule.ask(now);
            }
            if schedule.is_due(now) {
                schedule.begin(now);
                begun.push(second);
            }
        }
        assert_eq!(begun, expected);
    }

    #[test]
    fn runs_follow_who_asks() {
        check(10, |_| false, &[]);
        check(10, |second| second == 3, &[3]);
        check(10, |second| second == 3 || second == 4, &[3]);
        // All the time, and a while longer.
        check(10, |second| second < 31, &[0, 10, 20, 30, 40, 50]);
        check(1, |second| second < 2, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        // As seldom as that: each time, and what is found then is from the time before.
        check(10, |second| second % 40 == 0, &[0, 40, 80]);
        // More seldom than it may run, and often enough to have it run on.
        check(
            10,
            |second| second % 15 == 0,
            &[0, 15, 25, 35, 45, 55, 65, 75, 85, 95],
        );
    }

    #[test]
    fn failures_are_further_and_further_apart() {
        let mut now = Instant::now();
        let mut schedule = Schedule::new(10 * SECOND, true);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            schedule.ask(now);
            assert!(schedule.is_due(now));
            schedule.begin(now);
            schedule.fail(now);
            let due = schedule.due.unwrap();
            pauses.push((due - now).as_secs());
            schedule.ask(due);
            now = due;
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300]);
        schedule.succeed();
        schedule.fail(now);
        assert_eq!(schedule.due, Some(now + 10 * SECOND));
        // A long interval is not shortened.
        let mut seldom = Schedule::new(3600 * SECOND, false);
        seldom.fail(now);
        seldom.fail(now);
        assert_eq!(seldom.due, Some(now + 3600 * SECOND));
    }

    #[test]
    fn what_changes_next() {
        let start = Instant::now();
        let mut schedule = Schedule::new(SECOND, false);
        assert_eq!(schedule.next(start), None);
        schedule.ask(start);
        schedule.begin(start);
        assert_eq!(schedule.next(start), Some(start + SECOND));
        assert_eq!(schedule.next(start + SECOND), Some(start + 10 * SECOND));
        assert_eq!(schedule.next(start + 10 * SECOND), None);
    }
}
