//! What the table says of trees that are made here, and of real processes.

mod real;
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

/// A directory that is /proc.
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

    /// Its table, which has patience with a machine that is busy.
    fn table(&self) -> Table {
        let mut table = Table::new(&self.roots());
        table.desk.patience = Duration::from_secs(20);
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

    /// A process that started at this many ticks, and has used as many.
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

/// A pass of now, without anything to compare with.
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

/// The files that this process has open below a directory.
fn descriptors(below: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    targets.filter(|target| target.starts_with(below)).count()
}
