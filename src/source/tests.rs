//! Fixtures and readings for the tests of the sources.

mod errors;
pub(crate) mod harm;
pub(crate) mod members;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use super::*;
use crate::reading::monotonic;

/// The text of a file in tests/fixtures.
macro_rules! fixture {
    ($path:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/",
            $path
        ))
    };
}
pub(crate) use fixture;

/// The roots of a machine in tests/fixtures.
pub(crate) fn roots(machine: &str) -> Roots {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(machine);
    Roots {
        proc: root.join("proc"),
        sys: root.join("sys"),
        root,
    }
}

/// An empty directory that is /proc, /sys and / in one, and goes with the test.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
}

impl Tree {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sampled-source-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir(&root).unwrap();
        // The links in /proc/self/fd have no symbolic links in them.
        let root = root.canonicalize().unwrap();
        Self { root }
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots {
            proc: self.root.clone(),
            sys: self.root.clone(),
            root: self.root.clone(),
        }
    }

    /// Writes a file. One that exists stays the same file, as in procfs.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A symbolic link, as sysfs has them, to another path of this tree.
    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(self.root.join(target), path).unwrap();
    }

    /// The number of files of this tree that the process has open.
    pub(crate) fn descriptors(&self) -> usize {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        targets
            .filter(|target| target.starts_with(&self.root))
            .count()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.root);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}

/// The deadline for an answer of the blocking pool. It is generous to a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits on this thread for the pending answers.
#[track_caller]
fn until_answered(source: &mut dyn Source) {
    let start = Instant::now();
    while source
        .deferred()
        .is_some_and(|deferred| deferred.is_pending())
    {
        assert!(start.elapsed() < DEADLINE, "no answer of the blocking pool");
        // As a caller does, this asks for a thread again while the answer needs one.
        awaited_until(source);
        std::thread::yield_now();
    }
    wait(source);
}

/// Waits on this thread as long as a caller should.
pub(crate) fn wait(source: &mut dyn Source) {
    while awaited_until(source).is_some() {
        std::thread::yield_now();
    }
}

/// The moment until which a caller should wait for the source.
pub(crate) fn awaited_until(source: &mut dyn Source) -> Option<Instant> {
    source.deferred()?.awaited_until()
}

/// Discovers after waiting for the part that may block.
#[track_caller]
pub(crate) fn discover(source: &mut dyn Source) -> Result<Vec<Metric>, Error> {
    if let Some(deferred) = source.deferred() {
        deferred.begin_discovery(monotonic());
    }
    until_answered(source);
    source.discover()
}

/// Begins a reading, and waits for the part that may block.
#[track_caller]
pub(crate) fn begin(source: &mut dyn Source) {
    if let Some(deferred) = source.deferred() {
        deferred.begin(monotonic());
    }
    until_answered(source);
}

/// The columns of one reading.
#[track_caller]
pub(crate) fn read(source: &mut dyn Source) -> Vec<Raw> {
    begin(source);
    let mut columns = Vec::new();
    source.read(&mut columns).unwrap();
    columns
}

#[track_caller]
pub(crate) fn number_of(column: &Raw) -> f64 {
    match column {
        Raw::Number(number) => *number,
        Raw::Counter(count) => *count as f64,
        other => panic!("{other:?} is no number"),
    }
}

/// The value of the metric `id`, which must be a level.
#[track_caller]
pub(crate) fn level(metrics: &[Metric], columns: &[Raw], id: &str) -> f64 {
    let metric = metrics.iter().find(|metric| &*metric.id == id).unwrap();
    assert!(!metric.formula.needs_baseline(), "{id} is no level");
    let now = crate::reading::Snapshot {
        stamp: crate::reading::Stamp::now(),
        columns: columns.to_vec(),
    };
    match metric.formula.evaluate(&now, None) {
        Ok(crate::reading::Value::Number(number)) => number,
        other => panic!("{id} is {other:?}"),
    }
}
