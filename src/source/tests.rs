//! What the tests of the sources share, and the tests of what all sources share.

mod errors;
pub(super) mod harm;
mod kinds;
pub(super) mod members;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
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
pub(super) use fixture;

/// The roots of a machine in tests/fixtures.
pub(super) fn roots(machine: &str) -> Roots {
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
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sampled-source-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir(&root).unwrap();
        // What a descriptor's link shows has no symbolic links in it.
        let root = root.canonicalize().unwrap();
        Self { root }
    }

    pub(super) fn roots(&self) -> Roots {
        Roots {
            proc: self.root.clone(),
            sys: self.root.clone(),
            root: self.root.clone(),
        }
    }

    /// Writes into the same file where there is one already, as the kernel does.
    pub(super) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A symbolic link, as sysfs has them, to another path of this tree.
    pub(super) fn link(&self, path: &str, target: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(self.root.join(target), path).unwrap();
    }

    /// How many files of this tree the process has open.
    pub(super) fn descriptors(&self) -> usize {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        targets
            .filter(|target| target.starts_with(&self.root))
            .count()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Waits on this thread for what was begun.
pub(super) fn wait(source: &dyn Source) {
    while source.awaited_until().is_some() {
        std::thread::yield_now();
    }
}

/// What is discovered when everything that may block was waited for.
pub(super) fn discover(source: &mut dyn Source) -> Result<Vec<Metric>, Error> {
    source.begin_discovery(monotonic());
    wait(source);
    source.discover()
}

/// Begins a reading, and waits for what may block.
pub(super) fn begin(source: &mut dyn Source) {
    source.begin(monotonic());
    wait(source);
}

/// The columns of one reading.
#[track_caller]
pub(super) fn read(source: &mut dyn Source) -> Vec<Raw> {
    begin(source);
    let mut columns = Vec::new();
    source.read(&mut columns).unwrap();
    columns
}

#[track_caller]
pub(super) fn number_of(column: &Raw) -> f64 {
    match column {
        Raw::Number(number) => *number,
        Raw::Counter(count) => *count as f64,
        other => panic!("{other:?} is no number"),
    }
}

/// The number of the metric `id`, which must be a level.
#[track_caller]
pub(super) fn level(metrics: &[Metric], columns: &[Raw], id: &str) -> f64 {
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

#[test]
fn every_metric_is_in_scope_and_has_a_column_and_an_explanation() {
    use crate::reading::Kind;
    for roots in [
        roots("laptop"),
        roots("server"),
        roots("desktop"),
        roots("raspberry"),
        Roots::default(),
    ] {
        let mut ids = std::collections::HashSet::new();
        for mut source in members::with_members(all(&roots)) {
            let metrics = source.discover().unwrap();
            if metrics.is_empty() {
                continue;
            }
            let columns = read(source.as_mut());
            for metric in metrics {
                assert!(
                    source
                        .scope()
                        .iter()
                        .any(|pattern| covers(pattern, &metric.id)),
                    "{}",
                    metric.id
                );
                assert!(source.may_have(&|id| covers(id, &metric.id)));
                let last = metric.formula.width() - 1;
                assert!(last < columns.len(), "{}", metric.id);
                let is_text = metric.kind == Kind::Text;
                match columns[last] {
                    Raw::Text(_) => assert!(is_text, "{}", metric.id),
                    Raw::Fault(_) => {}
                    _ => assert!(!is_text, "{}", metric.id),
                }
                assert_eq!(metric.formula.needs_baseline(), metric.kind == Kind::Rate);
                assert_eq!(metric.unit.is_empty(), is_text);
                assert!(metric.id.is_ascii() && !metric.name.is_empty());
                assert!(
                    ["/proc/", "/sys/", "/etc/", "/run/", "(2)", "(3)"]
                        .iter()
                        .any(|origin| metric.description.contains(origin)),
                    "{}",
                    metric.id
                );
                assert!(ids.insert(metric.id.clone()), "{} twice", metric.id);
            }
        }
        assert!(ids.contains("cpu/cpu0/usage") && ids.contains("os/system/uptime"));
    }
}

fn covers(pattern: &str, id: &str) -> bool {
    let same = |(one, other): (&str, &str)| one == "*" || one == other;
    pattern.split('/').count() == id.split('/').count()
        && pattern.split('/').zip(id.split('/')).all(same)
}

#[test]
fn an_empty_tree_is_an_error_with_a_path_or_nothing() {
    let tree = Tree::new();
    for mut source in all(&tree.roots()) {
        match source.discover() {
            Ok(metrics) => assert_eq!(metrics, []),
            Err(error) => {
                assert!(
                    error.to_string().starts_with(tree.root.to_str().unwrap()),
                    "{error}"
                );
                assert_eq!(error.fault(), Fault::Gone);
                let mut columns = Vec::new();
                match source.read(&mut columns) {
                    Ok(()) => assert!(columns.iter().all(is_fault)),
                    Err(error) => assert_eq!(error.fault(), Fault::Gone),
                }
            }
        }
    }
}

fn is_fault(column: &Raw) -> bool {
    matches!(column, Raw::Fault(_))
}

#[test]
fn empty_files_are_malformed_or_nothing() {
    let tree = Tree::new();
    for path in [
        "stat",
        "meminfo",
        "loadavg",
        "uptime",
        "cpuinfo",
        "vmstat",
        "diskstats",
        "net/dev",
        "sys/fs/file-nr",
        "sys/kernel/random/entropy_avail",
        "net/route",
        "net/ipv6_route",
        "net/wireless",
        "self/mountinfo",
        "pressure/cpu",
        "pressure/memory",
        "pressure/io",
        "pressure/irq",
        "devices/system/cpu/online",
    ] {
        tree.write(path, "");
    }
    for path in ["ostype", "osrelease", "hostname"] {
        tree.write(&format!("sys/kernel/{path}"), "");
    }
    for mut source in all(&tree.roots()) {
        let _ = source.discover();
        let mut columns = Vec::new();
        match source.read(&mut columns) {
            Ok(()) => assert!(columns.iter().all(is_fault)),
            Err(error) => assert_eq!(error.fault(), Fault::Malformed, "{error}"),
        }
    }
}

#[test]
fn files_are_opened_once() {
    let tree = Tree::new();
    tree.write("stat", fixture!("laptop/proc/stat"));
    tree.write("meminfo", fixture!("laptop/proc/meminfo"));
    tree.write("loadavg", fixture!("laptop/proc/loadavg"));
    tree.write("uptime", fixture!("laptop/proc/uptime"));
    let mut sources: Vec<_> = all(&tree.roots())
        .into_iter()
        .filter_map(|mut source| {
            source
                .discover()
                .is_ok_and(|found| !found.is_empty())
                .then_some(source)
        })
        .collect();
    assert_eq!(tree.descriptors(), 4);
    for path in ["stat", "meminfo", "loadavg", "uptime"] {
        fs::remove_file(tree.root.join(path)).unwrap();
    }
    for _ in 0..3 {
        sources
            .iter_mut()
            .for_each(|source| assert!(!read(source.as_mut()).is_empty()));
        assert_eq!(tree.descriptors(), 4);
    }
    drop(sources);
    assert_eq!(tree.descriptors(), 0);
}
