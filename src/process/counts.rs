//! The source of the number of processes by state, counted in a pass of the shared table.
//!
//! A pass reads a file for each process, which takes some milliseconds for a thousand processes, so that it runs on the
//! blocking pool. A pass that was taken for another query serves, too, if it is young enough.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    metric::{Group, Kind, Metric, Object, unit},
    process::{
        Pass, Table,
        shared_table::{QUEUE, SharedTable},
    },
    rate::Formula,
    reading::{Fault, Raw, Stamp},
    source::{
        About, Answered, Deferred, Error, Provider, Source, parse, pool::Job, property::Property,
    },
};

/// The source of the numbers of processes.
struct Processes {
    table: SharedTable,
    /// The pass must be from this moment or later.
    since: Arc<Mutex<Duration>>,
    job: Job<Counted>,
    /// The moment of the pass of the last reading.
    stamp: Option<Stamp>,
}

/// The counts of a pass and its moment; none if the pool has been dropped.
type Counted = Option<Result<(Stamp, StateCounts), Arc<Error>>>;

/// In the order of [`PROPERTIES`].
type StateCounts = [Result<u64, Fault>; PROPERTIES.len()];

const TOTAL: usize = 0;
const THREADS: usize = 1;

/// Each property with the letters of its states.
#[rustfmt::skip]
const PROPERTIES: [(&[u8], Property); 8] = [
    (b"", Property::new("total", "Processes", "Number of processes that the service may see.", "number of directories of processes in /proc/", unit::ONE, Kind::Gauge)),
    (b"", Property::new("threads", "Threads", "Number of threads of all processes.", "sum of num_threads of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"R", Property::new("running", "Running processes", "Number of processes that run or are ready to run.", "processes in state R of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"S", Property::new("sleeping", "Sleeping processes", "Number of processes that wait for an event.", "processes in state S of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"DK", Property::new("blocked", "Blocked processes", "Number of processes that wait for a disk and cannot be interrupted.", "processes in state D of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"Tt", Property::new("stopped", "Stopped processes", "Number of processes that a signal or a debugger has stopped.", "processes in states T and t of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"ZXx", Property::new("zombie", "Zombie processes", "Number of processes that have ended and wait for their parent to notice.", "processes in state Z of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"IPW", Property::new("idle", "Idle kernel threads", "Number of threads of the kernel that have nothing to do.", "processes in state I of /proc/PID/stat", unit::ONE, Kind::Gauge).short("Idle threads")),
];

/// The source `processes`.
pub(crate) fn counts(table: &SharedTable) -> Provider {
    Provider::source(Processes::new(table))
}

impl Processes {
    fn new(table: &SharedTable) -> Self {
        let since = Arc::<Mutex<Duration>>::default();
        let (slot, asked) = (table.slot.clone(), since.clone());
        let work = move || {
            let since = *asked.lock().unwrap_or_else(PoisonError::into_inner);
            let counted = slot.with(|table| count(table, since, &slot.roots.proc))?;
            let counted = counted.result.map_err(Error::from).flatten();
            Some(counted.map_err(Arc::new))
        };
        Self {
            table: table.clone(),
            since,
            job: Job::new(&table.pool, &QUEUE.into(), work),
            stamp: None,
        }
    }
}

impl Source for Processes {
    fn about(&self) -> About<'_> {
        About::new("processes", &["os/processes/*"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if !has_process(&self.table.slot.roots.proc)? {
            return Ok(Vec::new());
        }
        let object = Object::new("All processes", Group::System);
        let properties = PROPERTIES.iter().enumerate();
        let metric = |(column, (_, property)): (usize, &(&[u8], Property))| {
            property.of("os", b"processes", &object, Formula::Level(column))
        };
        Ok(properties.map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        self.stamp = None;
        match self.job.answer() {
            Ok(Some(counted)) => {
                let (stamp, counts) = counted.map_err(|error| error.again())?;
                self.stamp = Some(stamp);
                let column = |count: u64| Raw::Number(count as f64);
                columns.extend(counts.map(|count| count.map_or_else(Raw::Fault, column)));
            }
            Ok(None) => columns.resize(PROPERTIES.len(), Raw::Fault(Fault::Timeout)),
            Err(fault) => columns.resize(PROPERTIES.len(), Raw::Fault(fault)),
        }
        Ok(())
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

impl Deferred for Processes {
    fn when_answered(&mut self, tell: Answered) {
        self.table.pool.when_answered(tell);
    }

    fn begin(&mut self, since: Duration) {
        let counted = self.job.answer().ok().flatten().and_then(Result::ok);
        if counted.is_some_and(|(stamp, _)| stamp.monotonic >= since && !stamp.is_before_suspend())
        {
            return;
        }
        let mut asked = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = since.max(*asked);
        drop(asked);
        // The known pass is too old, even if the job that returned it ran later.
        self.job.ask(Duration::MAX);
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.job.awaited_until()
    }

    #[cfg(test)]
    fn is_pending(&self) -> bool {
        self.job.is_pending()
    }

    fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }
}

/// Whether `/proc` is mounted: it has the directory of a process. That of process 1 may be hidden (`hidepid` of
/// proc(5), `ProtectProc=` of systemd.exec(5)).
fn has_process(proc: &Path) -> Result<bool, Error> {
    let entries = match fs::read_dir(proc) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(Error::io(proc, cause)),
    };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| parse::number(name.as_encoded_bytes()).is_some()))
}

fn count(table: &mut Table, since: Duration, proc: &Path) -> Result<(Stamp, StateCounts), Error> {
    let pass = table.pass(since)?;
    if pass.is_empty() && pass.unread.count == 0 {
        return Err(Error::malformed(proc, "there is no process in it"));
    }
    Ok((pass.stamp, in_pass(&pass)))
}

fn in_pass(pass: &Pass) -> StateCounts {
    // One process with an unknown count makes the count of all unknown.
    let mut counts = [pass.unread.fault.map_or(Ok(0_u64), Err); PROPERTIES.len()];
    // The numbers of processes and of threads have 32 bits, so that no sum overflows.
    let add = |count: &mut Result<u64, Fault>, more: u64| {
        *count = count.map(|count| count.saturating_add(more));
    };
    counts[TOTAL] = Ok(pass.unread.count);
    for process in &pass.processes {
        add(&mut counts[TOTAL], 1);
        match process.threads {
            Some(threads) => add(&mut counts[THREADS], threads.into()),
            None => counts[THREADS] = Err(Fault::Malformed),
        }
        let mut states = PROPERTIES.iter();
        let is_in = |states: &[u8]| process.state.is_some_and(|state| states.contains(&state));
        if let Some(which) = states.position(|(states, _)| is_in(states)) {
            add(&mut counts[which], 1);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{
        pool::Pool,
        tests::{Tree, read},
    };

    fn stat(name: &str, state: char, threads: u64) -> String {
        format!("7 ({name}) {state} 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 {threads} 0 99 0 0\n")
    }

    #[test]
    fn processes_are_counted_by_state() {
        let tree = Tree::new();
        let table = SharedTable::new(&tree.roots(), &Pool::new());
        let mut processes = Processes::new(&table);
        assert_eq!(processes.discover().unwrap(), []);
        for (pid, state) in [(1, 'S'), (2, 'I'), (30, 'S'), (31, 'Z'), (400, 't')] {
            tree.write(&format!("{pid}/stat"), &stat("x", state, 2));
        }
        tree.write("self/stat", &stat("x", 'R', 1));
        tree.write("500/other", "");
        assert_eq!(processes.discover().unwrap().len(), PROPERTIES.len());
        let expected = [5, 10, 0, 2, 0, 1, 1, 1].map(Ok);
        let roots = tree.roots();
        let counted = count(&mut Table::new(&roots), Duration::ZERO, &roots.proc);
        assert_eq!(counted.unwrap().1, expected);
        // On a machine that is very busy the first answer may be late.
        while read(&mut processes)[0] == Raw::Fault(Fault::Timeout) {}
        assert_eq!(read(&mut processes)[1], Raw::Number(10.0));
    }

    #[test]
    fn processes_are_counted_where_the_first_is_hidden() {
        let tree = Tree::new();
        for pid in [2345, 2346] {
            tree.write(&format!("{pid}/stat"), &stat("x", 'S', 2));
        }
        let table = SharedTable::new(&tree.roots(), &Pool::new());
        let mut processes = Processes::new(&table);
        assert_eq!(processes.discover().unwrap().len(), PROPERTIES.len());
        // /proc is a directory of a disk.
        let empty = Tree::new();
        empty.write("self/stat", "");
        let table = SharedTable::new(&empty.roots(), &Pool::new());
        assert_eq!(Processes::new(&table).discover().unwrap(), []);
    }

    #[test]
    fn what_one_process_does_not_tell_is_not_counted_without_it() {
        let tree = Tree::new();
        let roots = tree.roots();
        let counted = || {
            let counted = count(&mut Table::new(&roots), Duration::ZERO, &roots.proc);
            counted.unwrap().1
        };
        tree.write("1/stat", &stat("x", 'S', 2));
        tree.write("2/stat", &stat("x", 'S', u64::MAX));
        let malformed = Err(Fault::Malformed);
        assert_eq!(counted()[..4], [Ok(2), malformed, Ok(0), Ok(2)]);
        // It exists, and its file cannot be read.
        tree.write("2/stat", "nonsense");
        assert_eq!(counted()[..4], [Ok(2), malformed, malformed, malformed]);
        std::fs::remove_file(tree.root.join("2/stat")).unwrap();
        std::fs::create_dir(tree.root.join("2/stat")).unwrap();
        let stale = Err(Fault::Stale);
        assert_eq!(counted()[..4], [Ok(2), stale, stale, stale]);
    }
}
