//! The cost of the table of processes, against bare preads of the same files and against the procfs crate, which opens
//! the files each time.
//!
//! Run with `cargo bench --no-default-features --features source --bench processes`.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a bench computes with its own measurements"
)]

#[path = "common/sleepers.rs"]
mod sleepers;
mod support;

use std::{
    fs::{self, File},
    hint::black_box,
    os::unix::fs::FileExt,
    sync::{Arc, mpsc},
    time::Duration,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sampled::{
    process::{Field, Pass, Query, Table},
    reading::Stamp,
    source::{Provider, Roots},
    sources,
};

use sleepers::Sleepers;

/// The number of processes on a desktop.
const DESKTOP: usize = 573;

/// The number of processes on a large server.
const SERVER: usize = 5000;

/// The fields that `sampled ps` shows.
const SHOWN: [Field; 7] = [
    Field::Pid,
    Field::User,
    Field::Cpu,
    Field::Rss,
    Field::State,
    Field::Name,
    Field::CommandLine,
];

fn main() {
    let resource = Resource::RLIMIT_NOFILE;
    let (_, hard) = getrlimit(resource).expect("the limit of open files");
    setrlimit(resource, hard, hard).expect("the soft limit can be raised to the hard limit");
    for (count, calls, rounds) in [(DESKTOP, 4, 150), (SERVER, 2, 25)] {
        let sleepers = Sleepers::up_to(count);
        measure(calls, rounds);
        measure_counts(calls, rounds);
        drop(sleepers);
    }
}

fn measure(calls: u32, rounds: usize) {
    let mut raw = RawFiles::open();
    println!("{} processes", raw.0.len());
    let mut pass = RepeatedQuery::new(&[], None);
    let mut of_stat =
        RepeatedQuery::new(&[Field::Name, Field::State, Field::Cpu, Field::Rss], None);
    let mut first = RepeatedQuery::new(&SHOWN, Some(20));
    let mut all = RepeatedQuery::new(&SHOWN, None);
    let costs = support::interleave_in(
        calls,
        rounds,
        &mut [
            ("raw pread of kept-open stat", &mut || raw.read()),
            ("sampled::process, a pass", &mut || pass.run()),
            ("a pass and 4 fields of stat", &mut || of_stat.run()),
            ("a pass and 7 fields of the first 20", &mut || first.run()),
            ("a pass and 7 fields of all", &mut || all.run()),
            ("procfs crate", &mut read_by_procfs),
        ],
    );
    support::compare(&costs[1], &costs[0], 1.1);
    support::compare(&costs[1], &costs[5], 0.35);
    println!();
}

/// Measures the counts of processes for a client that reads nothing else.
fn measure_counts(calls: u32, rounds: usize) {
    let mut counts = ProcessCounts::new();
    let costs = support::interleave_in(
        calls,
        rounds,
        &mut [
            ("stat of each, opened anew", &mut open_and_read),
            ("os/processes/*, by its source", &mut || counts.read()),
            ("os/processes/*, the first reading", &mut count_once),
        ],
    );
    support::compare(&costs[1], &costs[0], 0.5);
    support::compare(&costs[2], &costs[0], 1.5);
    println!();
}

fn count_once() {
    ProcessCounts::new().read();
}

/// A query that is repeated as by a session: each time with the pass before as its baseline.
struct RepeatedQuery {
    table: Table,
    query: Query,
    baseline: Option<Arc<Pass>>,
}

impl RepeatedQuery {
    fn new(fields: &[Field], limit: Option<usize>) -> Self {
        Self {
            table: Table::new(&Roots::default()),
            query: Query {
                fields: fields.to_vec(),
                order: limit.and_then(|_| "-cpu".parse().ok()),
                limit: if fields.is_empty() { Some(0) } else { limit },
                ..Query::default()
            },
            baseline: None,
        }
    }

    fn run(&mut self) {
        let now = Stamp::now().monotonic;
        let rows = self.table.rows(&self.query, now, self.baseline.as_deref());
        let rows = rows.expect("/proc can be read");
        self.baseline = Some(rows.pass.clone());
        black_box(rows);
    }
}

/// The source that counts processes, on its blocking pool.
struct ProcessCounts {
    source: Provider,
    answers: mpsc::Receiver<()>,
}

impl ProcessCounts {
    fn new() -> Self {
        let sources = sources::all(&Roots::default()).into_iter();
        let source = sources
            .filter(|source| source.about().name == "processes")
            .last();
        let mut source = source.expect("processes are counted");
        let (sender, answers) = mpsc::channel();
        let deferred = source.deferred().expect("a deferred source");
        deferred.when_answered(Arc::new(move || {
            sender.send(()).ok();
        }));
        Self { source, answers }
    }

    /// Reads the counts of a new pass. Until the pool has answered, a slow source returns older counts.
    fn read(&mut self) {
        let now = Stamp::now().monotonic;
        if let Some(deferred) = self.source.deferred() {
            deferred.begin(now);
        }
        let mut columns = Vec::new();
        loop {
            let read = self.source.read(&mut columns);
            read.expect("/proc can be read");
            let stamp = self.source.deferred().and_then(|deferred| deferred.stamp());
            if stamp.is_some_and(|stamp| stamp.monotonic >= now) {
                break;
            }
            self.answers.recv_timeout(Duration::from_millis(2)).ok();
            columns.clear();
        }
        black_box(columns);
    }
}

/// The reads of a program that keeps no file open.
fn open_and_read() {
    let entries = fs::read_dir("/proc").expect("there is a /proc").flatten();
    for entry in entries {
        if entry.file_name().as_encoded_bytes()[0].is_ascii_digit() {
            black_box(fs::read(entry.path().join("stat")).ok());
        }
    }
}

/// The floor: one system call for each process, and no parsing.
struct RawFiles(Vec<File>);

impl RawFiles {
    fn open() -> Self {
        let entries = fs::read_dir("/proc").expect("there is a /proc").flatten();
        let files = entries.filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.parse::<u32>().ok()?;
            File::open(entry.path().join("stat")).ok()
        });
        Self(files.collect())
    }

    fn read(&mut self) {
        let mut buffer = [0; 2048];
        // A process that has ended is not read again.
        self.0.retain(|file| {
            let read = file.read_at(&mut buffer, 0);
            black_box(&buffer);
            read.is_ok()
        });
    }
}

fn read_by_procfs() {
    let processes = procfs::process::all_processes().expect("there is a /proc");
    for process in processes.flatten() {
        black_box(process.stat().ok());
    }
}
