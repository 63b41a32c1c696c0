//! Draws the cursor of time, and the values at it.

#![allow(clippy::arithmetic_side_effects, reason = "numbers of pixels")]

use gtk::{graphene, gsk, pango, prelude::*};

use sampled_client::units;

use super::{Chart, Series, columns::Window, hue::Colours, plot::Layout, ticks};
use crate::i18n::{self, isolated};

const PADDING: f64 = 6.0;

/// Draws a line at a moment, its time, and a box with the values of all series that find room.
pub(super) fn draw(
    snapshot: &gtk::Snapshot,
    chart: &Chart,
    series: &[Series],
    window: Window,
    unit: &str,
    moment: u64,
) {
    let x = window.x(moment);
    if !(0.0..=window.width).contains(&x) {
        return;
    }
    let layout = Layout::of(chart);
    let colours = Colours::of(chart);
    let line = graphene::Rect::new(x.round() as f32, 0.0, 1.0, layout.height as f32);
    snapshot.append_color(&colours.text, &line);
    if layout.text > 0.0 {
        let time = chart.create_pango_layout(Some(&ticks::clock(moment)));
        let width = f64::from(time.pixel_size().0) + 2.0 * PADDING;
        let left = (x - width / 2.0).clamp(0.0, (layout.width - width).max(0.0));
        boxed(snapshot, &colours, (left, layout.height), &[time]);
    }
    let text = layout.text.max(12.0);
    let most = (((layout.height - PADDING) / text) as usize).max(1);
    let most_width = (layout.width - 2.0 * PADDING).max(1.0) * f64::from(pango::SCALE);
    let texts: Vec<pango::Layout> = series
        .iter()
        .take(most)
        .map(|series| {
            let value = value_at(series, unit, moment);
            let layout = chart.create_pango_layout(Some(&value));
            layout.set_ellipsize(pango::EllipsizeMode::Middle);
            if f64::from(layout.size().0) > most_width {
                layout.set_width(most_width as i32);
            }
            layout
        })
        .collect();
    let width = texts
        .iter()
        .map(|text| text.pixel_size().0)
        .max()
        .unwrap_or(0);
    let width = f64::from(width) + 2.0 * PADDING;
    let left = match x + width <= layout.width {
        true => x + 1.0,
        false => (x - width).max(0.0),
    };
    boxed(snapshot, &colours, (left, 0.0), &texts);
}

/// The name of a series and its value at a moment, or why it has none.
pub(super) fn value_at(series: &Series, unit: &str, moment: u64) -> String {
    let samples = series.samples.borrow();
    let value = match samples.at(moment) {
        Some(sample) if !sample.value.is_nan() => i18n::value(sample.value, unit),
        _ => {
            let absence = samples.absence_at(moment);
            absence.map_or_else(|| units::NO_VALUE.to_owned(), |absence| absence.word())
        }
    };
    match series.name.is_empty() {
        true => value,
        // The direction of the name must not reorder the value.
        false => format!("{}\u{a0} {value}", isolated(&series.name)),
    }
}

/// Draws lines of text on a rounded box.
fn boxed(
    snapshot: &gtk::Snapshot,
    colours: &Colours,
    (left, top): (f64, f64),
    texts: &[pango::Layout],
) {
    if texts.is_empty() {
        return;
    }
    let sizes = texts.iter().map(|text| text.pixel_size());
    let (width, height) = sizes.fold((0, 0), |(width, height), size| {
        (width.max(size.0), height + size.1)
    });
    let bounds = graphene::Rect::new(
        left as f32,
        top as f32,
        width as f32 + 2.0 * PADDING as f32,
        height as f32,
    );
    let outline = gsk::RoundedRect::from_rect(bounds, 4.0);
    snapshot.push_rounded_clip(&outline);
    snapshot.append_color(&colours.label_background, &bounds);
    snapshot.pop();
    snapshot.append_border(&outline, &[1.0; 4], &[colours.grid; 4]);
    let mut y = top;
    for text in texts {
        snapshot.save();
        snapshot.translate(&graphene::Point::new((left + PADDING) as f32, y as f32));
        snapshot.append_layout(text, &colours.text);
        snapshot.restore();
        y += f64::from(text.pixel_size().1);
    }
}
