//! A stream of a thousand records a second, against the same timer and reads without a service, and its latency against
//! that of signals. The floors are in `timer.rs`.
//!
//! `SAMPLED_STREAM_SECONDS=60` measures for a minute.

use std::{
    env,
    fs::File,
    io::Read,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sampled::client::{self, Client};
use tokio::runtime::{self, Runtime};

use crate::{
    Bench, METRICS, Options, SAMPLED,
    bus::Bus,
    check, compare, median, micros,
    process::{Process, pin},
    sample_call, start,
    timer::{Floor, Output},
    timestamp,
};

const COLUMNS: usize = 50;
const INTERVAL: Duration = Duration::from_millis(1);
const ROUNDS: u32 = 5;

/// A stream, and its read end.
struct Stream {
    session: u32,
    pipe: File,
    columns: usize,
}

/// CPU time of a record, lost records and the latency.
pub(crate) fn stream(bench: &Bench) {
    let seconds = env::var("SAMPLED_STREAM_SECONDS").ok();
    let seconds = seconds.map_or(5, |seconds| seconds.parse().expect("a number of seconds"));
    let bus = bench.bus();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    let mut caller = bus.connect();
    caller.call(&sample_call(METRICS));
    let service = caller.owner(SAMPLED);
    let client = connect(&runtime, &bus);
    let ids = columns(&runtime, &client);
    costs(
        &runtime,
        &client,
        &service,
        &ids,
        Duration::from_secs(seconds) / ROUNDS,
    );
    latencies(&runtime, &client, &bus, &service);
}

/// The CPU time of a record, against that of the same timer and reads, and of these with a pipe.
fn costs(runtime: &Runtime, client: &Client, service: &Process, ids: &[String], round: Duration) {
    let (mut with, mut without, mut piped) = (Vec::new(), Vec::new(), Vec::new());
    let (mut records, mut dropped, mut missed) = (0, 0, 0);
    for _ in 0..ROUNDS {
        let stream = Stream::open(runtime, client, ids, INTERVAL);
        let session = stream.session;
        let reader = thread::spawn(move || stream.read_all().len());
        thread::sleep(Duration::from_millis(100));
        let before = (service.usage().cpu, info(runtime, client, session));
        thread::sleep(round);
        let after = (service.usage().cpu, info(runtime, client, session));
        let count = after.1.frames - before.1.frames;
        with.push((after.0 - before.0) / count as f64);
        records += count;
        dropped += after.1.dropped;
        missed += after.1.missed - before.1.missed;
        runtime.block_on(client.stop(session)).expect("Stop");
        assert!(reader.join().expect("reader") as u64 >= after.1.frames);
        without.push(Floor::start(ids, INTERVAL, Output::None).cost(round));
        piped.push(Floor::start(ids, INTERVAL, Output::Pipe).cost(round));
    }
    let (with, without, piped) = (median(with), median(without), median(piped));
    println!("  {COLUMNS} columns, a thousand records a second");
    let print = |title, cost| println!("  {title:<52} {cost:>9.1} µs CPU time");
    print("timer and reads", without);
    print("timer, reads and a pipe", piped);
    print("a record of a stream", with);
    println!("  {records} records, {missed} moments missed by a busy machine");
    check("records dropped", dropped as f64, 0.0);
    check("beyond timer and reads, µs", with - without, 5.0);
}

/// The time from a reading until its receiver has it: by the pipe, by a pipe of a process that does nothing else, and by a
/// signal.
fn latencies(runtime: &Runtime, client: &Client, bus: &Bus, service: &Process) {
    const FRAMES: usize = 200;
    const OFTEN: Duration = Duration::from_millis(50);
    const QUICK: &str = "cpu/loadaverages/loadaverage1";
    let ids = [QUICK.to_owned()];
    for (title, is_pinned) in [("not pinned", false), ("on one CPU", true)] {
        // The process of the floor inherits it.
        let _pinned = is_pinned.then(|| pin(&[bus.pid(), service.pid]));
        let mut signals = bus.connect();
        start(&mut signals, &[QUICK], OFTEN);
        let mut by_signal = Vec::new();
        while by_signal.len() < FRAMES {
            if let Some(taken) = timestamp(&mut signals) {
                by_signal.push(micros(now().saturating_sub(taken)));
            }
        }
        drop(signals);
        let by_pipe = |pipe: &mut dyn Read| {
            let latencies = (0..FRAMES).map(|_| {
                let taken = next(pipe, 2).expect("a record");
                micros(now().saturating_sub(taken))
            });
            median(latencies.collect())
        };
        let mut stream = Stream::open(runtime, client, &ids, OFTEN);
        let record = by_pipe(&mut stream.pipe);
        drop(stream);
        let mut floor = Floor::start(&ids, OFTEN, Output::Pipe);
        let piped = by_pipe(floor.pipe());
        drop(floor);
        let signal = median(by_signal);
        println!("  {title}: from the reading to the receiver, median");
        let print = |title, latency| println!("  {title:<52} {latency:>9.1} µs");
        print("a pipe between two processes", piped);
        print("a record of a stream", record);
        print("a signal", signal);
        compare("latency of a record / of a signal", record / signal, 0.1);
    }
}

impl Stream {
    fn open(runtime: &Runtime, client: &Client, ids: &[String], interval: Duration) -> Self {
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let (interval, none) = (interval.as_micros() as u64, Options::new());
        let opened = client.proxy().open(&ids, interval, &none);
        let (session, columns, pipe) = runtime.block_on(opened).expect("Open");
        assert_eq!(columns.len(), ids.len());
        Self {
            session,
            pipe: File::from(std::os::fd::OwnedFd::from(pipe)),
            columns: columns.len(),
        }
    }

    fn read_all(mut self) -> Vec<Duration> {
        std::iter::from_fn(|| next(&mut self.pipe, self.columns + 1)).collect()
    }
}

/// The timestamp of the next record, of so many words.
fn next(pipe: &mut (impl Read + ?Sized), words: usize) -> Option<Duration> {
    let mut record = vec![0; 8 * words];
    pipe.read_exact(&mut record).ok()?;
    let timestamp = record[..8].try_into().expect("eight bytes");
    Some(Duration::from_micros(u64::from_le_bytes(timestamp)))
}

fn connect(runtime: &Runtime, bus: &Bus) -> Client {
    runtime.block_on(async {
        let bus = client::Bus::at(&bus.address()).await.expect("bus");
        Client::on(bus).await.expect("client")
    })
}

fn info(runtime: &Runtime, client: &Client, session: u32) -> client::SessionInfo {
    let mut sessions = runtime.block_on(client.sessions()).expect("Sessions");
    sessions.remove(&session).expect("it runs")
}

/// Fifty metrics of the same files as [`METRICS`] and of `vmstat`, which no other thread reads.
fn columns(runtime: &Runtime, client: &Client) -> Vec<String> {
    let more = [
        "memory/physical",
        "memory/swap",
        "memory/paging",
        "cpu/cpu1/*",
        "cpu/all/*",
    ];
    let more = more
        .iter()
        .filter_map(|selector| runtime.block_on(client.list(&[selector])).ok());
    let mut ids: Vec<_> = METRICS.iter().map(|&id| id.to_owned()).collect();
    for id in more.flatten().map(|(id, _)| id) {
        let name = id.to_lowercase();
        let is_sensor = name.contains("frequency") || name.contains("temperature");
        if !is_sensor && !name.contains("name") && ids.len() < COLUMNS && !ids.contains(&id) {
            ids.push(id);
        }
    }
    assert_eq!(ids.len(), COLUMNS);
    ids
}

fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970")
}
