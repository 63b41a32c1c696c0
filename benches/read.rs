//! The cost of the sources, against bare preads of the same files and against the procfs crate.
//!
//! Run with `cargo bench --no-default-features --features source --bench read`.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a bench computes with its own measurements"
)]

mod support;

use std::{fs::File, hint::black_box, os::unix::fs::FileExt};

use procfs::{Current, CurrentSI};
use sampled::{
    reading::Raw,
    source::{Provider, Roots},
    sources::all,
};

/// The sources that read a file in every reading: the first pattern of their scope, and the file. The name and release of
/// the kernel are missing because they are read once.
const FILES: [(&str, &str); 13] = [
    ("cpu/*/usage", "/proc/stat"),
    ("cpu/loadaverages/*", "/proc/loadavg"),
    ("memory/physical/*", "/proc/meminfo"),
    ("os/system/uptime", "/proc/uptime"),
    ("disk/*/read", "/proc/diskstats"),
    ("network/*/download", "/proc/net/dev"),
    ("memory/paging/*", "/proc/vmstat"),
    ("pressure/cpu/*", "/proc/pressure/cpu"),
    ("pressure/memory/*", "/proc/pressure/memory"),
    ("pressure/io/*", "/proc/pressure/io"),
    ("os/system/hostname", "/proc/sys/kernel/hostname"),
    ("cpu/*/name", "/sys/devices/system/cpu/online"),
    ("os/system/name", "/etc/os-release"),
];

/// The procfs crate has readers for the first of these files.
const COMMON: usize = 10;

/// All but os-release, for which the source calls stat(2) and reads it only if it has changed: a pread of a kept-open
/// descriptor costs less, but does not see that the file was replaced.
const READ: usize = 12;

fn main() {
    let mut columns = Vec::new();

    for files in [&FILES[..READ], &FILES[..]] {
        let (count, last) = (files.len(), files[files.len() - 1].1);
        println!("{count} files, to {last}, against pread of kept-open descriptors");
        let mut raw = RawFiles::open(files);
        let mut sources = discovered(files);
        let costs = support::interleave(&mut [
            ("raw pread", &mut || raw.read()),
            ("sampled::source", &mut || read(&mut sources, &mut columns)),
        ]);
        support::compare(&costs[1], &costs[0], 1.15);
        println!();
    }

    println!("The {COMMON} files that the procfs crate reads, too");
    let mut raw = RawFiles::open(&FILES[..COMMON]);
    let mut sources = discovered(&FILES[..COMMON]);
    let costs = support::interleave(&mut [
        ("raw pread", &mut || raw.read()),
        ("sampled::source", &mut || read(&mut sources, &mut columns)),
        ("procfs crate", &mut read_by_procfs),
    ]);
    support::compare(&costs[1], &costs[0], 1.15);
    support::compare(&costs[1], &costs[2], 0.3);

    println!("\nEach file: raw pread, and sampled::source");
    for pair in FILES {
        let mut raw = RawFiles::open(&[pair]);
        let mut sources = discovered(&[pair]);
        support::interleave(&mut [
            (pair.1, &mut || raw.read()),
            (pair.0, &mut || read(&mut sources, &mut columns)),
        ]);
    }
}

/// The sources of these pairs of a pattern and a file, after discovery.
fn discovered(pairs: &[(&str, &str)]) -> Vec<Provider> {
    let mut sources = all(&Roots::default());
    sources.retain(|source| pairs.iter().any(|pair| pair.0 == source.about().scope[0]));
    assert_eq!(sources.len(), pairs.len());
    for source in &mut sources {
        source.discover().expect("the files are readable");
    }
    sources
}

fn read(sources: &mut [Provider], columns: &mut Vec<Raw>) {
    for source in sources {
        columns.clear();
        source.read(columns).expect("the files are readable");
        black_box(&columns);
    }
}

/// The floor: one system call for each file, and no parsing.
struct RawFiles(Vec<(File, Vec<u8>)>);

impl RawFiles {
    fn open(pairs: &[(&str, &str)]) -> Self {
        let open = |pair: &(&str, &str)| {
            let file = File::open(pair.1).expect("the files are there");
            // As small as possible: for a sysctl file the kernel allocates a buffer of the size of the read.
            let mut buffer = vec![0; 256];
            while file
                .read_at(&mut buffer, 0)
                .expect("the files are readable")
                == buffer.len()
            {
                buffer.resize(4 * buffer.len(), 0);
            }
            (file, buffer)
        };
        Self(pairs.iter().map(open).collect())
    }

    fn read(&mut self) {
        for (file, buffer) in &mut self.0 {
            let length = file.read_at(buffer, 0).expect("the files are readable");
            assert!(length < buffer.len(), "the buffer is too small");
            black_box(&buffer[..length]);
        }
    }
}

fn read_by_procfs() {
    black_box(procfs::KernelStats::current().expect("/proc/stat is readable"));
    black_box(procfs::LoadAverage::current().expect("/proc/loadavg is readable"));
    black_box(procfs::Meminfo::current().expect("/proc/meminfo is readable"));
    black_box(procfs::Uptime::current().expect("/proc/uptime is readable"));
    black_box(procfs::diskstats().expect("/proc/diskstats is readable"));
    black_box(procfs::net::dev_status().expect("/proc/net/dev is readable"));
    black_box(procfs::vmstat().expect("/proc/vmstat is readable"));
    black_box(procfs::CpuPressure::current().expect("/proc/pressure/cpu is readable"));
    black_box(procfs::MemoryPressure::current().expect("/proc/pressure/memory is readable"));
    black_box(procfs::IoPressure::current().expect("/proc/pressure/io is readable"));
}
