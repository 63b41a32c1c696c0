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
        let pids = [&self.came, &self.changed, &self.gone];
        let pids: usize = pids.into_iter().map(Vec::len).sum();
        pids.saturating_mul(4).saturating_add(self.sheet.size())
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

    /// Rows of a pid, a start time and a reading each.
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
    fn what_came_changed_and_went() {
        let none = table([]);
        // Not in the order of the pids, as in a table that is ordered by something else.
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
    fn a_pid_that_is_another_process_s_has_gone_and_come() {
        let one = table([(3, 30, number(1.0)), (4, 40, number(1.0))]);
        let other = table([(3, 31, number(1.0)), (4, 40, number(2.0))]);
        check(Some(&one), &other, &[3], &[4], &[3]);
    }

    #[test]
    fn the_rows_are_those_that_came_and_then_those_that_changed() {
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
