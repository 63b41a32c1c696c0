//! What has changed in a table of processes since its client was told.

use std::sync::Arc;

use crate::{
    process::{Field, Row, Rows},
    wire::{Columns, RowFaults},
};

use super::columns::Sheet;

/// What has changed in a table since it was sent.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The table as it is now.
    pub(crate) rows: Arc<Rows>,
    /// The pids of rows that were not there, or were another process's.
    pub(crate) came: Vec<u32>,
    /// The pids of rows of which a value is another one.
    pub(crate) changed: Vec<u32>,
    /// The pids of rows that are not there any more, or are another process's.
    pub(crate) gone: Vec<u32>,
    /// The rows that came, then those that changed.
    sheet: Sheet,
}

impl Changes {
    /// What has changed between two tables of one query; everything has come, where nothing was sent
    /// before.
    pub(crate) fn between(fields: &[Field], sent: Option<&Rows>, rows: Arc<Rows>) -> Self {
        let (mut came, mut changed, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        let before = sent.map(by_pid).unwrap_or_default();
        let mut before = before.into_iter().peekable();
        for row in by_pid(&rows) {
            while let Some(old) = before.next_if(|old| old.pid < row.pid) {
                gone.push(old.pid);
            }
            match before.next_if(|old| old.pid == row.pid) {
                Some(old) if old.start_time != row.start_time => {
                    gone.push(row.pid);
                    came.push(row);
                }
                Some(old) if old.values != row.values => changed.push(row),
                Some(_) => {}
                None => came.push(row),
            }
        }
        gone.extend(before.map(|old| old.pid));
        let pids = |rows: &[&Row]| rows.iter().map(|row| row.pid).collect();
        let (came_pids, changed_pids) = (pids(&came), pids(&changed));
        came.append(&mut changed);
        let sheet = Sheet::of_rows(fields, came.iter().copied(), |fault| fault);
        Self {
            sheet,
            came: came_pids,
            changed: changed_pids,
            gone,
            rows,
        }
    }

    pub(crate) fn values(&self) -> &Columns {
        &self.sheet.columns
    }

    pub(crate) fn faults(&self) -> &RowFaults {
        &self.sheet.faults
    }

    /// How many bytes they take on the bus, about.
    pub(crate) fn size(&self) -> usize {
        let pids = self.came.len() + self.changed.len() + self.gone.len();
        4 * pids + self.sheet.size()
    }
}

fn by_pid(rows: &Rows) -> Vec<&Row> {
    let mut rows: Vec<_> = rows.rows.iter().collect();
    rows.sort_by_key(|row| row.pid);
    rows
}
