//! What the table of processes costs: against bare preads of the same files, and against the procfs
//! crate, which opens them anew each time.
//!
//! Run with `cargo bench --no-default-features --features source --bench processes`.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "what a bench computes is its own"
)]

mod support;

use std::{
    fs::{self, File},
    hint::black_box,
    io::{BufRead, BufReader},
    os::unix::fs::FileExt,
    process::{Child, Command, Stdio},
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

/// As many processes a desktop has.
const DESKTOP: usize = 573;

/// As many a large server.
const SERVER: usize = 5000;

/// What a person is shown.
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
    let limit = Resource::RLIMIT_NOFILE;
    let (_, most) = getrlimit(limit).expect("there is a limit of open files");
    setrlimit(limit, most, most).expect("it can be raised to what is permitted");
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
    let mut kept = Asked::new(&[], None);
    let mut cpu = Asked::new(&[Field::Name, Field::State, Field::Cpu, Field::Rss], None);
    let mut top = Asked::new(&SHOWN, Some(20));
    let mut all = Asked::new(&SHOWN, None);
    let costs = support::interleave_in(
        calls,
        rounds,
        &mut [
            ("raw pread of kept-open stat", &mut || raw.read()),
            ("sampled::process, a pass", &mut || kept.ask()),
            ("the same, 4 fields of stat", &mut || cpu.ask()),
            ("the same, what is shown of the first 20", &mut || top.ask()),
            ("the same, what is shown of all", &mut || all.ask()),
            ("procfs crate", &mut read_by_procfs),
        ],
    );
    support::compare(&costs[1], &costs[0], 1.1);
    support::compare(&costs[1], &costs[5], 0.35);
    println!();
}

/// The counts of processes, as a client has them who asks for nothing else.
fn measure_counts(calls: u32, rounds: usize) {
    let mut counted = Counted::new();
    let costs = support::interleave_in(
        calls,
        rounds,
        &mut [
            ("stat of each, opened anew", &mut open_anew),
            ("os/processes/*, by its source", &mut || counted.read()),
            ("the same, for the first time", &mut count_once),
        ],
    );
    support::compare(&costs[1], &costs[0], 0.5);
    support::compare(&costs[2], &costs[0], 1.5);
    println!();
}

fn count_once() {
    Counted::new().read();
}

/// A query that is asked again and again, as by a session.
struct Asked {
    table: Table,
    query: Query,
    before: Option<Arc<Pass>>,
}

impl Asked {
    fn new(fields: &[Field], limit: Option<usize>) -> Self {
        Self {
            table: Table::new(&Roots::default()),
            query: Query {
                fields: fields.to_vec(),
                order: limit.and_then(|_| "-cpu".parse().ok()),
                limit: if fields.is_empty() { Some(0) } else { limit },
                ..Query::default()
            },
            before: None,
        }
    }

    fn ask(&mut self) {
        let now = Stamp::now().monotonic;
        let rows = self.table.rows(&self.query, now, self.before.as_deref());
        let rows = rows.expect("/proc can be read");
        self.before = Some(rows.pass.clone());
        black_box(rows);
    }
}

/// The source that counts processes, on its pool.
struct Counted {
    source: Provider,
    answers: mpsc::Receiver<()>,
}

impl Counted {
    fn new() -> Self {
        let sources = sources::all(&Roots::default()).into_iter();
        let source = sources
            .filter(|source| source.about().name == "processes")
            .last();
        let mut source = source.expect("processes are counted");
        let (tell, answers) = mpsc::channel();
        let deferred = source.deferred().expect("they are counted on a pool");
        deferred.when_answered(Arc::new(move || {
            tell.send(()).ok();
        }));
        Self { source, answers }
    }

    /// Reads the counts of a pass that is taken now. A source that is slow gives older ones meanwhile.
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
fn open_anew() {
    let entries = fs::read_dir("/proc").expect("there is a /proc").flatten();
    for entry in entries {
        if entry.file_name().as_encoded_bytes()[0].is_ascii_digit() {
            black_box(fs::read(entry.path().join("stat")).ok());
        }
    }
}

/// The floor: one call of the kernel for each process, nothing looked at.
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
        // What has ended meanwhile costs nothing more.
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

/// Processes that do nothing, and end with this one, however that ends.
struct Sleepers(Child);

impl Sleepers {
    /// As many as are missing to so many processes in all.
    fn up_to(count: usize) -> Self {
        let there = RawFiles::open().0.len();
        let missing = count.saturating_sub(there + 1);
        // Each is a fork of the shell that waits for the end of our pipe.
        let script = format!(
            "exec 3<&0; i=0; while [ $i -lt {missing} ]; do read x <&3 & i=$((i+1)); done; echo; wait"
        );
        let shell = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut shell = shell.expect("there is a shell");
        let ready = shell.stdout.take().expect("it was asked for");
        let mut line = String::new();
        let read = BufReader::new(ready).read_line(&mut line);
        assert_eq!(read.expect("the shell answers"), 1);
        // What has just been begun settles down.
        std::thread::sleep(Duration::from_millis(500));
        Self(shell)
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}
