//! The times of a command's runs: while somebody asks, at most once per interval, and less often while it fails.

use std::time::{Duration, Instant};

use crate::custom::command::after;

/// Requests that are no further apart count as continuous interest.
const INTEREST: Duration = Duration::from_secs(10);

/// The longest pause after failures, unless the interval is longer.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The shortest and the longest interval. Longer ones are beyond the range of a clock.
const INTERVALS: [Duration; 2] = [
    Duration::from_millis(10),
    Duration::from_secs(366 * 24 * 60 * 60),
];

/// The times of one command.
pub(super) struct Schedule {
    interval: Duration,
    /// Whether it runs continuously while somebody asks.
    is_steady: bool,
    /// The first and the last request of the current period of interest.
    asked: Option<(Instant, Instant)>,
    /// The earliest start of the next run. `None` before the first run.
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

    /// Notes a request.
    pub(super) fn ask(&mut self, now: Instant) {
        self.asked = match self.asked {
            Some((first, _)) if self.is_wanted(now) => Some((first, now)),
            _ => Some((now, now)),
        };
    }

    /// Whether the interest in the command lasts.
    pub(super) fn is_wanted(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    /// Whether a run is due, provided that none is under way.
    ///
    /// A single request starts one run. Requests over half an interval are expected to continue, so the command
    /// runs in every interval, and they find an output that is no older.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some((first, last)) = self.asked.filter(|_| self.is_wanted(now)) else {
            return false;
        };
        let will_continue =
            self.is_steady || last.duration_since(first).saturating_mul(2) >= self.interval;
        self.due
            .is_none_or(|due| due <= now && (due <= last || will_continue))
    }

    /// The next moment at which the schedule changes while nothing runs: a run falls due, or the interest ends. `None`
    /// without interest.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let until = self.until().filter(|&until| now < until)?;
        let due = self.due.filter(|&due| now < due);
        Some(due.map_or(until, |due| due.min(until)))
    }

    /// A run begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.due = Some(after(now, self.interval));
    }

    /// Notes an output.
    pub(super) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Notes a failure. The pause is an interval at first, and doubles with each further failure.
    pub(super) fn fail(&mut self, now: Instant) {
        let factor = 1 << self.failures.min(20);
        self.failures = self.failures.saturating_add(1);
        let longest = LONGEST.max(self.interval);
        let pause = self.interval.saturating_mul(factor).min(longest);
        self.due = Some(after(now, pause));
    }

    /// The end of the interest, which may be in the past.
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

    /// Compares the seconds in which runs begin, for requests in these seconds. The runs take no time.
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
    fn runs_follow_requests() {
        check(10, |_| false, &[]);
        check(10, |second| second == 3, &[3]);
        check(10, |second| second == 3 || second == 4, &[3]);
        // Continuous requests, and then the rest of the interest.
        check(10, |second| second < 31, &[0, 10, 20, 30, 40, 50]);
        check(1, |second| second < 2, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        // Requests far apart: each starts a run, and finds the output of the run before.
        check(10, |second| second % 40 == 0, &[0, 40, 80]);
        // Further apart than the interval, but close enough for continuous runs.
        check(
            10,
            |second| second % 15 == 0,
            &[0, 15, 25, 35, 45, 55, 65, 75, 85, 95],
        );
    }

    #[test]
    fn pauses_double_with_each_failure() {
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
    fn next_change() {
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
