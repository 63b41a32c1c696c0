//! The sections of a page: graphs, bars and facts, in as many columns as fit.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "places on a screen, which has at most 65535 columns and rows"
)]

use sampled_pages::{Card, Fact, Level, Section};

use super::{
    canvas::Canvas,
    graph,
    values::{text_of, value_of},
};
use crate::{application::Application, text};

/// The least width of a graph.
const CARD: usize = 38;
/// The least width of a graph in one row.
const SMALL_CARD: usize = 46;
/// The least width of a fact.
const FACT: usize = 46;
/// The columns between two graphs.
const GAP: usize = 2;
/// The width of a value.
const VALUE: usize = 11;

/// A block of rows.
enum Block<'a> {
    Title(&'a str),
    Level(&'a Level),
    /// With the number of columns, which is that of the other rows.
    Cards(Vec<&'a Card>, usize),
    SmallCards(Vec<&'a Card>, usize),
    Facts(Vec<&'a Fact>, usize),
}

/// Draws sections from a block on; returns the first block that is drawn, so that the last one is at the end of the screen.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    application: &Application,
    sections: &[Section],
    first: usize,
) -> usize {
    let (width, height) = (canvas.width(), canvas.height());
    let blocks = blocks(sections, width);
    let rows = rows_of_a_line(&blocks, height);
    let first = first.min(last_first(&blocks, rows, height));
    let mut y = 0;
    for block in blocks.iter().skip(first) {
        if y >= height {
            break;
        }
        let own = block.height(rows);
        block.draw(&mut canvas.part(0, y, width, own), application, rows);
        y += own;
    }
    first
}

/// The height of all sections on a screen of this size.
pub(super) fn height(sections: &[Section], width: usize, available: usize) -> usize {
    let blocks = blocks(sections, width);
    let rows = rows_of_a_line(&blocks, available);
    blocks.iter().map(|block| block.height(rows)).sum()
}

fn blocks(sections: &[Section], width: usize) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    for section in sections {
        if !section.title.is_empty() {
            blocks.push(Block::Title(&section.title));
        }
        blocks.extend(section.levels.iter().map(Block::Level));
        let (small, large): (Vec<&Card>, Vec<&Card>) =
            section.cards.iter().partition(|card| card.is_small);
        let columns = balanced(large.len(), in_a_row(width, CARD));
        let large = large.chunks(columns);
        blocks.extend(large.map(|cards| Block::Cards(cards.to_vec(), columns)));
        let columns = in_a_row(width, SMALL_CARD);
        let small = small.chunks(columns);
        blocks.extend(small.map(|cards| Block::SmallCards(cards.to_vec(), columns)));
        let facts: Vec<&Fact> = section.facts.iter().collect();
        let columns = in_a_row(width, FACT);
        let facts = facts.chunks(columns);
        blocks.extend(facts.map(|facts| Block::Facts(facts.to_vec(), columns)));
    }
    blocks
}

/// The columns that leave the fewest places empty in as many rows.
fn balanced(things: usize, most: usize) -> usize {
    things.div_ceil(things.div_ceil(most).max(1)).max(1)
}

fn in_a_row(width: usize, least: usize) -> usize {
    ((width + GAP) / (least + GAP)).max(1)
}

/// How many rows a line of a graph has: as many as leave everything on the screen, but at least two.
fn rows_of_a_line(blocks: &[Block<'_>], height: usize) -> usize {
    let total = |rows: usize| -> usize { blocks.iter().map(|block| block.height(rows)).sum() };
    let fitting = (2..=6).rev().find(|rows| total(*rows) <= height);
    fitting.unwrap_or(if height < 12 { 1 } else { 2 })
}

/// The first block of the end of the page.
fn last_first(blocks: &[Block<'_>], rows: usize, height: usize) -> usize {
    let mut left = height;
    for (place, block) in blocks.iter().enumerate().rev() {
        match left.checked_sub(block.height(rows)) {
            Some(rest) => left = rest,
            None => return (place + 1).min(blocks.len().saturating_sub(1)),
        }
    }
    0
}

impl Block<'_> {
    fn height(&self, rows: usize) -> usize {
        match self {
            Self::Cards(cards, _) => {
                let lines = cards.iter().map(|card| card.lines.len()).max();
                1 + lines.unwrap_or(1) * rows
            }
            _ => 1,
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, application: &Application, rows: usize) {
        match self {
            Self::Title(title) => draw_title(canvas, application, title),
            Self::Level(level) => draw_level(canvas, application, level),
            Self::Cards(cards, columns) => beside(canvas, *columns, cards, |canvas, card| {
                draw_card(canvas, application, card, self.height(rows));
            }),
            Self::SmallCards(cards, columns) => beside(canvas, *columns, cards, |canvas, card| {
                draw_small(canvas, application, card);
            }),
            Self::Facts(facts, columns) => beside(canvas, *columns, facts, |canvas, fact| {
                let name = 22.min(canvas.width() / 2);
                let dim = application.theme.dim();
                canvas.cell(0, 0, name.saturating_sub(1), &text::escape(&fact.name), dim);
                let (value, style) = text_of(application, &fact.id);
                let room = canvas.width().saturating_sub(name);
                canvas.cell(name, 0, room, &value, style);
            }),
        }
    }
}

/// Draws things side by side. The columns are those of a full row.
fn beside<T>(
    canvas: &mut Canvas<'_>,
    columns: usize,
    things: &[&T],
    draw: impl Fn(&mut Canvas<'_>, &T),
) {
    let each = (canvas.width() + GAP) / columns;
    let height = canvas.height();
    for (place, thing) in things.iter().enumerate() {
        draw(
            &mut canvas.part(place * each, 0, each.saturating_sub(GAP), height),
            thing,
        );
    }
}

fn draw_title(canvas: &mut Canvas<'_>, application: &Application, title: &str) {
    let theme = application.theme;
    let x = canvas.text(0, 0, "─ ", theme.dim());
    let x = canvas.text(x, 0, &text::escape(title), theme.title());
    let rule = canvas.width().saturating_sub(x + 1);
    canvas.text(x + 1, 0, &"─".repeat(rule), theme.dim());
}

fn draw_level(canvas: &mut Canvas<'_>, application: &Application, level: &Level) {
    let theme = application.theme;
    let recording = &application.recording;
    let width = canvas.width();
    let name = if width < 60 { 8 } else { 16 };
    canvas.cell(0, 0, name - 1, &text::escape(&level.title), theme.dim());
    let (used, style) = value_of(application, &level.used);
    let (total, _) = value_of(application, &level.total);
    let share = match (
        recording.number(&level.used),
        recording.number(&level.total),
    ) {
        (Some(used), Some(total)) if total > 0.0 => Some(used / total),
        _ => None,
    };
    let percent = share.map_or(String::new(), |share| text::value(share * 100.0, "%"));
    let words = match width {
        0..60 => percent.clone(),
        _ => format!("{used} of {total}"),
    };
    let words_width = if width < 60 { 8 } else { 34 };
    let bar = width.saturating_sub(name + words_width + 1);
    if let Some(share) = share {
        let filled = ((share * bar as f64).round() as usize).min(bar);
        let x = canvas.text(name, 0, &"━".repeat(filled), theme.level(share));
        canvas.text(x, 0, &"─".repeat(bar - filled), theme.dim());
    }
    let x = name + bar + 1;
    match width {
        0..60 => canvas.number(x, 0, words_width, &words, style),
        _ => {
            canvas.number(x, 0, 8, &percent, theme.title());
            canvas.cell(x + 10, 0, words_width - 10, &words, style);
        }
    }
}

/// Draws a graph: a title with the scale, and the lines one below the other, so that they are told apart without colours. It
/// is as high as this, and may be cut at the end of the screen.
fn draw_card(canvas: &mut Canvas<'_>, application: &Application, card: &Card, full: usize) {
    let theme = application.theme;
    let (width, height) = (canvas.width(), canvas.height());
    let is_single = card.lines.len() == 1;
    let gutter = if is_single { 0 } else { 21.min(width / 3) };
    let maximum = maximum(application, card, width - gutter);
    let title = text::escape(&card.title);
    canvas.cell(0, 0, width, &title, theme.title());
    let x = text::width(&title);
    let scale = format!("≤ {}", text::value(maximum, &card.unit));
    let beside = if is_single { x + 1 + VALUE } else { x };
    if beside + 1 + text::width(&scale) <= width {
        canvas.number(0, 0, width, &scale, theme.dim());
    }
    let of_each = full.saturating_sub(1) / card.lines.len().max(1);
    for (place, line) in card.lines.iter().enumerate() {
        let (value, style) = value_of(application, &line.id);
        let y = 1 + place * of_each;
        let rows = of_each.min(height.saturating_sub(y));
        let room = gutter.saturating_sub(1);
        let name = text::escape(&line.name);
        if is_single {
            canvas.number(x + 1, 0, VALUE, &value, style);
        } else if rows > 1 {
            canvas.cell(0, y, room, &name, theme.dim());
            canvas.number(0, y + 1, room, &value, style);
        } else {
            let room = room.saturating_sub(VALUE);
            canvas.cell(0, y, room.saturating_sub(1), &name, theme.dim());
            canvas.number(room, y, VALUE, &value, style);
        }
        let values = application.recording.values(&line.id);
        let mut part = canvas.part(gutter, y, width - gutter, rows);
        graph::draw(&mut part, values, maximum, theme.line(line.hue));
    }
}

/// Draws a graph in one row, with readings after it.
fn draw_small(canvas: &mut Canvas<'_>, application: &Application, card: &Card) {
    let theme = application.theme;
    let width = canvas.width();
    let Some(line) = card.lines.first() else {
        return;
    };
    let name = 18.min(width / 3);
    canvas.cell(
        0,
        0,
        name.saturating_sub(1),
        &text::escape(&card.title),
        theme.dim(),
    );
    let (value, style) = value_of(application, &line.id);
    canvas.number(name, 0, VALUE, &value, style);
    let x = name + VALUE + 1;
    let details = card.details.len() * 9;
    let details = if width < x + details + 8 { 0 } else { details };
    let room = width.saturating_sub(x + details);
    let maximum = maximum(application, card, room);
    let values = application.recording.values(&line.id);
    graph::draw(
        &mut canvas.part(x, 0, room, 1),
        values,
        maximum,
        theme.line(line.hue),
    );
    for (place, id) in card.details.iter().enumerate().filter(|_| details > 0) {
        let (value, style) = value_of(application, id);
        canvas.number(x + room + place * 9, 0, 9, &value, style);
    }
}

/// The upper end of the scale of a graph: that of the metric, or a round number above the values on the screen.
fn maximum(application: &Application, card: &Card, columns: usize) -> f64 {
    if let Some(maximum) = card.maximum.filter(|maximum| *maximum > 0.0) {
        return maximum;
    }
    let lines = card.lines.iter();
    let values = lines.flat_map(|line| application.recording.values(&line.id).take(columns));
    graph::scale(values.fold(f64::NAN, f64::max), &card.unit)
}

#[cfg(test)]
mod tests;
