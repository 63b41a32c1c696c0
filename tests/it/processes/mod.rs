//! The table of processes over the bus, with real processes that start, change and end.

mod end;
mod robustness;
mod sessions;
mod shared_passes;
mod snapshots;

use std::process::{Child, Command};

use rustix::process::{Signal, geteuid};
use sampled::{
    client::{self, Processes, Row, SampleOptions, Snapshot, TableOptions},
    reading::{Reading, Value},
};

use crate::support::{bus::Bus, home::SAMPLED, process::Process};

/// A process that sleeps. `drop` kills it.
struct Sleeper(Child);

impl Sleeper {
    fn new(bus: &Bus) -> Self {
        Self::of(bus.command("sleep").arg("1000"))
    }

    fn of(command: &mut Command) -> Self {
        Self(command.spawn().expect("a process"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// A pattern that only this process matches.
    fn pattern(&self) -> String {
        self.pid().to_string()
    }

    /// Kills it without waiting for it: it stays as a zombie until it is dropped.
    fn kill(&self) {
        let process = Process::open(self.pid()).expect("a child exists until it is waited for");
        process.signal(Signal::KILL);
        process.wait();
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A process of another user: one that the test starts, or process 1 if the test does not run as root.
struct Foreign(Option<Sleeper>);

impl Foreign {
    /// A service that lacks a capability, and a process of another user. Without the capability, root has no more rights
    /// over that process than an ordinary user.
    fn without(capability: &str) -> (Bus, Self) {
        if !geteuid().is_root() {
            return (Bus::activating(""), Self(None));
        }
        let setpriv = format!("/usr/bin/env setpriv --bounding-set=-{capability}");
        let bus = Bus::executing(&format!("{setpriv} {SAMPLED} serve"));
        let nobody = ["--reuid=65534", "--clear-groups", "sleep", "1000"];
        let sleeper = Sleeper::of(bus.command("setpriv").args(nobody));
        (bus, Self(Some(sleeper)))
    }

    fn pid(&self) -> u32 {
        self.0.as_ref().map_or(1, Sleeper::pid)
    }

    /// Waits until the process has changed its user and its program. Returns options that select it.
    async fn ready(&self, processes: &Processes) -> TableOptions {
        let one = TableOptions::default().filtered_by("pid", &self.pid().to_string());
        let fields = ["uid", "name"];
        loop {
            let table = processes.snapshot(&fields, &one, SampleOptions::default());
            let row = &table.await.expect("table").rows[0];
            let runs_sleep = self.0.is_none() || text(&row[1]) == "sleep";
            if runs_sleep && number(&row[0]) != f64::from(geteuid().as_raw()) {
                return one;
            }
        }
    }
}

async fn processes(bus: &Bus) -> Processes {
    let bus = client::Bus::at(bus.address()).await.expect("bus");
    Processes::on(bus).await.expect("client")
}

/// The number of passes over /proc that the table has made.
async fn passes(bus: &Bus) -> u64 {
    let client = bus.client().await;
    let mut sources = client.proxy().sources().await.expect("sources");
    let mut table = sources.remove("process-table").expect("the table");
    table.remove("reads").unwrap().try_into().unwrap()
}

fn number(reading: &Reading) -> f64 {
    match reading {
        Ok(Value::Number(number)) => *number,
        other => panic!("{other:?} is no number"),
    }
}

fn text(reading: &Reading) -> &str {
    match reading {
        Ok(Value::Text(text)) => text,
        other => panic!("{other:?} is no text"),
    }
}

/// The row of a process in a table that has its pid.
#[track_caller]
fn row(table: &Snapshot, pid: u32) -> Option<&Row> {
    let column = table.column("pid").expect("pid is a column");
    let mut rows = table.rows.iter();
    rows.find(|row| number(&row[column]) == f64::from(pid))
}
