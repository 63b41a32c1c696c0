//! The description of a chart for a screen reader.

use super::{Series, TimeAxis, cursor, ticks};
use crate::{
    i18n::{count, gettext_f, ngettext_f},
    recording::{Absence, Samples},
};

/// The value of each series at the cursor, or else the newest; then, of the first one, the readings and the gaps of the shown
/// time.
pub(super) fn of_series(series: &[Series], unit: &str, axis: &TimeAxis) -> String {
    let moment = match axis.cursor() {
        0 => u64::MAX,
        cursor => cursor,
    };
    let values = series
        .iter()
        .map(|series| cursor::value_at(series, unit, moment));
    let mut values = values.collect::<Vec<_>>().join(", ");
    if axis.cursor() != 0 {
        let time = ticks::clock(moment);
        // Translators: what a screen reader tells of the moment that the user points at: "12:30:05: Read 12 MiB/s".
        values = gettext_f("{time}: {values}", &[("time", &time), ("values", &values)]);
    }
    let Some(first) = series.first() else {
        return values;
    };
    let past = Past::of(&first.samples.borrow(), axis.start(), axis.end());
    let readings = count(past.readings, |number, values| {
        ngettext_f("{count} reading", "{count} readings", number, values)
    });
    let values = [("values", values.as_str()), ("readings", &readings)];
    let Some(word) = past.last_gap.map(Absence::word) else {
        // Translators: what a screen reader tells of a graph: "Read 12 MiB/s, Written 0 B/s. 60 readings."
        return gettext_f("{values}. {readings}.", &values);
    };
    let gaps = count(past.gaps, |number, values| {
        ngettext_f("{count} gap", "{count} gaps", number, values)
    });
    let [values, readings] = values;
    // Translators: "100 %. 58 readings. 2 gaps, the last one: paused."
    gettext_f(
        "{values}. {readings}. {gaps}, the last one: {word}.",
        &[values, readings, ("gaps", &gaps), ("word", &word)],
    )
}

/// The content of a series in a time.
#[derive(Debug, Default, PartialEq, Eq)]
struct Past {
    readings: usize,
    gaps: usize,
    /// Why there is the last gap.
    last_gap: Option<Absence>,
}

impl Past {
    fn of(samples: &Samples, start: u64, end: u64) -> Self {
        let mut past = Self::default();
        let mut is_gap = false;
        let shown = samples
            .range(start, end)
            .filter(|sample| (start..=end).contains(&sample.time));
        for sample in shown {
            let was_gap = std::mem::replace(&mut is_gap, sample.value.is_nan());
            if !is_gap {
                past.readings = past.readings.saturating_add(1);
            } else if !was_gap {
                past.gaps = past.gaps.saturating_add(1);
                past.last_gap = samples.absence_at(sample.time);
            }
        }
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Hue;

    const SECOND: u64 = 1_000_000;

    fn series(readings: &[(u64, Result<f64, Absence>)]) -> Series {
        let samples = Samples::shared(99);
        for (time, reading) in readings {
            samples.borrow_mut().push(time * SECOND, *reading);
        }
        Series::new("", Hue::Blue, samples)
    }

    #[test]
    fn readings_and_gaps_of_the_shown_time_are_counted() {
        let readings = [
            (10, Ok(1.0)),
            (20, Err(Absence::Disconnected)),
            (30, Err(Absence::Paused)),
            (40, Ok(2.0)),
            (50, Err(Absence::Paused)),
            (60, Ok(3.0)),
        ];
        let series = [series(&readings)];
        let axis = TimeAxis::new();
        axis.set_span(50 * SECOND);
        let text = |end| {
            axis.advance(end * SECOND);
            of_series(&series, "1", &axis)
        };
        assert!(text(35).ends_with(". 1 reading. 1 gap, the last one: no service."));
        assert!(text(60).ends_with(". 3 readings. 2 gaps, the last one: paused."));
        assert!(text(110).ends_with("3\u{2069}. 1 reading."));
        axis.set_cursor(45 * SECOND);
        let at_cursor = text(110);
        assert!(
            at_cursor.contains(":45: \u{2066}2\u{2069}. "),
            "{at_cursor}"
        );
        axis.set_cursor(0);
        assert_eq!(of_series(&[], "1", &axis), "");
    }
}
