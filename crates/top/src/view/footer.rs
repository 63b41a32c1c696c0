//! The line at the bottom, and questions above it.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "places on a screen, which has at most 65535 columns and rows"
)]

use super::canvas::Canvas;
use crate::{
    application::{Application, Mode, Prompt, State},
    pages::Page,
    text,
};

/// Draws what the user types, a message, or the keys; and at the right what is read.
pub(super) fn draw(canvas: &mut Canvas<'_>, application: &Application) {
    let theme = application.theme;
    let width = canvas.width();
    let state = state(application);
    let room = text::width(&state).min(width);
    let fault = matches!(application.state, State::Restarting { .. });
    let is_silent = application.silence.is_some();
    let style = if fault || is_silent {
        theme.fault()
    } else {
        theme.dim()
    };
    if let Mode::Prompt(prompt, typed) = &application.mode {
        let question = match prompt {
            Prompt::Search => "Search: ",
            Prompt::Metrics => "Selectors: ",
        };
        let x = canvas.text(0, 0, question, theme.title());
        let typed = text::escape(typed);
        // The end of a long line is what is typed.
        let skipped = (text::width(&typed) + x + 1).saturating_sub(width);
        let shown: String = typed.chars().skip(skipped).collect();
        let x = canvas.text(x, 0, &shown, ratatui::style::Style::new());
        canvas.text(x, 0, " ", theme.chosen());
        return;
    }
    if let Some(message) = &application.message {
        canvas.cell(0, 0, width, &text::escape(message), theme.title());
        return;
    }
    let left = width.saturating_sub(room + 1);
    let mut x = 0;
    for (key, word) in keys(application) {
        if x + text::width(key) + text::width(word) + 3 > left {
            break;
        }
        x = canvas.text(x, 0, key, theme.title());
        x = canvas.text(x + 1, 0, word, theme.dim()) + 2;
    }
    canvas.number(width - room, 0, room, &state, style);
}

/// The keys of a page, the most useful first.
fn keys(application: &Application) -> Vec<(&'static str, &'static str)> {
    let mut keys = vec![("?", "Help"), ("q", "Quit")];
    if matches!(application.page, Page::OVERVIEW | Page::Processes) {
        keys.extend([("/", "Search"), ("k", "End"), ("t", "Tree"), ("<>", "Sort")]);
    }
    if application.page == Page::Applications {
        keys.extend([("g", "Group"), ("<>", "Sort")]);
    }
    if application.page == Page::Metrics {
        keys.push(("e", "Selectors"));
    }
    keys.extend([
        ("p", "Pause"),
        ("[]", "Time"),
        ("+-", "Interval"),
        ("W", "Save"),
    ]);
    keys
}

/// The words for the state of the acquisition.
fn state(application: &Application) -> String {
    if let Some(behind) = application.recording.behind() {
        return format!("{} ago: Esc returns", humantime::format_duration(behind));
    }
    if let Some(silence) = application.silence {
        return silence.words();
    }
    let every = humantime::format_duration(application.interval);
    match &application.state {
        State::Paused => "Paused: nothing is read".to_owned(),
        State::Connecting => "Connecting".to_owned(),
        State::Sampling => match application.recording.len() {
            0 => format!("every {every}"),
            1 => format!("1 metric every {every}"),
            metrics => format!("{metrics} metrics every {every}"),
        },
        State::Restarting { cause } => text::escape(cause).into_owned(),
    }
}

/// Asks before a process is ended.
pub(super) fn draw_dialog(screen: &mut Canvas<'_>, application: &Application) {
    let Mode::End { pid, name, .. } = &application.mode else {
        return;
    };
    let theme = application.theme;
    let lines = [
        format!("End {name} ({pid})?"),
        "y  ask it to end (SIGTERM)".to_owned(),
        "K  end it at once (SIGKILL)".to_owned(),
        "n  leave it".to_owned(),
    ];
    let width = lines.iter().map(|line| text::width(line)).max();
    let width = (width.unwrap_or(0) + 4).min(screen.width());
    let height = (lines.len() + 2).min(screen.height());
    let x = (screen.width() - width) / 2;
    let y = (screen.height() - height) / 2;
    let mut dialog = screen.part(x, y, width, height);
    dialog.clear();
    let rule = "─".repeat(width.saturating_sub(2));
    dialog.text(0, 0, &format!("┌{rule}┐"), theme.title());
    dialog.text(0, height - 1, &format!("└{rule}┘"), theme.title());
    for (row, line) in lines.iter().enumerate() {
        dialog.text(0, 1 + row, "│", theme.title());
        dialog.text(width.saturating_sub(1), 1 + row, "│", theme.title());
        let style = match row {
            0 => theme.title(),
            _ => ratatui::style::Style::new(),
        };
        dialog.cell(2, 1 + row, width.saturating_sub(4), line, style);
    }
    // On a very low screen the question comes first.
    if screen.height() < lines.len() + 2 {
        let (width, height) = (screen.width(), screen.height());
        let question = format!("End {name} ({pid})? y, K, n");
        screen.part(0, height.saturating_sub(1), width, 1).cell(
            0,
            0,
            width,
            &question,
            theme.title(),
        );
    }
}
