//! The table of processes or groups.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "places on a screen, which has at most 65535 columns and rows"
)]

use std::borrow::Cow;

use super::canvas::Canvas;
use crate::{
    application::Application,
    processes::{Row, Table, columns::Column},
    targets::{Target, Targets},
};

/// Draws a header and as many rows as fit. Headers and rows are targets of the mouse.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    application: &Application,
    table: &mut Table,
    targets: &mut Targets,
) {
    let theme = application.theme;
    let (width, height) = (canvas.width(), canvas.height());
    let columns = columns(table, width);
    let mut x = 0;
    for (column, room) in &columns {
        let is_order = table.order.column == *column;
        let arrow = match (is_order, table.order.is_descending) {
            (false, _) => "",
            (true, true) => "▾",
            (true, false) => "▴",
        };
        let title = format!("{}{arrow}", column.title());
        let style = if is_order { theme.title() } else { theme.dim() };
        match column.is_number() {
            true => canvas.number(x, 0, room - 1, &title, style),
            false => canvas.cell(x, 0, room - 1, &title, style),
        }
        targets.add(canvas.part(x, 0, *room, 1).area, Target::Header(*column));
        x += room;
    }
    let shown = height.saturating_sub(1);
    let top = table.scroll_to_fit(shown);
    let selected = table.selected().map(|row| row.key.clone());
    let rows = table.rows().iter().enumerate().skip(top).take(shown);
    for (y, (place, row)) in rows.enumerate() {
        let mut line = canvas.part(0, y + 1, width, 1);
        draw_row(&mut line, application, table, &columns, row);
        if selected.as_ref() == Some(&row.key) {
            line.style(theme.chosen());
        }
        targets.add(line.area, Target::Row(place));
    }
}

fn draw_row(
    canvas: &mut Canvas<'_>,
    application: &Application,
    table: &Table,
    columns: &[(Column, usize)],
    row: &Row,
) {
    let theme = application.theme;
    let mut x = 0;
    for (column, room) in columns {
        let (text, style) = match (column, row.pid(), table.cell(row, *column)) {
            (Column::Pid, Some(pid), _) => (pid.to_string().into(), theme.dim()),
            (_, _, Some(reading)) => {
                let style = match (reading, column) {
                    (Err(_), _) | (_, Column::User | Column::CommandLine) => theme.dim(),
                    _ => ratatui::style::Style::new(),
                };
                (column.text(reading), style)
            }
            _ => (Cow::Borrowed(""), theme.dim()),
        };
        let text = match column {
            Column::Name if !row.branch.is_empty() => format!("{}{text}", row.branch).into(),
            _ => text,
        };
        match column.is_number() {
            true => canvas.number(x, 0, room - 1, &text, style),
            false => canvas.cell(x, 0, room - 1, &text, style),
        }
        x += room;
    }
}

/// The columns that fit, with their widths, each with a blank after it. The last one fills the line.
fn columns(table: &Table, width: usize) -> Vec<(Column, usize)> {
    let columns = match table.has_groups() {
        true => Column::of_groups(width),
        false => table.columns_of_processes(width),
    };
    let fixed = |column: &Column| column.width().unwrap_or(0) + 1;
    let last = columns.len().saturating_sub(1);
    let before: usize = columns.iter().take(last).map(fixed).sum();
    let columns = columns.into_iter().enumerate();
    columns
        .map(|(place, column)| match place == last {
            true => (column, (width + 1).saturating_sub(before).max(2)),
            false => (column, fixed(&column)),
        })
        .collect()
}
