//! Counts of processes and tables of processes share a pass over /proc.

use std::{fs, path::Path, process::Child, time::Duration};

use futures_util::future::join_all;
use rustix::process::Signal;
use sampled::{
    client::{Client, Processes, SampleOptions, TableOptions},
    reading::Value,
};

use super::processes;
use crate::support::bus::Bus;

/// A `/proc` whose processes are files that the test makes.
struct Proc<'a>(&'a Bus);

impl Proc<'_> {
    fn process(&self, pid: u32) {
        let directory = self.0.dir().join(format!("proc/{pid}"));
        fs::create_dir_all(&directory).unwrap();
        let line = format!("{pid} (x) S 1 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 99 25 0 0\n");
        fs::write(directory.join("stat"), line).unwrap();
    }

    fn serve(&self) -> Child {
        let proc = self.0.dir().join("proc");
        let proc = Path::to_str(&proc).unwrap();
        let arguments = ["serve", "--idle-timeout", "never", "--procfs", proc];
        self.0.sampled(&arguments).spawn().unwrap()
    }
}

/// Options for a reading that is at most this many seconds old.
fn max_age(seconds: u64) -> SampleOptions {
    SampleOptions {
        max_age: Some(Duration::from_secs(seconds)),
        ..SampleOptions::default()
    }
}

/// The number of processes in the source `os/processes`, and the timestamp.
async fn counted(client: &Client, age: u64) -> (f64, u64) {
    let sample = client.sample(&["os/processes/total"], max_age(age)).await;
    let sample = sample.unwrap();
    match sample.readings.get("os/processes/total") {
        Some(Value::Number(total)) => (*total, sample.timestamp),
        _ => panic!("{sample:?}"),
    }
}

/// The number of processes in the table, and the timestamp.
async fn listed(processes: &Processes, age: u64) -> (f64, u64) {
    let all = TableOptions::default();
    let table = processes.snapshot(&["pid"], &all, max_age(age)).await;
    let table = table.unwrap();
    (f64::from(table.total), table.timestamp)
}

#[test]
fn counts_and_tables_share_a_pass_that_is_young_enough() {
    let bus = Bus::new();
    let proc = Proc(&bus);
    proc.process(1);
    let mut serve = proc.serve();
    bus.block_on(async {
        let daemon = bus.owned().await;
        let (client, processes) = (bus.client().await, processes(&bus).await);
        // A process that was added after the pass is in neither, whether a count or a table caused the pass.
        let first = listed(&processes, 10).await;
        assert_eq!(first.0, 1.0);
        proc.process(2);
        let counts = join_all((0..20).map(|_| counted(&client, 10))).await;
        assert_eq!(counts, [first; 20]);
        let second = counted(&client, 0).await;
        assert_eq!(second.0, 2.0);
        proc.process(3);
        let tables = join_all((0..20).map(|_| listed(&processes, 10))).await;
        assert_eq!(tables, [second; 20]);
        // A call that accepts no age causes a pass.
        assert_eq!(listed(&processes, 0).await.0, 3.0);
        proc.process(4);
        assert_eq!(counted(&client, 0).await.0, 4.0);
        daemon.signal(Signal::TERM);
    });
    assert_eq!(serve.wait().unwrap().code(), Some(0));
}
