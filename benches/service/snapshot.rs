//! `Snapshot` of the processes, against the pass that it is made of, in this process and of the same processes.
//!
//! 500 processes are those of the machine and as many sleepers as are missing, each a fork of one shell.

use std::{cell::RefCell, hint::black_box, sync::Arc};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sampled::{
    process::{Field, Pass, Query, Table},
    reading::Stamp,
    source::Roots,
    wire,
};

use crate::{
    Bench, Options, REPLAY, SAMPLED,
    bus::{Target, call, ping},
    measure::{Side, compare, interleave, print, timed},
    process::Process,
    sleepers::Sleepers,
};

/// The number of processes.
const PROCESSES: usize = 500;

/// The fields that `sampled ps` shows.
const FIELDS: [Field; 7] = [
    Field::Pid,
    Field::User,
    Field::Cpu,
    Field::Rss,
    Field::State,
    Field::Name,
    Field::CommandLine,
];

const TABLE: Target = Target {
    interface: wire::PROCESSES_INTERFACE,
    ..SAMPLED
};

pub(crate) fn snapshot(bench: &Bench) {
    // As the service does.
    let resource = Resource::RLIMIT_NOFILE;
    let (_, hard) = getrlimit(resource).expect("the limit of open files");
    setrlimit(resource, hard, hard).expect("the soft limit can be raised to the hard limit");
    let _sleepers = Sleepers::up_to(PROCESSES);
    let bus = bench.bus();
    let mut client = bus.connect();
    let fields = FIELDS.map(Field::name);
    let body = (fields.as_slice(), Options::new());
    let (snapshot, again) = (
        call(TABLE, "Snapshot", &body),
        call(REPLAY, "Snapshot", &body),
    );
    let reply = client.call(&snapshot).bytes.to_vec();
    let service = client.owner(SAMPLED);
    println!("  {:<52} {:>9} bytes", "reply to Snapshot", reply.len());
    bus.connect().replay(REPLAY.name, reply);
    let ping = ping(SAMPLED);
    let (mut pass, mut rows) = (RepeatedQuery::new(&[]), RepeatedQuery::new(&FIELDS));
    println!("  {:<52} {:>9}", "processes", pass.run());
    let (this, daemon) = (Process::open(std::process::id()), Process::open(bus.pid()));
    let client = RefCell::new(&mut client);
    let sides = [
        Side::new(vec![&this], |times| pass.timed(times)),
        Side::new(vec![&this], |times| rows.timed(times)),
        Side::call(&service, &client, &ping),
        Side::call(&daemon, &client, &again),
        Side::call(&service, &client, &snapshot),
    ];
    let [pass, rows, ping, again, snapshot] = interleave(150, 4, sides);
    print("a pass in this process", pass);
    print("a pass and 7 fields of all in this process", rows);
    print("Ping", ping);
    print("the same bytes from a bare socket (CPU: the bus)", again);
    print("Snapshot of 7 fields", snapshot);
    compare("Snapshot / pass", snapshot.time / pass.time, 1.5);
    compare("Snapshot / pass and fields", snapshot.time / rows.time, 1.5);
}

/// A query that is repeated, each time with the pass before as its baseline.
struct RepeatedQuery {
    table: Table,
    query: Query,
    baseline: Option<Arc<Pass>>,
}

impl RepeatedQuery {
    fn new(fields: &[Field]) -> Self {
        Self {
            table: Table::new(&Roots::default()),
            query: Query {
                fields: fields.to_vec(),
                limit: fields.is_empty().then_some(0),
                ..Query::default()
            },
            baseline: None,
        }
    }

    /// The number of processes.
    fn run(&mut self) -> usize {
        let now = Stamp::now().monotonic;
        let rows = self.table.rows(&self.query, now, self.baseline.as_deref());
        let rows = black_box(rows.expect("/proc can be read"));
        self.baseline = Some(rows.pass);
        rows.total
    }

    fn timed(&mut self, times: usize) -> Vec<f64> {
        let run = |_| timed(|| _ = self.run());
        (0..times).map(run).collect()
    }
}
