//! The points that a chart draws of a series: at most two points for each column of pixels, and the gaps.

use crate::recording::{Sample, Samples};

/// The window of time that is drawn, and its width in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) width: f64,
}

/// A series in a window: lines without a gap, and the gaps between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns {
    /// The points of each line: x in pixels, and the value.
    pub(super) lines: Vec<Vec<(f64, f64)>>,
    pub(super) gaps: Vec<Gap>,
    /// The least and the greatest value; NaN if there is none.
    pub(super) range: (f64, f64),
}

/// A time without values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gap {
    /// Its begin, in microseconds since the Unix epoch.
    pub(super) time: u64,
    pub(super) left: f64,
    pub(super) right: f64,
}

impl Window {
    /// The place of a moment, in pixels from the left edge.
    pub(super) fn x(self, time: u64) -> f64 {
        let span = self.end.saturating_sub(self.start).max(1) as f64;
        let offset = time as f64 - self.start as f64;
        offset * self.width / span
    }

    /// The moment at a place.
    pub(super) fn time(self, x: f64) -> u64 {
        let span = self.end.saturating_sub(self.start) as f64;
        let offset = x / self.width.max(1.0) * span;
        self.start.saturating_add_signed(offset as i64)
    }

    /// The time of one column of pixels, in microseconds.
    fn column(self) -> u64 {
        let width = (self.width as u64).max(1);
        let span = self.end.saturating_sub(self.start);
        span.checked_div(width).unwrap_or(1).max(1)
    }
}

impl Columns {
    /// Reduces the samples of a window. Columns are multiples of their width since the epoch, so that a line keeps its shape while
    /// it moves.
    pub(super) fn new(samples: &Samples, window: Window) -> Self {
        let width = window.column();
        let mut columns = Self {
            range: (f64::NAN, f64::NAN),
            ..Self::default()
        };
        let mut column = Column::default();
        let mut line = Vec::new();
        let mut gap: Option<Sample> = None;
        for sample in samples.range(window.start, window.end) {
            if sample.value.is_nan() {
                column.finish(window, &mut line);
                columns.end_line(&mut line);
                gap = gap.or(Some(sample));
                continue;
            }
            if let Some(first) = gap.take() {
                columns.add_gap(first.time, sample.time, window);
            }
            columns.range.0 = columns.range.0.min(sample.value);
            columns.range.1 = columns.range.1.max(sample.value);
            let index = sample.time.checked_div(width).unwrap_or(0);
            if column.index != Some(index) {
                column.finish(window, &mut line);
                column.index = Some(index);
            }
            column.add(sample);
        }
        column.finish(window, &mut line);
        columns.end_line(&mut line);
        if let Some(first) = gap {
            columns.add_gap(first.time, window.end, window);
        }
        columns
    }

    fn end_line(&mut self, line: &mut Vec<(f64, f64)>) {
        if !line.is_empty() {
            self.lines.push(std::mem::take(line));
        }
    }

    fn add_gap(&mut self, from: u64, to: u64, window: Window) {
        self.gaps.push(Gap {
            time: from,
            left: window.x(from).max(0.0),
            right: window.x(to).min(window.width),
        });
    }
}

/// The least and the greatest sample of a column.
#[derive(Default)]
struct Column {
    index: Option<u64>,
    extremes: Option<(Sample, Sample)>,
}

impl Column {
    fn add(&mut self, sample: Sample) {
        let (least, greatest) = self.extremes.get_or_insert((sample, sample));
        if sample.value < least.value {
            *least = sample;
        }
        if sample.value > greatest.value {
            *greatest = sample;
        }
    }

    /// Adds one or two points to a line, in the order of their times.
    fn finish(&mut self, window: Window, line: &mut Vec<(f64, f64)>) {
        self.index = None;
        let Some((least, greatest)) = self.extremes.take() else {
            return;
        };
        let (first, second) = match least.time <= greatest.time {
            true => (least, greatest),
            false => (greatest, least),
        };
        line.push((window.x(first.time), first.value));
        if second.time != first.time {
            line.push((window.x(second.time), second.value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Absence;

    const WINDOW: Window = Window {
        start: 1000,
        end: 2000,
        width: 100.0,
    };

    fn samples(values: &[(u64, f64)]) -> Samples {
        let mut samples = Samples::new(10_000);
        for &(time, value) in values {
            let reading = if value.is_nan() {
                Err(Absence::Paused)
            } else {
                Ok(value)
            };
            samples.push(time, reading);
        }
        samples
    }

    #[test]
    fn few_samples_are_all_drawn_and_reach_the_edges() {
        let samples = samples(&[
            (800, 1.0),
            (900, 2.0),
            (1500, 3.0),
            (2100, 4.0),
            (2200, 5.0),
        ]);
        let columns = Columns::new(&samples, WINDOW);
        assert_eq!(columns.lines, [[(-10.0, 2.0), (50.0, 3.0), (110.0, 4.0)]]);
        assert_eq!(columns.range, (2.0, 4.0));
    }

    #[test]
    fn many_samples_become_two_points_a_column_with_all_extremes() {
        let mut values: Vec<_> = (0..3000)
            .map(|time| (time, f64::from(time as u32 % 7)))
            .collect();
        values[1505].1 = 99.0;
        let columns = Columns::new(&samples(&values), WINDOW);
        let points = &columns.lines[0];
        assert!(points.len() <= 2 * 102, "{}", points.len());
        assert!(points.contains(&(50.5, 99.0)));
        assert!(points.is_sorted_by(|a, b| a.0 <= b.0));
    }

    #[test]
    fn a_line_keeps_its_shape_while_it_moves() {
        let values: Vec<_> = (0..3000).map(|time| (time, (time as f64).sin())).collect();
        let samples = samples(&values);
        let shape = |start: u64| -> Vec<(u64, f64)> {
            let window = Window {
                start,
                end: start + 1000,
                width: 100.0,
            };
            let columns = Columns::new(&samples, window);
            let points = columns.lines[0].iter();
            let points = points.map(|(x, value)| (start + (x * 10.0).round() as u64, *value));
            points
                .filter(|(time, _)| (1100..1800).contains(time))
                .collect()
        };
        assert!(shape(1000).len() > 130);
        assert_eq!(shape(1000), shape(1003));
    }

    #[test]
    fn a_gap_reaches_from_its_first_absence_to_the_next_value() {
        let nan = f64::NAN;
        let samples = samples(&[
            (900, nan),
            (1200, 1.0),
            (1300, nan),
            (1400, nan),
            (1500, 2.0),
            (1900, nan),
        ]);
        let columns = Columns::new(&samples, WINDOW);
        let gaps: Vec<_> = columns
            .gaps
            .iter()
            .map(|gap| (gap.time, gap.left, gap.right))
            .collect();
        assert_eq!(
            gaps,
            [(900, 0.0, 20.0), (1300, 30.0, 50.0), (1900, 90.0, 100.0)]
        );
        assert_eq!(columns.lines, [[(20.0, 1.0)], [(50.0, 2.0)]]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let columns = Columns::new(&samples(&[]), WINDOW);
        assert!(columns.lines.is_empty() && columns.gaps.is_empty() && columns.range.0.is_nan());
        let empty = Window {
            start: 5,
            end: 5,
            width: 0.0,
        };
        assert_eq!(Columns::new(&samples(&[(5, 1.0)]), empty).lines.len(), 1);
    }
}
