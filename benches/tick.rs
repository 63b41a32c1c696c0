//! The cost of a tick on a large machine: it depends on the selected metrics, and not on the others.
//!
//! Reads the fixture of a server with 128 cpus and 63 disks. Run with
//! `cargo bench --no-default-features --features service --bench tick`.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a bench computes with its own measurements"
)]

mod support;

use std::{fs, hint::black_box, path::Path, sync::Arc};

use sampled::{
    reading::Stamp,
    source::Roots,
    sources::all,
    store::{Selection, Store},
};

/// Selectors, the largest share that each may have in the cost of reading everything, and the number of its files. The
/// server has ZFS, so that its memory is told by `meminfo` and `arcstats`.
const SELECTORS: [(&str, f64, usize); 4] = [
    ("cpu/loadaverages/loadaverage1", 0.05, 1),
    ("disk/*/read", 1.0, 1),
    ("cpu/cpu77/usage", 0.5, 1),
    ("memory/physical/used", 0.05, 2),
];

fn main() {
    let tree = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/server"
    ));
    let roots = Roots {
        proc: tree.join("proc"),
        sys: tree.join("sys"),
        root: tree.to_owned(),
    };
    // The last disk stands for all.
    let disk = {
        let store = Store::new(all(&roots));
        let disks = store.resolve(&["disk/*/read"]).expect("disks");
        let last = disks.columns.last().expect("63 of them");
        last.metric.id.to_string()
    };
    let everything = Tick::new(&roots, &[]);
    println!(
        "everything: {} metrics, {} reads, {} files open\n",
        everything.metrics(),
        everything.reads(),
        open_under(tree)
    );
    for (selector, at_most, files) in SELECTORS {
        let selector = match selector {
            "disk/*/read" => &disk,
            other => other,
        };
        let before = open_under(tree);
        let one = Tick::new(&roots, &[selector]);
        let reads = one.reads();
        let opened = open_under(tree) - before;
        println!("{selector}: {reads} reads, {opened} files open");
        let costs = support::interleave(&mut [
            ("everything", &mut || everything.read()),
            ("one metric", &mut || one.read()),
        ]);
        support::compare(&costs[1], &costs[0], at_most);
        let verdict = if reads == 1 && opened == files {
            "ok"
        } else {
            "TOO MUCH"
        };
        println!(
            "reads and files of one metric: {reads}, {opened} (at most 1, {files}) {verdict}\n"
        );
    }
}

/// A store, and a selection of its metrics.
struct Tick {
    store: Store,
    selection: Arc<Selection>,
}

impl Tick {
    fn new(roots: &Roots, selectors: &[&str]) -> Self {
        let store = Store::new(all(roots));
        let selection = store.resolve(selectors).expect("they are there");
        let tick = Self { store, selection };
        tick.read();
        tick
    }

    fn metrics(&self) -> usize {
        self.selection.columns.len()
    }

    fn read(&self) {
        let now = Stamp::now().monotonic;
        black_box(self.store.read(&self.selection, now));
    }

    /// The number of readings that a tick takes: of a file, or of a group of files.
    fn reads(&self) -> u64 {
        let count = || {
            self.store
                .sources()
                .iter()
                .map(|source| source.reads)
                .sum::<u64>()
        };
        let before = count();
        self.read();
        count() - before
    }
}

/// The number of open files below this directory.
fn open_under(tree: &Path) -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").expect("descriptors");
    let files = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    files.filter(|file| file.starts_with(tree)).count()
}
