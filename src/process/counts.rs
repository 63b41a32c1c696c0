//! How many processes there are, and what they do: `/proc/PID/stat`.
//!
//! That is a file for each process, some milliseconds for a thousand of them, so that they are
//! counted on the blocking pool.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    metric::{Kind, Metric, unit},
    process::pid_stat::PidStat,
    rate::Formula,
    reading::Raw,
    regular_file,
    source::{
        Answered, Error, Roots, Source,
        pool::{Job, Pool},
        property::Property,
    },
};

/// The processes, by state.
struct Processes {
    roots: Roots,
    pool: Pool,
    job: Job<Option<Counts>>,
}

/// In the order of [`PROPERTIES`].
type Counts = [u64; PROPERTIES.len()];

const TOTAL: usize = 0;
const THREADS: usize = 1;

/// Each with the letters of its states.
#[rustfmt::skip]
const PROPERTIES: [(&[u8], Property); 8] = [
    (b"", Property::new("total", "in all", "Processes that there are: the directories in /proc/", unit::ONE, Kind::Gauge)),
    (b"", Property::new("threads", "threads", "Threads of all processes: num_threads of /proc/PID/stat, added up", unit::ONE, Kind::Gauge)),
    (b"R", Property::new("running", "running", "Processes that run or could: state R of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"S", Property::new("sleeping", "sleeping", "Processes that wait for an event: state S of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"DK", Property::new("blocked", "blocked", "Processes that wait for a disk and cannot be interrupted: state D of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"Tt", Property::new("stopped", "stopped", "Processes that were stopped, by a signal or a debugger: states T and t of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"ZXx", Property::new("zombie", "ended", "Processes that have ended, but whose parent has not looked: state Z of /proc/PID/stat", unit::ONE, Kind::Gauge)),
    (b"IPW", Property::new("idle", "idle", "Threads of the kernel that have nothing to do: state I of /proc/PID/stat", unit::ONE, Kind::Gauge)),
];

/// The source that counts them.
pub(crate) fn counts(roots: &Roots, pool: &Pool) -> Box<dyn Source> {
    Box::new(Processes::new(roots, pool))
}

impl Processes {
    fn new(roots: &Roots, pool: &Pool) -> Self {
        let proc = roots.proc.clone();
        Self {
            roots: roots.clone(),
            pool: pool.clone(),
            job: Job::new(pool, &"processes".into(), move || count(&proc)),
        }
    }
}

impl Source for Processes {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn scope(&self) -> &'static [&'static str] {
        &["os/processes/*"]
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        // Where there is no first process there is no /proc.
        let first = self.roots.proc.join("1");
        if !fs::exists(&first).map_err(|cause| Error::io(&first, cause))? {
            return Ok(Vec::new());
        }
        let properties = PROPERTIES.iter().enumerate();
        let metric = |(column, (_, property)): (usize, &(&[u8], Property))| {
            property.of("os", b"processes", "Processes", Formula::Level(column))
        };
        Ok(properties.map(metric).collect())
    }

    fn when_answered(&mut self, tell: Answered) {
        self.pool.when_answered(tell);
    }

    fn begin(&mut self, since: Duration) {
        self.job.ask(since);
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.job.awaited_until()
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        match self.job.answer() {
            Ok(Some(counts)) => {
                columns.extend(counts.map(|count| Raw::Number(count as f64)));
                Ok(())
            }
            Ok(None) => Err(Error::malformed(
                &self.roots.proc,
                "there is no process in it",
            )),
            Err(fault) => {
                columns.resize(PROPERTIES.len(), Raw::Fault(fault));
                Ok(())
            }
        }
    }
}

fn count(proc: &Path) -> Option<Counts> {
    let mut counts = [0_u64; PROPERTIES.len()];
    for entry in fs::read_dir(proc).ok()?.flatten() {
        if !entry.file_name().as_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        // A process that ends meanwhile is none.
        let stat = regular_file::table(&entry.path().join("stat"));
        let stat = stat.unwrap_or_default();
        if let Some((stat, _)) = PidStat::parse(&stat) {
            // Numbers of processes have 32 bits, and those of threads: no sum overflows.
            let mut add = |which: usize, more: u64| {
                counts[which] = counts[which].saturating_add(more);
            };
            add(TOTAL, 1);
            add(THREADS, stat.threads.into());
            let states = PROPERTIES
                .iter()
                .position(|row| row.0.contains(&stat.state));
            if let Some(which) = states {
                add(which, 1);
            }
        }
    }
    (counts[TOTAL] > 0).then_some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        reading::Fault,
        source::tests::{Tree, read},
    };

    fn stat(name: &str, state: char, threads: u64) -> String {
        format!("7 ({name}) {state} 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 {threads} 0 99 0 0\n")
    }

    #[test]
    fn processes_are_counted() {
        let tree = Tree::new();
        let mut processes = Processes::new(&tree.roots(), &Pool::new());
        assert_eq!(processes.discover().unwrap(), []);
        for (pid, state) in [(1, 'S'), (2, 'I'), (30, 'S'), (31, 'Z'), (400, 't')] {
            tree.write(&format!("{pid}/stat"), &stat("x", state, 2));
        }
        tree.write("self/stat", &stat("x", 'R', 1));
        tree.write("500/other", "");
        assert_eq!(processes.discover().unwrap().len(), PROPERTIES.len());
        let expected = [5, 10, 0, 2, 0, 1, 1, 1];
        assert_eq!(count(&tree.roots().proc), Some(expected));
        // On a machine that is very busy the first answer may be late.
        while read(&mut processes)[0] == Raw::Fault(Fault::Timeout) {}
        assert_eq!(read(&mut processes)[1], Raw::Number(10.0));
    }
}
