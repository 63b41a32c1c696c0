//! Measures several functions in turns, so that other work of the machine affects all of them alike.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The median cost of one call of a function.
pub(crate) struct Cost {
    pub(crate) name: &'static str,
    /// CPU time of the process, in the kernel and out of it, in µs.
    pub(crate) cpu: f64,
    /// Elapsed time, in µs.
    pub(crate) wall: f64,
}

/// A measured function: the name that is printed, and the function.
pub(crate) type Side<'a> = (&'static str, &'a mut dyn FnMut());

/// Calls the functions in turns of small batches, each round beginning with another one. Prints and returns the medians
/// of the batches, in the order of the functions.
#[allow(dead_code, reason = "a bench with expensive calls makes fewer of them")]
pub(crate) fn interleave(sides: &mut [Side<'_>]) -> Vec<Cost> {
    interleave_in(20, 1500, sides)
}

/// Like [`interleave`], with this many calls per batch and this many rounds.
pub(crate) fn interleave_in(calls: u32, rounds: usize, sides: &mut [Side<'_>]) -> Vec<Cost> {
    let mut batches: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); sides.len()];
    for (_, call) in sides.iter_mut() {
        (0..calls).for_each(|_| call());
    }
    for round in 0..rounds {
        for turn in 0..sides.len() {
            let side = (round + turn) % sides.len();
            let (wall, cpu) = clocks();
            for _ in 0..calls {
                sides[side].1();
            }
            let (wall_after, cpu_after) = clocks();
            batches[side]
                .0
                .push(micros(cpu_after - cpu) / f64::from(calls));
            batches[side]
                .1
                .push(micros(wall_after - wall) / f64::from(calls));
        }
    }
    let named = sides.iter().map(|side| side.0).zip(batches);
    let costs = named.map(|(name, (cpu, wall))| Cost {
        name,
        cpu: median(cpu),
        wall: median(wall),
    });
    let costs: Vec<_> = costs.collect();
    println!("{:<44} {:>9} {:>9}", "", "CPU µs", "wall µs");
    for cost in &costs {
        println!("{:<44} {:>9.2} {:>9.2}", cost.name, cost.cpu, cost.wall);
    }
    costs
}

/// Prints the ratio of the CPU times of two functions, and whether it is at most `at_most`.
pub(crate) fn compare(ours: &Cost, theirs: &Cost, at_most: f64) {
    let ratio = ours.cpu / theirs.cpu;
    let verdict = if ratio <= at_most { "ok" } else { "TOO MUCH" };
    println!(
        "{} / {}: {ratio:.3} (at most {at_most}) {verdict}",
        ours.name, theirs.name
    );
}

fn clocks() -> (Duration, Duration) {
    let clock = |id| Duration::from(clock_gettime(id).expect("the clocks of POSIX are there"));
    (
        clock(ClockId::CLOCK_MONOTONIC),
        clock(ClockId::CLOCK_PROCESS_CPUTIME_ID),
    )
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
