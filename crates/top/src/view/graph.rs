//! Graphs of block elements: a column for each moment, the newest at the right.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "floating-point numbers, and places on a screen"
)]

use ratatui::style::Style;

use super::canvas::Canvas;

/// The eighths of a cell.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws values, from the newest to the oldest one, on a scale from 0. A value that is not known leaves its column empty;
/// a 0 has the lowest mark.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    values: impl Iterator<Item = f64>,
    maximum: f64,
    style: Style,
) {
    let (width, height) = (canvas.width(), canvas.height());
    let values = values.take(width);
    let mut levels: Vec<_> = values.map(|value| level(value, maximum, height)).collect();
    levels.reverse();
    let x = width - levels.len();
    for row in 0..height {
        let above = (height - 1 - row) * 8;
        let eighths = levels
            .iter()
            .map(|level| level.saturating_sub(above).min(8));
        if eighths.clone().any(|eighths| eighths > 0) {
            let marks: String = eighths.map(|eighths| EIGHTHS[eighths]).collect();
            canvas.text(x, row, &marks, style);
        }
    }
}

/// The number of eighths that a value fills.
fn level(value: f64, maximum: f64, height: usize) -> usize {
    if value.is_nan() {
        return 0;
    }
    let most = height * 8;
    let share = (value / maximum).clamp(0.0, 1.0);
    // A conversion of NaN, as of 0 / 0, gives 0.
    ((share * most as f64).round() as usize).clamp(1, most.max(1))
}

/// The upper end of a scale for values up to this one: a round number, so that it seldom changes.
pub(super) fn scale(largest: f64, unit: &str) -> f64 {
    if largest.is_nan() || largest <= 0.0 {
        return 1.0;
    }
    let is_binary = unit.starts_with("By");
    let (mut multiple, mut rest) = (1.0, largest);
    if is_binary {
        while rest > 1000.0 && multiple < 1e15 {
            (multiple, rest) = (multiple * 1024.0, rest / 1024.0);
        }
    }
    let power = 10_f64.powf(rest.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power * multiple);
    let round = steps.into_iter().find(|step| *step >= largest);
    round.filter(|round| round.is_finite()).unwrap_or(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_round() {
        let check = |largest, unit, expected: f64| {
            let scale = scale(largest, unit);
            assert!((scale - expected).abs() <= expected * 1e-9, "{scale}");
        };
        check(0.0, "1", 1.0);
        check(f64::NAN, "1", 1.0);
        check(0.3, "1", 0.5);
        check(101.0, "Cel", 200.0);
        check(700.0 * 1024.0, "By/s", 1000.0 * 1024.0);
        check(3.0 * 1024.0 * 1024.0, "By/s", 5.0 * 1024.0 * 1024.0);
        check(1e300, "V", 1e300);
        assert_eq!(scale(f64::MAX, "V"), f64::MAX);
        assert_eq!(scale(f64::INFINITY, "By"), f64::INFINITY);
    }

    #[test]
    fn a_value_has_a_level() {
        let check = |value, maximum, expected| assert_eq!(level(value, maximum, 2), expected);
        check(f64::NAN, 1.0, 0);
        check(0.0, 1.0, 1);
        check(-5.0, 1.0, 1);
        check(0.5, 1.0, 8);
        check(1.0, 1.0, 16);
        check(1e300, 1.0, 16);
        check(f64::INFINITY, f64::INFINITY, 1);
    }
}
