//! A stream of a thousand records a second, against the same timer and reads without a service, and its latency against
//! that of signals.
//!
//! `SAMPLED_STREAM_SECONDS=60` measures for a minute.

use std::{
    env,
    fs::File,
    hint::black_box,
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use sampled::{
    client::{self, Client},
    source::Roots,
    sources,
    store::{Baseline, Store},
};
use tokio::runtime::{self, Runtime};

use crate::{
    Bench, METRICS, Options, SAMPLED, bus::Bus, check, compare, median, micros, monotonic,
    process::Process, sample_call, start, timestamp,
};

const COLUMNS: usize = 50;
const INTERVAL: Duration = Duration::from_millis(1);
const ROUNDS: u32 = 5;

/// A stream, and its read end.
struct Stream {
    session: u32,
    pipe: File,
    length: usize,
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
    latencies(&runtime, &client, &bus);
}

/// The CPU time of a record, against that of the same timer and reads.
fn costs(runtime: &Runtime, client: &Client, service: &Process, ids: &[String], round: Duration) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let (mut records, mut dropped, mut moments) = (0, 0, 0);
    for _ in 0..ROUNDS {
        let stream = Stream::open(runtime, client, ids, INTERVAL);
        let session = stream.session;
        let reader = thread::spawn(move || stream.read_all().len());
        thread::sleep(Duration::from_millis(100));
        let frames = || info(runtime, client, session).frames;
        let (before, begin) = ((service.usage().cpu, frames()), Instant::now());
        thread::sleep(round);
        let (cpu, count) = (service.usage().cpu - before.0, frames() - before.1);
        moments += begin.elapsed().as_millis();
        with.push(cpu / count as f64);
        records += count;
        dropped += info(runtime, client, session).dropped;
        runtime.block_on(client.stop(session)).expect("Stop");
        reader.join().expect("reader");
        without.push(floor(ids, round));
    }
    let (with, without) = (median(with), median(without));
    println!("  {COLUMNS} columns, a thousand records a second");
    println!("  {:<52} {without:>9.1} µs CPU time", "timer and reads");
    println!("  {:<52} {with:>9.1} µs CPU time", "a record of a stream");
    println!("  {records} records at {moments} moments: a busy machine skips some");
    check("records dropped", dropped as f64, 0.0);
    check("beyond timer and reads, µs", with - without, 5.0);
}

/// The time from a reading until its receiver has it: by the pipe, and by a signal.
fn latencies(runtime: &Runtime, client: &Client, bus: &Bus) {
    const FRAMES: usize = 200;
    const OFTEN: Duration = Duration::from_millis(50);
    const QUICK: &str = "cpu/loadaverages/loadaverage1";
    let mut signals = bus.connect();
    start(&mut signals, &[QUICK], OFTEN);
    let mut by_signal = Vec::new();
    while by_signal.len() < FRAMES {
        if let Some(taken) = timestamp(&mut signals) {
            by_signal.push(micros(now().saturating_sub(taken)));
        }
    }
    drop(signals);
    let mut stream = Stream::open(runtime, client, &[QUICK.to_owned()], OFTEN);
    let by_pipe = (0..FRAMES).map(|_| {
        let taken = stream.next().expect("a record");
        micros(now().saturating_sub(taken))
    });
    let (by_pipe, by_signal) = (median(by_pipe.collect()), median(by_signal));
    println!(
        "  {:<52} {by_signal:>9.1} µs, median",
        "latency of a signal"
    );
    println!("  {:<52} {by_pipe:>9.1} µs, median", "latency of a record");
    compare(
        "latency of a record / of a signal",
        by_pipe / by_signal,
        0.1,
    );
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
            length: 8 * (1 + columns.len()),
        }
    }

    /// The timestamp of the next record.
    fn next(&mut self) -> Option<Duration> {
        let mut record = vec![0; self.length];
        self.pipe.read_exact(&mut record).ok()?;
        let timestamp = record[..8].try_into().expect("eight bytes");
        Some(Duration::from_micros(u64::from_le_bytes(timestamp)))
    }

    fn read_all(mut self) -> Vec<Duration> {
        std::iter::from_fn(|| self.next()).collect()
    }
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

/// The CPU time of a process that only waits for the timer and reads, for each reading in µs.
fn floor(ids: &[String], round: Duration) -> f64 {
    let mut command = Command::new(env::current_exe().expect("own name"));
    let mut child: Child = command
        .arg("timer")
        .args(ids)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program");
    let process = Process::open(child.id());
    let mut count = child.stdout.take().expect("stdout");
    // It says so when it has begun.
    count.read_exact(&mut [0]).expect("a byte");
    thread::sleep(Duration::from_millis(100));
    let (before, begin) = (process.usage().cpu, Instant::now());
    thread::sleep(round);
    let cpu = process.usage().cpu - before;
    let frames = begin.elapsed().as_secs_f64() / INTERVAL.as_secs_f64();
    child.kill().expect("kill");
    child.wait().expect("wait");
    cpu / frames
}

/// Reads metrics every millisecond until it is killed: a timer on a timerfd, the reads, and the readings.
pub(crate) fn timer(ids: &[String]) {
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let store = Store::new(sources::all(&Roots::default()));
    let selection = store.resolve(&ids).expect("they are there");
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).expect("a timer");
    let mut baseline = Baseline::new();
    let mut values = Vec::new();
    println!();
    loop {
        let steps = monotonic().as_nanos() / INTERVAL.as_nanos() + 1;
        let moment = INTERVAL * u32::try_from(steps).expect("less than 50 days since boot");
        let setting = Itimerspec {
            it_interval: Duration::ZERO.try_into().expect("a time"),
            it_value: moment.try_into().expect("a time"),
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &setting).expect("set");
        rustix::io::read(&timer, &mut [0; 8]).expect("expirations");
        let frame = store.read(&selection, monotonic());
        values.clear();
        values.extend(
            selection
                .readings(&frame, &baseline)
                .map(|(_, reading)| reading),
        );
        black_box(&values);
        baseline = frame.into_baseline_after(&baseline);
    }
}

fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970")
}
