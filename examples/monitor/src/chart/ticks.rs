//! The lines of time: round moments of the user's clock.

use gtk::glib;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The times between two lines, and how their moments are printed.
const STEPS: [(u64, &str); 17] = [
    (SECOND, "%H:%M:%S"),
    (2 * SECOND, "%H:%M:%S"),
    (5 * SECOND, "%H:%M:%S"),
    (10 * SECOND, "%H:%M:%S"),
    (15 * SECOND, "%H:%M:%S"),
    (30 * SECOND, "%H:%M:%S"),
    (MINUTE, "%H:%M"),
    (2 * MINUTE, "%H:%M"),
    (5 * MINUTE, "%H:%M"),
    (10 * MINUTE, "%H:%M"),
    (15 * MINUTE, "%H:%M"),
    (30 * MINUTE, "%H:%M"),
    (HOUR, "%H:%M"),
    (3 * HOUR, "%a %H:%M"),
    (6 * HOUR, "%a %H:%M"),
    (12 * HOUR, "%a %H:%M"),
    (DAY, "%a %e %b"),
];

/// At most so many round moments from one time to another, in microseconds since the Unix epoch, with their labels. The offset
/// of the time zone is in microseconds.
pub(super) fn ticks(from: u64, to: u64, count: u64, offset: i64) -> Vec<(u64, String)> {
    let span = to.saturating_sub(from);
    let suits = |(step, _): &&(u64, &str)| {
        span.checked_div(*step)
            .is_some_and(|number| number <= count)
    };
    let Some(&(step, format)) = STEPS.iter().find(suits) else {
        return Vec::new();
    };
    let local = from.saturating_add_signed(offset);
    let past = local.checked_rem(step).unwrap_or(0);
    let first = from.saturating_sub(past);
    let moments =
        (0..=count).map(|index| first.saturating_add(step.saturating_mul(index.saturating_add(1))));
    let shown = moments.take_while(|moment| *moment <= to);
    shown
        .map(|moment| (moment, label(moment, format)))
        .collect()
}

/// A moment on the user's clock, to the second.
pub(super) fn clock(moment: u64) -> String {
    label(moment, "%H:%M:%S")
}

/// How far the user's clock is ahead of UTC at a moment, in microseconds.
pub(super) fn offset(moment: u64) -> i64 {
    let time = local(moment);
    time.map_or(0, |time| time.utc_offset().as_microseconds())
}

fn label(moment: u64, format: &str) -> String {
    let text = local(moment).and_then(|time| time.format(format).ok());
    text.map_or_else(String::new, |text| text.trim().to_owned())
}

fn local(moment: u64) -> Option<glib::DateTime> {
    let seconds = i64::try_from(moment.checked_div(SECOND)?).ok()?;
    glib::DateTime::from_unix_local(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(from: u64, to: u64, count: u64, offset: i64) -> Vec<u64> {
        let ticks = ticks(from * SECOND, to * SECOND, count, offset);
        ticks
            .into_iter()
            .map(|(moment, _)| moment / SECOND)
            .collect()
    }

    #[test]
    fn moments_are_round() {
        assert_eq!(seconds(1003, 1063, 4, 0), [1005, 1020, 1035, 1050]);
        assert_eq!(seconds(1003, 1063, 3, 0), [1020, 1050]);
        assert_eq!(seconds(0, 3600, 4, 0), [900, 1800, 2700, 3600]);
    }

    #[test]
    fn hours_are_those_of_the_time_zone() {
        let half_an_hour = 1800 * SECOND as i64;
        assert_eq!(seconds(36000, 43200, 2, half_an_hour), [37800, 41400]);
        assert_eq!(seconds(36000, 43200, 2, -half_an_hour), [37800, 41400]);
    }

    #[test]
    fn a_span_that_is_too_long_has_no_lines() {
        assert!(ticks(0, u64::MAX, 4, 0).is_empty());
        assert!(ticks(5, 5, 0, 0).len() <= 1);
        assert!(ticks(u64::MAX, 0, 4, 0).is_empty());
    }
}
