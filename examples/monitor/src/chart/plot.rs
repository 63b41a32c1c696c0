//! Draws a chart, except for its cursor.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "floating-point numbers of pixels"
)]

use gtk::{cairo, gdk, glib, graphene, pango, prelude::*};

use super::{
    Chart, Series,
    columns::{Columns, Gap, Window},
    hue::Colours,
    scale::Scale,
    ticks,
};
use crate::i18n::left_to_right;

/// The places of the parts of a chart, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    /// The height of the lines, above the labels of the times.
    pub(super) height: f64,
    /// The height of a line of text; 0 if the chart is too small for texts.
    pub(super) text: f64,
}

/// The least height of a chart that has labels.
const LEAST_LABELLED_HEIGHT: i32 = 72;
/// With more series, a chart does not fill the areas below them.
const MOST_FILLED: usize = 3;
/// A text that has less room is left out.
const LEAST_TEXT_WIDTH: f64 = 24.0;
const LINE_WIDTH: f64 = 1.5;

impl Layout {
    pub(super) fn of(chart: &Chart) -> Self {
        let (width, height) = (chart.width(), chart.height());
        let text = match height >= LEAST_LABELLED_HEIGHT {
            true => f64::from(chart.create_pango_layout(Some("0")).pixel_size().1),
            false => 0.0,
        };
        Self {
            width: f64::from(width),
            height: (f64::from(height) - text).max(1.0),
            text,
        }
    }
}

/// Draws grid, lines, gaps and labels.
pub(super) fn draw(
    snapshot: &gtk::Snapshot,
    chart: &Chart,
    series: &[Series],
    window: Window,
    (unit, bounds): (&str, (Option<f64>, Option<f64>)),
) {
    let layout = Layout::of(chart);
    let colours = Colours::of(chart);
    let columns: Vec<Columns> = series
        .iter()
        .map(|series| Columns::new(&series.samples.borrow(), window))
        .collect();
    let range = columns.iter().fold((f64::NAN, f64::NAN), |range, columns| {
        (range.0.min(columns.range.0), range.1.max(columns.range.1))
    });
    let lines = (layout.height / (layout.text.max(12.0) * 2.5)) as usize;
    let scale = Scale::new(range, bounds, unit, lines.clamp(1, 5));
    let texts = Texts {
        chart,
        snapshot,
        colours: &colours,
    };

    let bounds = graphene::Rect::new(0.0, 0.0, layout.width as f32, layout.height as f32);
    let y = |value: f64| layout.height - scale.place(value) * (layout.height - 1.0);
    let moments = match layout.text > 0.0 {
        true => moments(chart, window),
        false => Vec::new(),
    };
    let horizontal = scale
        .lines
        .iter()
        .map(|(value, _)| y(*value).round() as f32);
    for y in horizontal.chain([layout.height as f32 - 1.0]) {
        snapshot.append_color(
            &colours.grid,
            &graphene::Rect::new(0.0, y, layout.width as f32, 1.0),
        );
    }
    for (moment, _) in &moments {
        let x = window.x(*moment).round() as f32;
        snapshot.append_color(
            &colours.grid,
            &graphene::Rect::new(x, 0.0, 1.0, layout.height as f32),
        );
    }
    let gaps = common_gaps(&columns);
    let context = snapshot.append_cairo(&bounds);
    context.set_line_join(cairo::LineJoin::Bevel);
    // Three times as fast as the default. At this width they look the same.
    context.set_antialias(cairo::Antialias::Fast);
    context.set_line_width(LINE_WIDTH);
    let is_filled = series.len() <= MOST_FILLED;
    for (series, columns) in series.iter().zip(&columns) {
        let colour = colours.of_series(series.hue);
        for line in &columns.lines {
            let points = line.iter().map(|(x, value)| (*x, y(*value)));
            stroke(
                &context,
                points,
                &colour,
                is_filled.then_some(layout.height),
            );
        }
    }
    set_colour(&context, &colours.hatch);
    for gap in &gaps {
        hatch(&context, gap, layout.height);
    }
    drop(context);

    if layout.text > 0.0 {
        for (value, label) in &scale.lines {
            texts.beside(label, y(*value));
        }
        for (moment, label) in &moments {
            texts.centred(label, window.x(*moment), layout.height, None);
        }
    }
    for gap in &gaps {
        let word = series
            .first()
            .and_then(|series| series.samples.borrow().absence_at(gap.time));
        if let Some(word) = word.map(|absence| absence.word()) {
            let middle = (gap.left + gap.right) / 2.0;
            texts.centred(
                &word,
                middle,
                (layout.height - layout.text) / 2.0,
                Some(gap.right - gap.left),
            );
        }
    }
}

/// The moments that have a line and a label.
fn moments(chart: &Chart, window: Window) -> Vec<(u64, String)> {
    let label = chart.create_pango_layout(Some("00:00:00 ")).pixel_size().0;
    let count = (window.width / f64::from(label.max(1)) / 1.5) as u64;
    ticks::ticks(
        window.start,
        window.end,
        count.clamp(1, 12),
        ticks::offset(window.end),
    )
}

/// The gaps of the first series that all others have, too.
fn common_gaps(columns: &[Columns]) -> Vec<Gap> {
    let Some((first, others)) = columns.split_first() else {
        return Vec::new();
    };
    let is_common = |gap: &&Gap| {
        let middle = (gap.left + gap.right) / 2.0;
        let covers = |other: &Gap| other.left <= middle && middle <= other.right;
        others.iter().all(|columns| columns.gaps.iter().any(covers))
    };
    first.gaps.iter().filter(is_common).copied().collect()
}

/// Draws a line, and fills the area between it and the bottom.
fn stroke(
    context: &cairo::Context,
    mut points: impl Iterator<Item = (f64, f64)> + Clone,
    colour: &gdk::RGBA,
    bottom: Option<f64>,
) {
    let path = points.clone();
    let Some(first) = points.next() else { return };
    let last = points.last();
    for (x, y) in path {
        context.line_to(x, y);
    }
    let Some(last) = last else {
        // A value alone between two gaps.
        context.line_to(first.0 + LINE_WIDTH, first.1);
        set_colour(context, colour);
        paint(context.stroke());
        return;
    };
    if let Some(bottom) = bottom
        && let Ok(line) = context.copy_path()
    {
        context.line_to(last.0, bottom);
        context.line_to(first.0, bottom);
        context.close_path();
        set_colour(context, &colour.with_alpha(colour.alpha() * 0.2));
        paint(context.fill());
        context.append_path(&line);
    }
    set_colour(context, colour);
    paint(context.stroke());
}

/// Draws slanted lines over a gap.
fn hatch(context: &cairo::Context, gap: &Gap, height: f64) {
    const DISTANCE: f64 = 8.0;
    if gap.right - gap.left < 1.0 {
        return;
    }
    if context.save().is_err() {
        return;
    }
    context.rectangle(gap.left, 0.0, gap.right - gap.left, height);
    context.clip();
    context.set_line_width(1.0);
    let mut x = ((gap.left - height) / DISTANCE).floor() * DISTANCE;
    while x < gap.right {
        context.move_to(x, height);
        context.line_to(x + height, 0.0);
        x += DISTANCE;
    }
    paint(context.stroke());
    paint(context.restore());
}

fn set_colour(context: &cairo::Context, colour: &gdk::RGBA) {
    let [red, green, blue, alpha] =
        [colour.red(), colour.green(), colour.blue(), colour.alpha()].map(f64::from);
    context.set_source_rgba(red, green, blue, alpha);
}

/// A context of cairo that has failed draws nothing from then on; the next frame has a new one.
fn paint(result: Result<(), cairo::Error>) {
    if let Err(error) = result {
        glib::g_debug!("chart", "{error}");
    }
}

/// Texts of a chart.
struct Texts<'a> {
    chart: &'a Chart,
    snapshot: &'a gtk::Snapshot,
    colours: &'a Colours,
}

impl Texts<'_> {
    /// The label of a line, below it. At the left, where the past is, in every direction of writing: at the right it would cover
    /// the newest readings.
    fn beside(&self, text: &str, y: f64) {
        const MARGIN: f64 = 4.0;
        let layout = self.chart.create_pango_layout(Some(&left_to_right(text)));
        self.append(&layout, MARGIN, y.round() + 1.0);
    }

    /// A text around a place, inside the chart; with an ellipsis if it is wider than it may be.
    fn centred(&self, text: &str, x: f64, y: f64, width: Option<f64>) {
        let layout = self.chart.create_pango_layout(Some(text));
        let mut own = f64::from(layout.pixel_size().0);
        if let Some(width) = width.filter(|width| own > *width) {
            if width < LEAST_TEXT_WIDTH {
                return;
            }
            layout.set_ellipsize(pango::EllipsizeMode::End);
            layout.set_width((width * f64::from(pango::SCALE)) as i32);
            own = width;
        }
        let last = (f64::from(self.chart.width()) - own).max(0.0);
        self.append(&layout, (x - own / 2.0).clamp(0.0, last), y);
    }

    fn append(&self, layout: &pango::Layout, x: f64, y: f64) {
        self.snapshot.save();
        self.snapshot
            .translate(&graphene::Point::new(x.round() as f32, y.round() as f32));
        self.snapshot.append_layout(layout, &self.colours.dim_text);
        self.snapshot.restore();
    }
}
