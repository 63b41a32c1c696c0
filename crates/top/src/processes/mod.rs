//! The table of processes, or of groups of processes: its rows, their order, and the selected one.

pub(crate) mod columns;
pub(crate) mod grouping;
mod selection;
mod tree;

use std::sync::Arc;

use sampled_client::{Reading, TableOptions, TableSession, Value};

use columns::{Column, Order};
use grouping::Grouping;

/// Rows are asked for in multiples of this many, so that scrolling seldom asks again.
const STEP: usize = 64;

/// The rows of one process or group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) key: Key,
    /// The readings, in the order of the fields.
    pub(crate) cells: Vec<Reading>,
    /// The lines of the tree before its name.
    pub(crate) branch: String,
}

/// The subject of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Process(u32),
    Group(Arc<str>),
}

/// The question to the service that the rows answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) fields: Vec<&'static str>,
    pub(crate) options: TableOptions,
    grouping: Option<Grouping>,
    is_tree: bool,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) order: Order,
    pub(crate) is_tree: bool,
    /// Whether it leaves out the columns that cost the service one more file of each process.
    pub(crate) is_brief: bool,
    pub(crate) grouping: Grouping,
    /// The text that names have to contain.
    pub(crate) search: String,
    query: Option<Query>,
    rows: Vec<Row>,
    selected: Option<Key>,
    /// The place of the selected row, for when it goes.
    cursor: usize,
    /// Whether the last row of all is selected. The service tells all rows meanwhile.
    is_at_end: bool,
    /// The first row on the screen.
    top: usize,
    /// The number of rows on the screen.
    height: usize,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(order: Order, is_tree: bool, grouping: Grouping) -> Self {
        Self {
            order,
            is_tree,
            is_brief: false,
            grouping,
            search: String::new(),
            query: None,
            rows: Vec::new(),
            selected: None,
            cursor: 0,
            is_at_end: false,
            top: 0,
            height: 0,
        }
    }

    /// The question for a table of this size on the screen.
    pub(crate) fn query(&self, are_groups: bool, width: usize, height: usize) -> Query {
        if are_groups {
            let columns = Column::of_groups(width).into_iter();
            let columns =
                columns.filter(|column| !matches!(column, Column::Name | Column::Processes));
            let fields = std::iter::once(self.grouping.name()).chain(columns.map(Column::field));
            return Query {
                fields: fields.collect(),
                options: TableOptions::default(),
                grouping: Some(self.grouping),
                is_tree: false,
            };
        }
        let mut fields: Vec<_> = self
            .columns_of_processes(width)
            .into_iter()
            .filter(|column| *column != Column::Pid)
            .map(Column::field)
            .collect();
        // With the pid, it identifies a process that is to end.
        fields.push("start_time");
        let mut options = TableOptions::default();
        match self.is_tree {
            true => fields.push("parent"),
            false if self.is_at_end => {}
            false => {
                let rows = self.top.max(self.cursor).saturating_add(height);
                let limit = rows.div_ceil(STEP).max(1).saturating_mul(STEP);
                options = options.limited_to(limit.try_into().unwrap_or(u32::MAX));
            }
        }
        options = options.ordered_by(&self.order.name());
        if !self.search.is_empty() {
            let is_pid = self.search.bytes().all(|byte| byte.is_ascii_digit());
            let field = if is_pid { "pid" } else { "name" };
            let pattern = match is_pid || self.search.contains('*') {
                true => self.search.clone(),
                false => format!("*{}*", self.search),
            };
            options = options.filtered_by(field, &pattern);
        }
        if self.is_group_column() {
            options.order = Some(Order::DEFAULT.name());
        }
        Query {
            fields,
            options,
            grouping: None,
            is_tree: self.is_tree,
        }
    }

    /// Takes over the rows of a session that this question has started.
    pub(crate) fn take(&mut self, query: &Query, session: &TableSession) {
        let before = self.query.replace(query.clone());
        let rows = session.rows();
        self.rows = match query.grouping {
            Some(_) => grouping::groups(&query.fields, rows.values()),
            None => rows
                .iter()
                .map(|(pid, cells)| Row {
                    key: Key::Process(*pid),
                    cells: cells.clone(),
                    branch: String::new(),
                })
                .collect(),
        };
        let order = |query: &Query| query.options.order.clone();
        if before.is_some_and(|before| order(&before) != order(query)) {
            self.begin_unless_selected();
        }
        let is_at_end = self.is_at_end && query.options.limit.is_none();
        self.arrange();
        if is_at_end {
            self.select_last();
        }
    }

    /// Forgets the rows.
    pub(crate) fn clear(&mut self) {
        self.query = None;
        self.rows.clear();
    }

    /// The rows, in their order.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The reading of a column in a row.
    pub(crate) fn cell<'a>(&self, row: &'a Row, column: Column) -> Option<&'a Reading> {
        let query = self.query.as_ref()?;
        let place = match query.grouping {
            Some(_) => grouping::place(&query.fields, column),
            None => query
                .fields
                .iter()
                .position(|field| *field == column.field()),
        };
        row.cells.get(place?)
    }

    /// The columns of processes that fit so many columns of the terminal.
    pub(crate) fn columns_of_processes(&self, width: usize) -> Vec<Column> {
        let mut columns = Column::of_processes(width, self.is_tree);
        columns.retain(|column| !(self.is_brief && column.has_own_file()));
        columns
    }

    /// Whether the rows are of groups.
    pub(crate) fn has_groups(&self) -> bool {
        self.query
            .as_ref()
            .is_some_and(|query| query.grouping.is_some())
    }

    /// Orders the rows by a column, or the other way round.
    pub(crate) fn order_by(&mut self, column: Column) {
        self.order = self.order.by(column);
        self.is_at_end = false;
        self.arrange();
    }

    /// Orders the rows by the column beside the present one.
    pub(crate) fn order_beside(&mut self, columns: &[Column], forward: bool) {
        let at = columns
            .iter()
            .position(|column| *column == self.order.column);
        let last = columns.len().saturating_sub(1);
        let beside = match (at, forward) {
            (Some(at), true) => at.saturating_add(1).min(last),
            (Some(at), false) => at.saturating_sub(1),
            (None, _) => 0,
        };
        if let Some(column) = columns.get(beside).filter(|_| at != Some(beside)) {
            self.order_by(*column);
        }
    }

    /// The selected process: its pid, start time and name.
    pub(crate) fn selected_process(&self) -> Option<(u32, u64, String)> {
        let row = self.selected()?;
        let query = self.query.as_ref()?;
        let place = query
            .fields
            .iter()
            .position(|field| *field == "start_time")?;
        let Some(Ok(Value::Number(start_time))) = row.cells.get(place) else {
            return None;
        };
        let name = self.cell(row, Column::Name)?;
        Some((
            row.pid()?,
            *start_time as u64,
            Column::Name.text(name).into_owned(),
        ))
    }

    fn is_group_column(&self) -> bool {
        self.order.column == Column::Processes
    }

    fn arrange(&mut self) {
        let Some(query) = &self.query else {
            return;
        };
        let order = self.order;
        let mut rows = std::mem::take(&mut self.rows);
        let place = match query.grouping {
            Some(_) => grouping::place(&query.fields, order.column),
            None => query
                .fields
                .iter()
                .position(|field| *field == order.column.field()),
        };
        rows.sort_by(|a, b| {
            let cells = place.and_then(|place| Some((a.cells.get(place)?, b.cells.get(place)?)));
            let by_cell = cells.map(|(a, b)| order.compare(a, b));
            let by_pid = a.pid().cmp(&b.pid());
            match (by_cell, order.column, order.is_descending) {
                (None, Column::Pid, true) => by_pid.reverse(),
                (by_cell, ..) => by_cell.map_or(by_pid, |by_cell| by_cell.then(by_pid)),
            }
        });
        if query.is_tree
            && let Some(parent) = query.fields.iter().position(|field| *field == "parent")
        {
            rows = tree::arrange(rows, parent);
        }
        self.rows = rows;
        let selected = self.selected.as_ref();
        let found = selected.and_then(|key| self.rows.iter().position(|row| row.key == *key));
        match found {
            Some(place) => self.cursor = place,
            // The process has ended: the row in its place is selected.
            None if selected.is_some() => self.select(self.cursor),
            None => self.cursor = 0,
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new(Order::DEFAULT, false, Grouping::default())
    }
}

impl Row {
    /// The pid of the process.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self.key {
            Key::Process(pid) => Some(pid),
            Key::Group(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
