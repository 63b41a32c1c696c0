//! The cost of the service, against floors that are measured in the same run.
//!
//! Run with `cargo bench --bench service`. Names of parts after `--` select these parts.
//! `SAMPLED=/path/to/sampled` measures another executable, such as the one before a change.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a bench computes with its own measurements"
)]

#[path = "../common/bus.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod bus;
mod floor;
mod history;
#[path = "../common/history_file.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod history_file;
mod ksystemstats;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod process;
mod stream;
mod timer;

use std::{
    collections::HashMap,
    env, fs,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};
use rustix::thread::clock_nanosleep_absolute;
use sampled::wire;

use bus::{Bus, Client, SIGNAL, Target, call, ping};
use floor::FLOOR;
use process::{Process, Usage, pin};

const SAMPLED: Target = Target {
    name: wire::NAME,
    path: wire::PATH,
    interface: wire::INTERFACE,
};

/// The metrics that a program with a few gauges reads first.
const GAUGES: &[&str] = &[
    "memory/physical/used",
    "memory/physical/usedPercent",
    "memory/swap/used",
    "cpu/loadaverages/loadaverage1",
];

/// 34 metrics of seven files: stat, sys/devices/system/cpu/online, loadavg, meminfo, uptime, sys/kernel/hostname, and
/// os-release, which is read only if stat(2) shows a change.
const METRICS: &[&str] = &[
    "cpu/all/usage",
    "cpu/all/user",
    "cpu/all/system",
    "cpu/all/wait",
    "cpu/cpu0/usage",
    "cpu/cpu0/user",
    "cpu/cpu0/system",
    "cpu/cpu0/wait",
    "cpu/all/cpuCount",
    "cpu/all/coreCount",
    "cpu/loadaverages/loadaverage1",
    "cpu/loadaverages/loadaverage5",
    "cpu/loadaverages/loadaverage15",
    "memory/physical/application",
    "memory/physical/applicationPercent",
    "memory/physical/buffer",
    "memory/physical/bufferPercent",
    "memory/physical/cache",
    "memory/physical/cachePercent",
    "memory/physical/dirty",
    "memory/physical/free",
    "memory/physical/freePercent",
    "memory/physical/shared",
    "memory/physical/total",
    "memory/physical/used",
    "memory/physical/usedPercent",
    "memory/swap/free",
    "memory/swap/total",
    "memory/swap/used",
    "os/system/uptime",
    "os/system/hostname",
    "os/system/prettyName",
    "os/system/version",
    "os/system/name",
];

/// Selectors of about 40 metrics of the same sources, as a user would write them.
const SELECTORS: &[&str] = &[
    "cpu/*/usage",
    "cpu/*/user",
    "cpu/*/system",
    "cpu/*/wait",
    "cpu/loadaverages",
    "memory",
    "os/system",
    "cpu/all/cpuCount",
    "cpu/all/coreCount",
];

const HALF_SECOND: Duration = Duration::from_millis(500);

/// The name of a part, and its function.
type Part = (&'static str, fn(&Bench));

type Options = HashMap<&'static str, zbus::Variant<'static>>;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments
        .first()
        .is_some_and(|argument| argument == "floor")
    {
        return floor::serve();
    }
    if let [first, output, interval, ids @ ..] = &arguments[..]
        && first == "timer"
    {
        return timer::run(output, interval, ids);
    }
    let bench = Bench::new();
    let parts: [Part; 10] = [
        ("activation", activation),
        ("sample", sample),
        ("list", list),
        ("memory", memory),
        ("sessions", sessions),
        ("lateness", lateness),
        ("stream", stream::stream),
        ("history", history::history),
        ("idle", idle),
        ("ksystemstats", ksystemstats::ksystemstats),
    ];
    // Cargo adds an argument of its own, `--bench`.
    let selected: Vec<_> = arguments
        .iter()
        .filter(|name| !name.starts_with('-'))
        .collect();
    for (name, part) in parts {
        if selected.is_empty() || selected.iter().any(|selected| *selected == name) {
            println!("\n{name}");
            part(&bench);
        }
    }
}

/// The executables: `sampled`, and a copy of this bench as the minimal service. It is a copy because pages that two
/// processes map are private to neither.
struct Bench {
    sampled: String,
    floor: tempfile::TempPath,
}

impl Bench {
    fn new() -> Self {
        let usual = env!("CARGO_BIN_EXE_sampled");
        let sampled = env::var("SAMPLED").unwrap_or_else(|_| usual.to_owned());
        let floor = tempfile::NamedTempFile::new().expect("temporary file");
        let floor = floor.into_temp_path();
        fs::copy(env::current_exe().expect("own name"), &floor).expect("copy");
        Self { sampled, floor }
    }

    fn bus(&self) -> Bus {
        Bus::activating(&[
            (SAMPLED, format!("{} serve", self.sampled)),
            (FLOOR, format!("{} floor", self.floor.display())),
        ])
    }
}

/// The time from a call to its reply while the service does not run: the bus activates it.
fn activation(bench: &Bench) {
    const ROUNDS: usize = 150;
    let bus = bench.bus();
    let mut client = bus.connect();
    let sides = [
        (SAMPLED, sample_call(GAUGES)),
        (FLOOR, call(FLOOR, "Get", &())),
    ];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..2 * ROUNDS {
        let side = (round + round / 2) % 2;
        let (target, first) = &sides[side];
        let time = timed(|| _ = client.call(first));
        // The files are not in the page cache for the first two.
        if round >= 2 {
            times[side].push(time);
        }
        client.end(*target);
    }
    let [sampled, floor] = times.map(median);
    println!("  {:<52} {:>9.0} µs", "minimal zbus service", floor);
    println!(
        "  {:<52} {:>9.0} µs",
        "sampled, Sample of 4 gauges", sampled
    );
    compare("sampled / minimal zbus service", sampled / floor, 1.15);
}

/// `Sample` of many metrics, against `Ping`, which reads nothing.
fn sample(bench: &Bench) {
    let bus = bench.bus();
    let mut client = bus.connect();
    let named = sample_call(METRICS);
    let selected = sample_call(SELECTORS);
    let ping = ping(SAMPLED);
    client.call(&named);
    let service = client.owner(SAMPLED);
    let answer = call(FLOOR, "Answer", &34_u32);
    client.call(&answer);
    let floor = client.owner(FLOOR);
    let all = [bus.pid(), service.pid, floor.pid];
    let sides = [
        (&service, &ping),
        (&floor, &answer),
        (&service, &named),
        (&service, &selected),
    ];
    for (title, at_most, pinned) in [("not pinned", 1.3, false), ("on one CPU", 1.75, true)] {
        let _pinned = pinned.then(|| pin(&all));
        let [ping, answer, named, selected] = interleaved(&mut client, sides);
        println!("  {title}");
        let print = |title: &str, (time, cpu): (f64, f64)| {
            println!("  {title:<52} {time:>9.1} µs, CPU time of the service {cpu:.1} µs");
        };
        print("Ping", ping);
        print("minimal service, a{sv} of 34 constants", answer);
        print("Sample, 34 ids", named);
        print("Sample, 9 selectors", selected);
        compare("Sample, 34 ids / Ping", named.0 / ping.0, at_most);
        compare("Sample, 9 selectors / Ping", selected.0 / ping.0, at_most);
    }
}

/// `List`, against `Ping`.
fn list(bench: &Bench) {
    let bus = bench.bus();
    let mut client = bus.connect();
    let list = |selectors: &[&str]| call(SAMPLED, "List", &(selectors,));
    let (all, one) = (list(&[]), list(&["cpu/all/usage"]));
    client.call(&all);
    let service = client.owner(SAMPLED);
    let ping = ping(SAMPLED);
    let sides = [(&service, &ping), (&service, &one), (&service, &all)];
    let [ping, one, all] = interleaved(&mut client, sides);
    for (title, (time, cpu)) in [("Ping", ping), ("List, one id", one), ("List, all", all)] {
        println!("  {title:<52} {time:>9.1} µs, CPU time of the service {cpu:.1} µs");
    }
    check("List of all, ms", all.0 / 1e3, 1.0);
}

/// For each side, the median time of a call and the median CPU time of the service, in µs.
fn interleaved<const SIDES: usize>(
    client: &mut Client,
    sides: [(&Process, &Vec<u8>); SIDES],
) -> [(f64, f64); SIDES] {
    const BATCHES: usize = 300;
    const CALLS: usize = 10;
    let mut times = [const { (Vec::new(), Vec::new()) }; SIDES];
    for batch in 0..BATCHES {
        for turn in 0..SIDES {
            let side = (batch + turn) % SIDES;
            let (service, call) = sides[side];
            let (time, cpu) = &mut times[side];
            let before = service.usage();
            for _ in 0..CALLS {
                time.push(timed(|| _ = client.call(call)));
            }
            cpu.push(service.usage().since(before, CALLS as f64).cpu);
        }
    }
    times.map(|(time, cpu)| (median(time), median(cpu)))
}

/// The private memory of the processes.
fn memory(bench: &Bench) {
    let bus = bench.bus();
    let mut client = bus.connect();
    client.call(&call(FLOOR, "Get", &()));
    let floor = client.owner(FLOOR);
    client.call(&sample_call(GAUGES));
    let sampled = client.owner(SAMPLED);
    let print = |title: &str, process: &Process| {
        let (dirty, clean) = process.private_memory();
        let threads = process.threads();
        println!("  {title:<52} {dirty:>9} kB dirty, {clean} kB clean, threads: {threads}");
        (dirty as f64 / 1e3, (dirty + clean) as f64 / 1e3)
    };
    print("minimal zbus service, after the first reply", &floor);
    let first = print("sampled, after the first reply", &sampled);
    let mut clients: Vec<_> = (0..50).map(|_| bus.connect()).collect();
    for client in &mut clients {
        start(client, SELECTORS, HALF_SECOND);
    }
    sleep(Duration::from_secs(3));
    let full = print("sampled, 50 sessions of 50 clients", &sampled);
    check("dirty, after the first reply, MB", first.0, 0.6);
    check("dirty, with 50 sessions, MB", full.0, 2.0);
    check("all Private_*, after the first reply, MB", first.1, 0.6);
    check("all Private_*, with 50 sessions, MB", full.1, 2.0);
}

/// The cost of a tick for one client and for fifty, and the cost of a signal of the minimal service.
fn sessions(bench: &Bench) {
    const TICKS: u32 = 24;
    const WIDTH: u32 = 40;
    let bus = bench.bus();
    let mut clients: Vec<_> = (0..50).map(|_| bus.connect()).collect();
    clients[0].call(&sample_call(GAUGES));
    let mut caller = bus.connect();
    caller.call(&call(FLOOR, "Get", &()));
    let (sampled, floor) = (caller.owner(SAMPLED), caller.owner(FLOOR));

    let mut measure = |count: u32| -> (Usage, Usage) {
        let emit = call(FLOOR, "Emit", &(count, WIDTH));
        caller.call(&emit);
        // Ticks are on the grid. The minimal service is called in the middle between two ticks.
        let mut at = next_on_grid(HALF_SECOND) + HALF_SECOND / 2;
        sleep_until(at);
        let before = (sampled.usage(), floor.usage());
        for _ in 0..TICKS {
            at += HALF_SECOND;
            sleep_until(at - Duration::from_millis(100));
            caller.call(&emit);
            sleep_until(at);
        }
        let ticks = f64::from(TICKS);
        (
            sampled.usage().since(before.0, ticks),
            floor.usage().since(before.1, ticks),
        )
    };

    let columns = start(&mut clients[0], SELECTORS, HALF_SECOND);
    sleep(Duration::from_secs(1));
    let (one, floor_one) = measure(1);
    for client in &mut clients[1..] {
        start(client, SELECTORS, HALF_SECOND);
    }
    sleep(Duration::from_secs(1));
    let (fifty, floor_fifty) = measure(50);

    let print = |title: &str, usage: Usage| {
        println!(
            "  {title:<52} {:>9.1} µs, {:.2} context switches, {:.2} reads",
            usage.cpu, usage.switches, usage.reads
        );
    };
    println!("  a tick at 2 Hz, {columns} columns: CPU time of the service");
    print("one session", one);
    print("50 sessions of 50 clients", fifty);
    let further = (fifty.cpu - one.cpu) / 49.0;
    let signal = (floor_fifty.cpu - floor_one.cpu) / 49.0;
    println!("  {:<52} {further:>9.1} µs", "each further session");
    println!(
        "  {:<52} {signal:>9.1} µs",
        "a signal of 40 doubles by the minimal service"
    );
    check("context switches a tick, one session", one.switches, 2.0);
    check("CPU time a tick, one session, ms", one.cpu / 1e3, 0.3);
    compare("reads, 50 sessions / one", fifty.reads / one.reads, 1.05);
    println!(
        "  each further session / a signal of the minimal service: {:.2}",
        further / signal
    );
}

/// The lateness of frames, against a loop that only sleeps.
fn lateness(bench: &Bench) {
    const INTERVAL: Duration = Duration::from_millis(50);
    const FRAMES: usize = 300;
    let bus = bench.bus();
    // The loop wakes between two frames, so that neither delays the other.
    let sleeper = thread::spawn(|| {
        let mut at = next_on_grid(INTERVAL) + INTERVAL / 2;
        let mut late = Vec::new();
        for _ in 0..2 * FRAMES {
            at += INTERVAL;
            sleep_until(at);
            late.push(micros(monotonic() - at));
        }
        median(late)
    });
    // One session after the other: of two at once, the second would wait for the first.
    let [one, all] = [&["cpu/loadaverages"][..], SELECTORS].map(|selectors| {
        let mut client = bus.connect();
        start(&mut client, selectors, INTERVAL);
        let mut late = Vec::new();
        // The first frame comes at once, and not on the grid.
        while timestamp(&mut client).is_none() {}
        while late.len() < FRAMES {
            if let Some(timestamp) = timestamp(&mut client) {
                let since_boot = timestamp.saturating_sub(realtime_of_boot()).as_nanos();
                late.push((since_boot % INTERVAL.as_nanos()) as f64 / 1e3);
            }
        }
        median(late)
    });
    let floor = sleeper.join().expect("floor");
    println!("  every 50 ms");
    println!("  {:<52} {floor:>9.0} µs late", "clock_nanosleep");
    println!("  {:<52} {one:>9.0} µs late", "frames of one file");
    println!(
        "  {:<52} {all:>9.0} µs late",
        "frames of seven files: the last of them"
    );
    compare("frames of one file / clock_nanosleep", one / floor, 1.25);
    compare("frames of seven files / clock_nanosleep", all / floor, 1.25);
}

/// The wake-ups without a session.
fn idle(bench: &Bench) {
    let bus = bench.bus();
    let mut client = bus.connect();
    client.call(&sample_call(GAUGES));
    let service = client.owner(SAMPLED);
    start(&mut client, SELECTORS, HALF_SECOND);
    sleep(HALF_SECOND);
    client.call(&call(SAMPLED, "Stop", &1_u32));
    sleep(HALF_SECOND);
    let before = service.usage();
    sleep(Duration::from_secs(5));
    let used = service.usage().since(before, 1.0);
    check("wake-ups in 5 s with no session", used.switches, 0.0);
}

fn sample_call(selectors: &[&str]) -> Vec<u8> {
    call(SAMPLED, "Sample", &(selectors, Options::new()))
}

/// Starts a session; returns the number of its columns.
fn start(client: &mut Client, selectors: &[&str], interval: Duration) -> u32 {
    let body = (selectors, interval.as_micros() as u64, Options::new());
    let reply = client.call(&call(SAMPLED, "Start", &body));
    // `uas`: each string has a length, its bytes, a NUL, and padding.
    let number = |at: usize| {
        let bytes = reply.body[at..at + 4].try_into();
        u32::from_le_bytes(bytes.expect("four bytes"))
    };
    let (mut at, mut columns) = (8, 0);
    while at < reply.body.len() {
        at = (at + 4 + number(at) as usize + 1).next_multiple_of(4);
        columns += 1;
    }
    columns
}

/// The timestamp of the next message; `None` if it is not a frame.
fn timestamp(client: &mut Client) -> Option<Duration> {
    let incoming = client.next();
    let name = b"Sampled\0";
    let is_frame = incoming.kind == SIGNAL
        && incoming
            .header
            .windows(name.len())
            .any(|window| window == name);
    let bytes = is_frame.then(|| incoming.body[8..16].try_into().expect("eight bytes"))?;
    Some(Duration::from_micros(u64::from_le_bytes(bytes)))
}

/// The real time of the start of the monotonic clock. Of five measurements, the shortest counts.
fn realtime_of_boot() -> Duration {
    let measure = |_| {
        let before = monotonic();
        let realtime = clock(ClockId::CLOCK_REALTIME);
        let took = monotonic() - before;
        (took, realtime - before - took / 2)
    };
    let (_, difference) = (0..5).map(measure).min().expect("five measurements");
    difference
}

fn next_on_grid(interval: Duration) -> Duration {
    let steps = monotonic().as_nanos() / interval.as_nanos() + 1;
    interval * u32::try_from(steps).expect("the machine runs for less than years")
}

fn sleep_until(moment: Duration) {
    let moment = moment.try_into().expect("a moment");
    clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &moment).expect("sleep");
}

fn monotonic() -> Duration {
    clock(ClockId::CLOCK_MONOTONIC)
}

fn clock(id: ClockId) -> Duration {
    clock_gettime(id).expect("the clocks of POSIX").into()
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    micros(start.elapsed())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints a ratio, and whether it is at most `at_most`.
fn compare(title: &str, ratio: f64, at_most: f64) {
    check(&format!("{title}, ratio"), ratio, at_most);
}

/// Prints a figure, and whether it is at most `at_most`.
fn check(title: &str, figure: f64, at_most: f64) {
    let verdict = if figure <= at_most { "ok" } else { "TOO MUCH" };
    println!("  {title:<52} {figure:>9.3} (at most {at_most}) {verdict}");
}
