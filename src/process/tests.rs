//! Tests of the table with fixture trees and with real processes.

mod fields;
mod rates;
mod real;
#[path = "../../crates/daemon/tests/it/skip.rs"]
mod skip;
mod trees;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::*;
use crate::{
    reading::{Fault, Reading, Stamp, Value},
    source::Roots,
};

/// A directory in the place of /proc.
struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn roots(&self) -> Roots {
        Roots {
            proc: self.0.path().to_owned(),
            ..Roots::default()
        }
    }

    /// Its table, with a timeout that is long enough for a busy machine.
    fn table(&self) -> Table {
        let mut table = Table::new(&self.roots());
        table.cache.timeout = Duration::from_secs(20);
        table
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the stat of a process with this start time and this CPU time, both in clock ticks.
    fn process(&self, pid: u32, name: &str, start: u64, used: u64) {
        let text = format!(
            "{pid} ({name}) S 1 7 7 0 -1 4194304 1 2 3 4 {used} 0 7 8 20 5 3 0 {start} 99 25 0 0\n"
        );
        self.write(&format!("{pid}/stat"), text);
    }

    fn end(&self, pid: u32) {
        fs::remove_dir_all(self.path(&pid.to_string())).unwrap();
    }
}

fn now() -> Duration {
    Stamp::now().monotonic
}

fn query(fields: &[Field]) -> Query {
    Query {
        fields: fields.to_vec(),
        ..Query::default()
    }
}

/// The rows of a new pass without a baseline.
#[track_caller]
fn rows(table: &mut Table, query: &Query) -> Rows {
    table.rows(query, now(), None).unwrap()
}

fn number(number: f64) -> Reading {
    Ok(Value::Number(number))
}

fn text(text: &str) -> Reading {
    Ok(Value::Text(text.into()))
}

fn pids(rows: &Rows) -> Vec<u32> {
    rows.rows.iter().map(|row| row.pid).collect()
}

/// The number of files that this process has open below a directory.
fn descriptors(below: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    targets.filter(|target| target.starts_with(below)).count()
}
