//! The cost of the service, against floors that are measured in the same run.
//!
//! Run with `cargo bench --bench service`. Names of parts after `--` select these parts.
//! `SAMPLED=/path/to/sampled` measures another executable, such as the one before a change.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a bench computes with its own measurements"
)]

mod activation;
#[path = "../common/bus.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod bus;
mod clock;
mod floor;
mod history;
#[path = "../common/history_file.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod history_file;
mod idle;
mod ksystemstats;
mod lateness;
mod list;
mod measure;
mod memory;
mod node_exporter;
mod pcp;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod process;
mod sample;
mod sessions;
#[path = "../common/sleepers.rs"]
mod sleepers;
mod snapshot;
mod stream;
mod timer;

use std::{collections::HashMap, env, fs, time::Duration};

use sampled::wire;

use bus::{Bus, Client, SIGNAL, Target, call};
use clock::monotonic;
use floor::FLOOR;
use measure::{check, compare, median, micros};

const SAMPLED: Target = Target {
    name: wire::NAME,
    path: wire::PATH,
    interface: wire::INTERFACE,
};

/// A name for a program that sends a reply of the service again.
const REPLAY: Target = Target {
    name: "io.github.sampled.Replay",
    ..SAMPLED
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
    let parts: [Part; 13] = [
        ("activation", activation::activation),
        ("sample", sample::sample),
        ("list", list::list),
        ("snapshot", snapshot::snapshot),
        ("memory", memory::memory),
        ("sessions", sessions::sessions),
        ("lateness", lateness::lateness),
        ("stream", stream::stream),
        ("history", history::history),
        ("idle", idle::idle),
        ("ksystemstats", ksystemstats::ksystemstats),
        ("pcp", pcp::pcp),
        ("node_exporter", node_exporter::node_exporter),
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

fn sample_call(selectors: &[&str]) -> Vec<u8> {
    call(SAMPLED, "Sample", &(selectors, Options::new()))
}

/// Starts a session; returns its number and that of its columns.
fn start(client: &mut Client, selectors: &[&str], interval: Duration) -> (u32, u32) {
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
    (number(0), columns)
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
