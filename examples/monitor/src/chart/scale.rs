//! The scale of values: its range, and where its lines are.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "floating-point numbers of bounded size"
)]

use sampled_client::units::Multiple;

/// The range of values that a chart shows, and its lines.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) minimum: f64,
    pub(super) maximum: f64,
    /// The values of the lines, above the minimum, and their labels.
    pub(super) lines: Vec<(f64, String)>,
}

/// Larger values are drawn at the edge: differences of them have no finite value.
const LARGEST: f64 = f64::MAX / 8.0;

impl Scale {
    /// The scale for values from `low` to `high` (NaN if there are none) with at most so many lines. `bounds` fix an end of it.
    pub(super) fn new(
        (low, high): (f64, f64),
        bounds: (Option<f64>, Option<f64>),
        unit: &str,
        lines: usize,
    ) -> Self {
        let finite = |value: f64| value.is_finite().then(|| value.clamp(-LARGEST, LARGEST));
        let bound = |bound: Option<f64>| bound.and_then(finite);
        let low = finite(low).unwrap_or(0.0);
        let high = finite(high).unwrap_or(low).max(low);
        let minimum = bound(bounds.0);
        let maximum = bound(bounds.1);
        let bottom = minimum.unwrap_or(if is_level(unit) { low } else { low.min(0.0) });
        let mut top = maximum.unwrap_or(high);
        if top <= bottom {
            top = bottom + least_range(unit, bottom);
        }
        let multiple = Multiple::for_magnitude(top.abs().max(bottom.abs()), unit);
        let step = nice_step((top - bottom) / multiple.size, lines);
        let first = (bottom / multiple.size / step).floor();
        let last = (top / multiple.size / step).ceil();
        let value = |index: f64| index * step * multiple.size;
        let decimals = (-step.log10().floor()).clamp(0.0, 3.0) as usize;
        let minimum = minimum.unwrap_or_else(|| value(first));
        let maximum = maximum.unwrap_or_else(|| value(last)).max(top);
        let count = (last - first).clamp(0.0, 32.0) as usize;
        let indices = (1..=count).map(|index| first + index as f64);
        let lines = indices
            .map(value)
            .filter(|value| *value > minimum && *value <= maximum);
        Self {
            minimum,
            maximum,
            lines: lines
                .map(|value| (value, multiple.format(value, decimals)))
                .collect(),
        }
    }

    /// The place of a value: 0 at the minimum, 1 at the maximum.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((value - self.minimum) / (self.maximum - self.minimum)).clamp(0.0, 1.0)
    }
}

/// Whether zero of the unit is no special value, so that a chart need not show it.
fn is_level(unit: &str) -> bool {
    matches!(unit, "Cel" | "V")
}

/// The least range of a scale, so that noise does not look like a mountain.
fn least_range(unit: &str, bottom: f64) -> f64 {
    let range = match unit {
        "By" | "By/s" => 1024.0,
        "bit" | "bit/s" => 1000.0,
        "Cel" => 10.0,
        _ => 1.0,
    };
    // The next number that differs, if the bottom is very large.
    f64::max(range, bottom.abs() * 1e-6)
}

/// The least step of 1, 2 or 5 times a power of ten with at most so many steps in a range.
fn nice_step(range: f64, steps: usize) -> f64 {
    let raw = (range / steps.max(1) as f64).max(1e-300);
    let power = 10_f64.powf(raw.log10().floor());
    let mantissa = raw / power;
    let nice = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|nice| mantissa <= nice * 1.000_001);
    nice.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(range: (f64, f64), bounds: (Option<f64>, Option<f64>), unit: &str) -> String {
        let scale = Scale::new(range, bounds, unit, 4);
        let labels: Vec<_> = scale.lines.into_iter().map(|(_, label)| label).collect();
        labels.join(", ").replace('\u{a0}', " ")
    }

    #[test]
    fn lines_are_at_round_values_of_the_unit() {
        let free = (None, None);
        let percent = (Some(0.0), Some(100.0));
        assert_eq!(labels((3.0, 40.0), percent, "%"), "50 %, 100 %");
        assert_eq!(labels((0.0, 14e9), free, "By"), "5 GiB, 10 GiB, 15 GiB");
        assert_eq!(labels((1.0, 3.1), free, "1"), "1, 2, 3, 4");
        assert_eq!(labels((0.0, 0.3), free, "W"), "100 mW, 200 mW, 300 mW");
        assert_eq!(labels((0.0, 0.9), free, "1"), "0.5, 1.0");
        assert_eq!(labels((41.0, 52.0), free, "Cel"), "45 °C, 50 °C, 55 °C");
        assert_eq!(labels((0.0, 0.0), free, "By/s"), "0.5 KiB/s, 1.0 KiB/s");
        assert_eq!(labels((-20.0, 20.0), free, "W"), "-10 W, 0 W, 10 W, 20 W");
    }

    #[test]
    fn bounds_hold_and_are_no_round_values() {
        let scale = Scale::new((1.0, 2.0), (Some(0.0), Some(33.7e9)), "By", 4);
        assert_eq!((scale.minimum, scale.maximum), (0.0, 33.7e9));
        assert_eq!(scale.lines.len(), 3);
        assert_eq!(scale.place(33.7e9), 1.0);
        assert_eq!(scale.place(99e9), 1.0);
    }

    #[test]
    fn no_value_is_beyond_the_scale_of_its_range() {
        for (low, high) in [
            (f64::NAN, f64::NAN),
            (1e300, 1e300),
            (-f64::MAX, f64::MAX),
            (f64::INFINITY, f64::INFINITY),
            (0.0, 1e-300),
            (5e-324, 5e-324),
            (1e15, 1e15 + 1.0),
        ] {
            for unit in ["1", "%", "By", "Cel", "furlong"] {
                let scale = Scale::new((low, high), (None, None), unit, 4);
                assert!(scale.minimum < scale.maximum, "{low} {high} {scale:?}");
                assert!((scale.maximum - scale.minimum).is_finite());
                assert!(scale.lines.len() <= 5, "{low} {high} {scale:?}");
                assert!(scale.place(low).is_nan() == low.is_nan());
            }
        }
    }
}
