//! The help.

use super::canvas::Canvas;
use crate::application::Application;

/// The keys and what they do.
const KEYS: &[(&str, &str)] = &[
    (
        "1 to 0, a, w, m",
        "show the page of the tab; w shows who samples",
    ),
    ("Tab, Shift-Tab", "show the next page, the one before"),
    ("Left, Right", "the same on a page without a table"),
    ("Up, Down", "scroll, or select a row"),
    ("PgUp, PgDn", "scroll by a screen"),
    ("Home, End", "go to the first row, to the last one"),
    ("[ ] { }", "go back in time, forward, by 1 or 30 columns"),
    ("z Z", "show twice the time, or half of it"),
    ("Esc", "return to now; end the selection, the search"),
    ("/", "search processes by name or pid"),
    ("< >, Left, Right", "order by the column beside"),
    ("P M N T", "order by processor, memory, pid, processor time"),
    ("r", "reverse the order"),
    ("t", "each process below its parent"),
    ("g", "group by application, unit or user"),
    ("k", "end the selected process, after a question"),
    ("e", "on the page Metrics: edit the selectors"),
    ("+ -", "read more often, less often"),
    ("p, Space", "pause: nothing is read any more"),
    ("W", "save the layout"),
    ("Ctrl-L", "draw everything again"),
    ("q, Ctrl-C", "quit"),
    ("Mouse", "click tabs, headers and rows; the wheel scrolls"),
];

/// Draws the keys, in two columns where they fit.
pub(super) fn draw(canvas: &mut Canvas<'_>, application: &mut Application) {
    let theme = application.theme;
    let (width, height) = (canvas.width(), canvas.height());
    let is_wide = width >= 140;
    let rows = if is_wide {
        KEYS.len().div_ceil(2)
    } else {
        KEYS.len()
    };
    application.scroll = application.scroll.min(rows.saturating_sub(height));
    let first = application.scroll;
    for (place, (key, words)) in KEYS.iter().enumerate() {
        let (column, row) = match is_wide && place >= rows {
            true => (width / 2, place.saturating_sub(rows)),
            false => (0, place),
        };
        let Some(y) = row.checked_sub(first).filter(|y| *y < height) else {
            continue;
        };
        canvas.cell(column.saturating_add(1), y, 18, key, theme.title());
        let room = if is_wide { width / 2 } else { width }.saturating_sub(20);
        canvas.cell(
            column.saturating_add(20),
            y,
            room,
            words,
            ratatui::style::Style::new(),
        );
    }
}
