//! The table of processes over the bus: real processes that come, change and go.

mod ending;
mod sessions;
mod snapshots;
mod sturdiness;

use std::process::{Child, Command};

use sampled::{
    client::{self, Processes, Row, Snapshot},
    reading::{Reading, Value},
};

use crate::{bus::Bus, process::Process};

/// A process that waits for the end of the test, and ends with it.
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

    /// Ends it, without looking: it stays as a zombie until it is dropped.
    fn kill(&self) {
        let process = Process::open(self.pid()).expect("a child is there until it is waited for");
        process.signal(rustix::process::Signal::KILL);
        process.wait();
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn processes(bus: &Bus) -> Processes {
    let bus = client::Bus::at(bus.address()).await.expect("bus");
    Processes::on(bus).await.expect("client")
}

/// The passes that the table has taken so far.
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
    let place = table.column("pid").expect("pid is a column");
    let mut rows = table.rows.iter();
    rows.find(|row| number(&row[place]) == f64::from(pid))
}
