//! What a client can do to the others: attacks on the service, and what a neighbour notices of them.
//!
//! Run with `cargo bench --bench attacks`; with names of attacks behind `--`, only these. Each attack has a
//! bus and a service of its own. Beside it a neighbour asks for one metric again and again, and the bus for
//! its id twice, which is the floor. It fails where a figure is not held: the neighbour's p99 beyond twice the
//! bus's (which stalls by itself for a second when hundreds of clients write at once), the largest resident set of the service, and the resident set ten seconds later.
//! `SAMPLED=/path/to/sampled` attacks another executable, such as the one before a change.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "what a bench computes is its own"
)]

#[path = "../common/bus.rs"]
#[allow(dead_code, reason = "the other benches use the rest of it")]
mod bus;
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

/// What is promised to a neighbour, whatever another client sends, beside what the bus takes itself.
const P99: Duration = Duration::from_millis(50);
/// The largest resident set of the service, and the one ten seconds later, in kB.
const PEAK: u64 = 40_000;
const AFTERWARDS: u64 = 12_000;
const LATER: Duration = Duration::from_secs(10);

/// The median beside something that hangs, at most, as a multiple of the one beside the same that does not.
const UNNOTICED: f64 = 1.2;

/// An attack may be tried so often until its figures are held.
const TRIES: usize = 3;

/// A neighbour is asked for so long at least, and so often.
const SHORTEST: Duration = Duration::from_millis(500);
const SAMPLES: usize = 100;

/// A service that was attacked, and when its memory is looked at again.
struct Attacked {
    name: &'static str,
    line: String,
    is_held: bool,
    p50: Duration,
    /// Kept so that the service goes on.
    _bus: Bus,
    process: Process,
    at: Instant,
}

fn main() -> ExitCode {
    let chosen: Vec<_> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let exec = env::var("SAMPLED").unwrap_or_else(|_| env!("CARGO_BIN_EXE_sampled").to_owned());
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| name == chosen);
    let mut all = Vec::new();
    let mut is_held = true;
    let mut usual = None;
    println!("the neighbour: one metric; the bus: its id, twice; ms. Memory: kB.");
    println!("attack                      p50    p99     max  bus p99     max   peak");
    for (name, attack) in kinds::ALL {
        if is_chosen(name) {
            let mut tries = (0..TRIES).map(|_| {
                let attacked = attacked(name, attack, &exec, usual);
                println!("{}", attacked.line);
                attacked
            });
            // A p99 of some hundred calls is a few of them, and the machine has other things to do.
            let held = tries.find(|attacked| attacked.is_held);
            drop(tries);
            if let (Some(held), "none" | kinds::WELL) = (&held, name) {
                usual = usual.max(Some(held.p50));
            }
            is_held &= held.is_some();
            all.extend(held);
        }
    }
    println!("resident {} s later", LATER.as_secs());
    for attacked in all {
        sleep(attacked.at.saturating_duration_since(Instant::now()));
        let resident = attacked.process.resident();
        let is_small = resident <= AFTERWARDS;
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
    client.call(&bus::ping(SAMPLED));
    let process = client.owner(SAMPLED);
    let neighbour = Neighbour::begin(&bus);
    let begin = Instant::now();
    attack(&bus);
    // What the attack has left behind is part of it.
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
    let is_held = is_unnoticed && service.p99() <= P99 + 2 * floor.p99() && peak <= PEAK;
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
