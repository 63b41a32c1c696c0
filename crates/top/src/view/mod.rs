//! The screen: tabs, a page, and a line at the bottom.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "places on a screen, which has at most 65535 columns and rows"
)]

mod canvas;
mod footer;
mod graph;
mod help;
mod sampling;
mod sections;
mod table;
mod values;

use sampled_client::Value;
use sampled_pages::Section;

use crate::{
    application::{Application, Mode},
    drawing::Drawing,
    pages::Page,
    targets::{Target, Targets},
    text,
};
use canvas::Canvas;

/// The size of the table of a page on the screen: columns and rows.
pub(crate) fn table_size(application: &Application) -> (usize, usize) {
    let body = usize::from(application.area.height).saturating_sub(2);
    let width = application.area.width.into();
    let above = match application.page {
        Page::OVERVIEW => above_table(&application.sections, width, body),
        _ => 1,
    };
    (width, body.saturating_sub(above + 1).max(1))
}

/// Draws everything on an empty screen.
pub(crate) fn draw(drawing: &mut Drawing, application: &mut Application) {
    let area = drawing.area();
    let mut targets = Targets::default();
    let mut screen = Canvas { drawing, area };
    let (width, height) = (screen.width(), screen.height());
    draw_tabs(&mut screen.part(0, 0, width, 1), application, &mut targets);
    let mut body = screen.part(0, 1, width, height.saturating_sub(2));
    match &application.mode {
        Mode::Help => help::draw(&mut body, application),
        _ => draw_page(&mut body, application, &mut targets),
    }
    if height > 1 {
        footer::draw(&mut screen.part(0, height - 1, width, 1), application);
    }
    footer::draw_dialog(&mut screen, application);
    application.targets = targets;
}

fn draw_tabs(canvas: &mut Canvas<'_>, application: &Application, targets: &mut Targets) {
    let theme = application.theme;
    let tabs = application.pages.iter().map(|page| {
        let label = format!(" {} {} ", page.key(), page.title());
        (*page, label)
    });
    let tabs: Vec<(Page, String)> = tabs.collect();
    let width = canvas.width();
    let current = tabs.iter().position(|(page, _)| *page == application.page);
    let current = current.unwrap_or(0);
    // As many tabs before the present one as leave it on the screen, with the next one where it fits.
    let end = (current + 2).min(tabs.len());
    let mut first = 0;
    let width_of = |from: usize| -> usize {
        let shown = tabs.iter().take(end).skip(from);
        shown.map(|(_, label)| text::width(label)).sum()
    };
    while first < current && width_of(first) + 2 > width {
        first += 1;
    }
    let mut x = 0;
    if first > 0 {
        x = canvas.text(x, 0, "‹", theme.dim());
    }
    for (page, label) in &tabs[first..] {
        let room = width.saturating_sub(x);
        if text::width(label) > room && *page != application.page {
            canvas.text(width.saturating_sub(1), 0, "›", theme.dim());
            break;
        }
        let style = match *page == application.page {
            true => theme.chosen().patch(theme.title()),
            false => ratatui::style::Style::new(),
        };
        let label = text::cut(label, room);
        targets.add(
            canvas.part(x, 0, text::width(&label), 1).area,
            Target::Tab(*page),
        );
        x = canvas.text(x, 0, &label, style);
    }
}

fn draw_page(canvas: &mut Canvas<'_>, application: &mut Application, targets: &mut Targets) {
    let (width, height) = (canvas.width(), canvas.height());
    let page = application.page;
    if page == Page::Sampling {
        sampling::draw(canvas, application);
        return;
    }
    if !page.has_table() {
        if application.sections.is_empty() {
            return draw_nothing(canvas, application);
        }
        let sections = std::mem::take(&mut application.sections);
        application.scroll = sections::draw(canvas, application, &sections, application.scroll);
        application.sections = sections;
        return;
    }
    let above = match page {
        Page::OVERVIEW => {
            let above = above_table(&application.sections, width, height);
            draw_summary(&mut canvas.part(0, 0, width, 1), application);
            let sections = std::mem::take(&mut application.sections);
            let mut part = canvas.part(0, 1, width, above.saturating_sub(1));
            sections::draw(&mut part, application, &sections, 0);
            application.sections = sections;
            above
        }
        _ => {
            draw_summary(&mut canvas.part(0, 0, width, 1), application);
            1
        }
    };
    let mut table = std::mem::take(&mut application.table);
    let mut part = canvas.part(0, above, width, height.saturating_sub(above));
    if page == Page::Applications && table.has_groups() && table.rows().is_empty() {
        let theme = application.theme;
        let group = table.grouping.name();
        let words = format!("No process belongs to a {group}. Press g for another grouping.");
        part.text(0, 1, &words, theme.dim());
    } else if part.height() > 0 {
        table::draw(&mut part, application, &mut table, targets);
    }
    application.table = table;
}

/// The rows above the table of the overview: a summary, and graphs in at most three fifths of the page.
fn above_table(sections: &[Section], width: usize, height: usize) -> usize {
    let most = (height * 3 / 5).max(1);
    if height < 9 {
        return 1;
    }
    (1 + sections::height(sections, width, most - 1)).min(most)
}

/// One line about the whole machine: what comes first matters most.
fn draw_summary(canvas: &mut Canvas<'_>, application: &Application) {
    let recording = &application.recording;
    let number = |id: &str, unit| Some(text::value(recording.number(id)?, unit));
    let mut parts: Vec<String> = Vec::new();
    let name = recording.reading("os/system/hostname");
    if let Some(Ok(Value::Text(name))) = name {
        parts.push(text::escape(&name).into_owned());
    }
    let mut say = |part: Option<String>| parts.extend(part);
    say(number("cpu/all/usage", "%").map(|usage| format!("Processor {}", text::at_end(&usage, 6))));
    let used = number("memory/physical/used", "By");
    let total = number("memory/physical/total", "By");
    say(used
        .zip(total)
        .map(|(used, total)| format!("Memory {} of {total}", text::at_end(&used, 8))));
    say(number("os/processes/total", "1").map(|total| format!("{total} processes")));
    say(number("os/processes/threads", "1").map(|threads| format!("{threads} threads")));
    say(number("cpu/loadaverages/loadaverage1", "1").map(|load| format!("load {load}")));
    say(number("os/system/uptime", "s").map(|uptime| format!("up {uptime}")));
    for id in ["os/system/prettyName", "os/kernel/prettyName"] {
        if let Some(Ok(Value::Text(text))) = recording.reading(id) {
            parts.push(text::escape(&text).into_owned());
        }
    }
    if application.page == Page::Applications {
        let group = application.table.grouping.name();
        parts.insert(0, format!("by {group} (g)"));
    }
    if !application.table.search.is_empty() && application.page != Page::Applications {
        let search = text::escape(&application.table.search).into_owned();
        parts.insert(0, format!("/{search} (Esc)"));
    }
    let width = canvas.width();
    canvas.cell(0, 0, width, &parts.join(" · "), application.theme.dim());
}

fn draw_nothing(canvas: &mut Canvas<'_>, application: &Application) {
    // Before the first frame, nobody knows whether there is something.
    if !application.has_frame && application.demand().is_some() {
        return;
    }
    let Some((title, words)) = application.page.nothing() else {
        return;
    };
    canvas.text(1, 1, title, application.theme.title());
    for (y, line) in wrapped(words, canvas.width().saturating_sub(2))
        .iter()
        .enumerate()
    {
        canvas.text(1, 2 + y, line, application.theme.dim());
    }
}

/// The lines of a text of at most so many columns.
fn wrapped(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in words.split(' ') {
        if let Some(line) = lines.last_mut() {
            let blank = if line.is_empty() { "" } else { " " };
            if line.is_empty() || text::width(line) + text::width(word) < width {
                line.push_str(blank);
                line.push_str(word);
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    lines
}
