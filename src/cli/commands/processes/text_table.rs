//! Processes and sums as tables for a person.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "widths of cells that are in memory"
)]

use std::io;

// nix has no tcgetwinsize(3).
use rustix::termios::tcgetwinsize;

use sampled::{
    process::{Field, Sum, Total},
    reading::{Fault, Reading, Value},
};

use crate::cli::output::{
    style::Style,
    terminal_text::{cut, escape, width},
    units::readable,
};

use super::{Summary, tree::Branch};

/// One cell of a table.
struct Cell {
    text: String,
    is_fault: bool,
}

/// The alignment and width of a column.
#[derive(Clone, Copy)]
struct Column {
    is_text: bool,
    width: usize,
}

/// The lines of a table of processes: a header, and a line for each branch, cut to the width of the terminal.
pub(super) fn of_rows(
    fields: &[Field],
    rows: &[Vec<Reading>],
    branches: &[Branch],
    style: Style,
) -> Vec<String> {
    // The tree is drawn before the field that identifies a process best.
    let identifying = [Field::Name, Field::CommandLine, Field::Pid];
    let mut identifying = identifying.iter();
    let drawn =
        identifying.find_map(|candidate| fields.iter().position(|field| field == candidate));
    let drawn = drawn.unwrap_or(fields.len().saturating_sub(1));
    let cells = |branch: &Branch| -> Vec<Cell> {
        let row = fields.iter().zip(&rows[branch.row]).enumerate();
        let cells = row.map(|(place, (field, reading))| {
            let mut cell = Cell::of(*field, reading);
            if place == drawn && !branch.drawn.is_empty() {
                cell.text.insert_str(0, &branch.drawn);
            }
            cell
        });
        cells.collect()
    };
    let head: Vec<_> = fields
        .iter()
        .map(|field| (field.name(), field.is_text()))
        .collect();
    // The column with the tree is aligned to the left.
    let is_tree = branches.iter().any(|branch| !branch.drawn.is_empty());
    let head = head.into_iter().enumerate();
    let head: Vec<_> = head
        .map(|(place, (name, is_text))| (name, is_text || (is_tree && place == drawn)))
        .collect();
    lines(&head, branches.iter().map(cells).collect(), style)
}

/// The lines of a table of sums.
pub(super) fn of_sums(fields: &[Field], summary: &Summary, style: Style) -> Vec<String> {
    let by = summary.by.field();
    let mut head = vec![(by.name(), true), ("processes", false)];
    head.extend(fields.iter().map(|field| (field.name(), false)));
    let cells = |sum: &Sum| -> Vec<Cell> {
        let name = match &sum.name {
            Ok(name) if name.is_empty() => Cell::text("-"),
            Ok(name) => Cell::text(name),
            Err(fault) => Cell::fault(*fault),
        };
        let totals = fields.iter().zip(&sum.values);
        [name, Cell::text(&sum.processes.to_string())]
            .into_iter()
            .chain(totals.map(|(field, total)| Cell::of_total(*field, *total)))
            .collect()
    };
    lines(&head, summary.groups.iter().map(cells).collect(), style)
}

impl Cell {
    fn of(field: Field, reading: &Reading) -> Self {
        match reading {
            Ok(Value::Number(number)) => Self::text(&number_text(field, *number)),
            Ok(Value::Text(text)) => Self::text(text),
            Err(fault) => Self::fault(*fault),
        }
    }

    /// A sum. An incomplete one is marked with ≥.
    fn of_total(field: Field, total: Total) -> Self {
        match (total.number, total.fault) {
            (Some(number), None) => Self::text(&number_text(field, number)),
            (Some(number), Some(_)) => Self::text(&format!("≥ {}", number_text(field, number))),
            (None, Some(fault)) => Self::fault(fault),
            (None, None) => Self::text(""),
        }
    }

    fn text(text: &str) -> Self {
        Self {
            text: escape(text).into_owned(),
            is_fault: false,
        }
    }

    fn fault(fault: Fault) -> Self {
        Self {
            text: fault.code().to_owned(),
            is_fault: true,
        }
    }

    fn width(&self) -> usize {
        width(&self.text)
    }
}

fn number_text(field: Field, number: f64) -> String {
    let (number, unit) = match field {
        Field::StartTime => readable(number / 1e6, "s"),
        field => readable(number, field.unit()),
    };
    format!("{number} {unit}").trim_end().to_owned()
}

fn lines(head: &[(&str, bool)], rows: Vec<Vec<Cell>>, style: Style) -> Vec<String> {
    let width = |place: usize| {
        let cells = rows.iter().map(|row| row[place].width());
        cells.chain([head[place].0.len()]).max().unwrap_or(0)
    };
    let columns = head.iter().enumerate().map(|(place, (_, is_text))| Column {
        is_text: *is_text,
        width: width(place),
    });
    let columns: Vec<_> = columns.collect();
    let most = terminal_width();
    let names = head.iter().map(|(name, _)| Cell {
        text: (*name).to_owned(),
        is_fault: false,
    });
    let names: Vec<_> = names.collect();
    let header = style.bold(&line(&names, &columns, most, None));
    let rows = rows
        .iter()
        .map(|row| line(row, &columns, most, Some(style)));
    [header].into_iter().chain(rows).collect()
}

/// One line, cut at `most` columns.
fn line(cells: &[Cell], columns: &[Column], most: Option<usize>, style: Option<Style>) -> String {
    let mut line = String::new();
    let mut left = most.unwrap_or(usize::MAX);
    for (place, (cell, column)) in cells.iter().zip(columns).enumerate() {
        let gap = if place == 0 { 0 } else { 2 };
        let is_last = place + 1 == cells.len();
        let padding = column.width - cell.width();
        let (before, after) = match (column.is_text, is_last) {
            (true, true) => (0, 0),
            (true, false) => (0, padding),
            (false, _) => (padding, 0),
        };
        if left <= gap + before {
            break;
        }
        left -= gap + before;
        line.extend(std::iter::repeat_n(' ', gap + before));
        let shown = cut(&cell.text, left);
        left = left.saturating_sub(width(shown));
        match style {
            Some(style) if cell.is_fault => line.push_str(&style.red(shown)),
            _ => line.push_str(shown),
        }
        let after = after.min(left);
        left -= after;
        line.extend(std::iter::repeat_n(' ', after));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The width of the terminal, if standard output is one.
fn terminal_width() -> Option<usize> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}
