//! What the sources cost: against the bare reading of the same files, and against the procfs crate.
//!
//! Run with `cargo bench --no-default-features --features source --bench read`.

mod support;

use std::{fs::File, hint::black_box, os::unix::fs::FileExt};

use procfs::{Current, CurrentSI};
use sampled::{
    reading::Raw,
    source::{Roots, Source, all},
};

/// One file for each source that looks at one in every reading.
const FILES: [&str; 7] = [
    "/proc/stat",
    "/sys/devices/system/cpu/online",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/sys/kernel/hostname",
    "/etc/os-release",
    "/proc/uptime",
];

/// The ids of the sources for which the procfs crate has readers, too, and their files.
const COMMON: [(&str, &str); 5] = [
    ("cpu/*/usage", "/proc/stat"),
    ("cpu/loadaverages/*", "/proc/loadavg"),
    ("memory/physical/*", "/proc/meminfo"),
    ("os/system/hostname", "/proc/sys/kernel/hostname"),
    ("os/system/uptime", "/proc/uptime"),
];

fn main() {
    println!(
        "All sources, against pread of kept-open descriptors of their {} files",
        FILES.len()
    );
    let mut sources = discovered(|_| true);
    let mut columns = Vec::new();
    let mut raw = RawFiles::open(&FILES);
    let costs = support::interleave(&mut [
        ("raw pread", &mut || raw.read()),
        ("sampled::source", &mut || read(&mut sources, &mut columns)),
    ]);
    support::compare(&costs[1], &costs[0], 1.15);

    println!(
        "\nThe {} files that the procfs crate covers, too",
        COMMON.len()
    );
    let mut sources = discovered(|source| COMMON.iter().any(|(id, _)| source.scope().contains(id)));
    assert_eq!(sources.len(), COMMON.len());
    let mut raw = RawFiles::open(&COMMON.map(|(_, file)| file));
    let costs = support::interleave(&mut [
        ("raw pread", &mut || raw.read()),
        ("sampled::source", &mut || read(&mut sources, &mut columns)),
        ("procfs crate", &mut read_by_procfs),
    ]);
    support::compare(&costs[1], &costs[0], 1.15);
    support::compare(&costs[1], &costs[2], 0.3);

    println!("\nOne by one");
    for source in &mut discovered(|_| true) {
        let scope = source.scope()[0];
        support::interleave(&mut [(scope, &mut || {
            columns.clear();
            source.read(&mut columns).expect("the files are readable");
            black_box(&columns);
        })]);
    }
}

fn discovered(wanted: impl Fn(&dyn Source) -> bool) -> Vec<Box<dyn Source>> {
    let sources = all(&Roots::default()).into_iter();
    let mut wanted: Vec<_> = sources.filter(|source| wanted(source.as_ref())).collect();
    for source in &mut wanted {
        source.discover().expect("the files are readable");
    }
    wanted
}

fn read(sources: &mut [Box<dyn Source>], columns: &mut Vec<Raw>) {
    for source in sources {
        columns.clear();
        source.read(columns).expect("the files are readable");
        black_box(&columns);
    }
}

struct RawFiles {
    files: Vec<File>,
    buffer: Vec<u8>,
}

impl RawFiles {
    /// Those of the files that are there: a container may lack some.
    fn open(paths: &[&str]) -> Self {
        Self {
            files: paths
                .iter()
                .filter_map(|path| File::open(path).ok())
                .collect(),
            buffer: vec![0; 1 << 20],
        }
    }

    fn read(&mut self) {
        for file in &self.files {
            let length = file
                .read_at(&mut self.buffer, 0)
                .expect("the files are readable");
            black_box(&self.buffer[..length]);
        }
    }
}

fn read_by_procfs() {
    black_box(procfs::KernelStats::current().expect("/proc/stat is readable"));
    black_box(procfs::LoadAverage::current().expect("/proc/loadavg is readable"));
    black_box(procfs::Meminfo::current().expect("/proc/meminfo is readable"));
    black_box(procfs::sys::kernel::hostname().expect("/proc/sys/kernel/hostname is readable"));
    black_box(procfs::Uptime::current().expect("/proc/uptime is readable"));
}
