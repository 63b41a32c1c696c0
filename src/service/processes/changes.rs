//! The differences between a table of processes and the table sent last.

use std::sync::Arc;

use crate::{
    process::{Field, Row, Rows},
    wire::{Columns, RowFaults},
};

use super::columns::WireColumns;

/// The differences between a table and the table sent last.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The current table.
    pub(crate) rows: Arc<Rows>,
    /// The pids of new rows, also of a pid that now belongs to another process.
    pub(crate) came: Vec<u32>,
    /// The pids of rows with a changed reading.
    pub(crate) changed: Vec<u32>,
    /// The pids of removed rows, also of a pid that now belongs to another process.
    pub(crate) gone: Vec<u32>,
    /// The columns of the new rows, then of the changed rows.
    columns: WireColumns,
}

impl Changes {
    /// Compares two tables of one query. If no table was sent before, all rows are new.
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
        let columns = WireColumns::of_rows(fields, came.iter().copied(), |fault| fault);
        Self {
            columns,
            came: came_pids,
            changed: changed_pids,
            gone,
            rows,
        }
    }

    pub(crate) fn values(&self) -> &Columns {
        &self.columns.columns
    }

    pub(crate) fn faults(&self) -> &RowFaults {
        &self.columns.faults
    }

    /// The approximate size on the bus, in bytes.
    pub(crate) fn size(&self) -> usize {
        let pids = [&self.came, &self.changed, &self.gone];
        let pids: usize = pids.into_iter().map(Vec::len).sum();
        pids.saturating_mul(4).saturating_add(self.columns.size())
    }
}

fn by_pid(rows: &Rows) -> Vec<&Row> {
    let mut rows: Vec<_> = rows.rows.iter().collect();
    rows.sort_by_key(|row| row.pid);
    rows
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        process::{Query, Table},
        reading::{Fault, Reading, Value},
        source::Roots,
    };

    /// A table with a row for each pid, start time and reading.
    fn table<const N: usize>(rows: [(u32, u64, Reading); N]) -> Arc<Rows> {
        let mut table = Table::new(&Roots::default());
        let real = table.rows(&Query::default(), Duration::ZERO, None).unwrap();
        let row = |(pid, start_time, reading)| Row {
            pid,
            start_time,
            values: vec![reading],
        };
        Arc::new(Rows {
            rows: rows.into_iter().map(row).collect(),
            ..real
        })
    }

    fn number(number: f64) -> Reading {
        Ok(Value::Number(number))
    }

    #[track_caller]
    fn check(sent: Option<&Rows>, now: &Arc<Rows>, came: &[u32], changed: &[u32], gone: &[u32]) {
        let changes = Changes::between(&[Field::Rss], sent, now.clone());
        assert_eq!(changes.came, came);
        assert_eq!(changes.changed, changed);
        assert_eq!(changes.gone, gone);
    }

    #[test]
    fn new_changed_and_removed_rows_are_told_apart() {
        let none = table([]);
        // Not ordered by pid, as a table with an `order` is.
        let one = table([
            (7, 70, number(1.0)),
            (3, 30, number(2.0)),
            (9, 90, Err(Fault::Denied)),
        ]);
        check(None, &none, &[], &[], &[]);
        check(None, &one, &[3, 7, 9], &[], &[]);
        check(Some(&none), &one, &[3, 7, 9], &[], &[]);
        check(Some(&one), &one, &[], &[], &[]);
        check(Some(&one), &none, &[], &[], &[3, 7, 9]);
        let other = table([
            (9, 90, number(1.0)),
            (4, 40, number(1.0)),
            (3, 30, number(2.0)),
        ]);
        check(Some(&one), &other, &[4], &[9], &[7]);
    }

    #[test]
    fn a_reused_pid_is_removed_and_new() {
        let one = table([(3, 30, number(1.0)), (4, 40, number(1.0))]);
        let other = table([(3, 31, number(1.0)), (4, 40, number(2.0))]);
        check(Some(&one), &other, &[3], &[4], &[3]);
    }

    #[test]
    fn new_rows_precede_changed_rows() {
        use crate::wire::Column;
        let one = table([(3, 30, number(1.0))]);
        let other = table([(3, 30, Err(Fault::Denied)), (5, 50, number(5.0))]);
        let changes = Changes::between(&[Field::Rss], Some(&one), other);
        let [Column::Numbers(numbers)] = &changes.values().0[..] else {
            panic!("{changes:?}");
        };
        assert_eq!(numbers[0], 5.0);
        assert!(numbers[1].is_nan());
        assert_eq!(
            changes.faults().0,
            [("rss", vec![(Fault::Denied, vec![1])])]
        );
    }
}
