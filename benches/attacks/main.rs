//! Attacks of one client on the service, and their effect on the latency of a neighbour and on memory.
//!
//! Run with `cargo bench --bench attacks`. Names of attacks after `--` select these attacks. Each attack has a bus and a
//! service of its own. During it a neighbour reads one metric again and again, and another client calls `GetId` of the
//! bus twice, which is the floor. The bench fails if one of these exceeds its limit: the p99 of the neighbour beyond
//! twice that of the bus (which stalls by itself for a second when hundreds of clients write at once), the largest
//! resident set of the service, and its resident set ten seconds later.
//! `SAMPLED=/path/to/sampled` attacks another executable, such as the one before a change.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a bench computes with its own measurements"
)]

#[path = "../common/bus.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod bus;
mod histories;
#[path = "../common/history_file.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod history_file;
#[path = "../common/hung_mount.rs"]
mod hung_mount;
mod kinds;
mod neighbour;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod process;
mod raw;

use std::{
    env,
    process::ExitCode,
    thread::sleep,
    time::{Duration, Instant},
};

use sampled::wire;

use bus::{Bus, Target};
use neighbour::{Latencies, Neighbour};
use process::Process;
use raw::Raw;

pub(crate) const SAMPLED: Target = Target {
    name: wire::NAME,
    path: wire::PATH,
    interface: wire::INTERFACE,
};

/// The longest p99 of the neighbour during an attack, beyond twice the p99 of the bus.
const P99: Duration = Duration::from_millis(50);
/// The limits of the largest resident set of the service, and of the resident set ten seconds later, in kB.
const PEAK: u64 = 40_000;
const AFTERWARDS: u64 = 12_000;
const LATER: Duration = Duration::from_secs(10);

/// The largest ratio of the neighbour's median with files that hang to that with files that answer.
const UNNOTICED: f64 = 1.2;

/// The number of tries of an attack. One within the limits is enough.
const TRIES: usize = 3;

/// The least time, and the least number of calls, for which the neighbour is measured.
const SHORTEST: Duration = Duration::from_millis(500);
const SAMPLES: usize = 100;

/// A service after an attack, and the moment of the second measurement of its memory.
struct Attacked {
    name: &'static str,
    line: String,
    is_held: bool,
    p50: Duration,
    /// The memory of its history, in kB, which is added to the limits of memory: thrice to the first one, because the file of the
    /// predecessor and its words are in memory while it is taken over.
    ring: u64,
    /// Its `drop` would end the service.
    _bus: Bus,
    process: Process,
    at: Instant,
}

fn main() -> ExitCode {
    let selected: Vec<_> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let exec = env::var("SAMPLED").unwrap_or_else(|_| env!("CARGO_BIN_EXE_sampled").to_owned());
    let is_selected =
        |name: &str| selected.is_empty() || selected.iter().any(|selected| name == selected);
    let mut all = Vec::new();
    let mut is_held = true;
    let mut usual = None;
    println!("latency of the neighbour's Sample and of two GetId of the bus, in ms; memory in kB");
    println!("attack                      p50    p99     max  bus p99     max   peak");
    for (name, attack) in kinds::ALL.into_iter().chain(histories::ALL) {
        if is_selected(name) {
            let mut tries = (0..TRIES).map(|_| {
                let attacked = attacked(name, attack, &exec, usual);
                println!("{}", attacked.line);
                attacked
            });
            // The p99 of some hundred calls depends on a few of them, which other work of the machine delays.
            let held = tries.find(|attacked| attacked.is_held);
            drop(tries);
            if let (Some(held), "none" | kinds::ANSWERING) = (&held, name) {
                usual = usual.max(Some(held.p50));
            }
            is_held &= held.is_some();
            all.extend(held);
        }
    }
    println!("resident set {} s later", LATER.as_secs());
    for attacked in all {
        sleep(attacked.at.saturating_duration_since(Instant::now()));
        let resident = attacked.process.resident();
        let is_small = resident <= AFTERWARDS + attacked.ring;
        let verdict = if is_small { "" } else { "   NOT HELD" };
        println!("{:24} {resident:>6}{verdict}", attacked.name);
        is_held &= is_small;
    }
    if is_held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn attacked(
    name: &'static str,
    attack: kinds::Attack,
    exec: &str,
    usual: Option<Duration>,
) -> Attacked {
    let exec = format!("{exec} serve --idle-timeout never");
    let bus = Bus::activating(&[(SAMPLED, exec)]);
    let mut client = bus.connect();
    let ring = histories::ring(name);
    if ring > 0 {
        histories::prepare(&bus, name);
    }
    client.call(&bus::ping(SAMPLED));
    let process = client.owner(SAMPLED);
    let neighbour = Neighbour::begin(&bus);
    let begin = Instant::now();
    attack(&bus);
    // The measurement goes on while the service handles the rest of the attack.
    while begin.elapsed() < SHORTEST || neighbour.count() < SAMPLES {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{name}: the neighbour gets no answers"
        );
        sleep(Duration::from_millis(10));
    }
    let (service, floor) = neighbour.end();
    let peak = process.peak();
    let is_unnoticed =
        name != kinds::HUNG || usual.is_none_or(|usual| service.p50() <= usual.mul_f64(UNNOTICED));
    let is_held = is_unnoticed && service.p99() <= P99 + 2 * floor.p99() && peak <= PEAK + 3 * ring;
    let line = format!(
        "{name:24} {} {peak:>6}{}",
        columns(&service, &floor),
        if is_held { "" } else { "   NOT HELD" }
    );
    Attacked {
        name,
        line,
        is_held,
        p50: service.p50(),
        ring,
        _bus: bus,
        process,
        at: Instant::now() + LATER,
    }
}

fn columns(service: &Latencies, floor: &Latencies) -> String {
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    format!(
        "{:6.2} {:6.2} {:7.2} {:8.2} {:7.2}",
        ms(service.p50()),
        ms(service.p99()),
        ms(service.max()),
        ms(floor.p99()),
        ms(floor.max())
    )
}
