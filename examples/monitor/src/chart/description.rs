//! The description of a chart for a screen reader.

use super::{Series, cursor};
use crate::{
    i18n::{gettext_f, ngettext_f},
    recording::{Absence, Samples},
};

/// The newest value of each series; then, of the first one, the readings and the gaps from one moment to another.
pub(super) fn of_series(series: &[Series], unit: &str, start: u64, end: u64) -> String {
    let values = series
        .iter()
        .map(|series| cursor::value_at(series, unit, u64::MAX));
    let values = values.collect::<Vec<_>>().join(", ");
    let Some(first) = series.first() else {
        return values;
    };
    let past = Past::of(&first.samples.borrow(), start, end);
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

/// A number of things, in the plural that belongs to it.
fn count(number: usize, words: impl Fn(u32, &[(&str, &str)]) -> String) -> String {
    let bounded = u32::try_from(number).unwrap_or(u32::MAX);
    words(bounded, &[("count", &number.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Hue;

    fn series(readings: &[(u64, Result<f64, Absence>)]) -> Series {
        let samples = Samples::shared(99);
        for (time, reading) in readings {
            samples.borrow_mut().push(*time, *reading);
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
        let text = |start, end| of_series(&series, "1", start, end);
        assert!(text(0, 99).ends_with(". 3 readings. 2 gaps, the last one: paused."));
        assert!(text(25, 45).ends_with(". 1 reading. 1 gap, the last one: paused."));
        assert!(text(60, 99).ends_with(". 1 reading."));
        assert_eq!(of_series(&[], "1", 0, 99), "");
    }
}
