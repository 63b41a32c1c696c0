//! Medians of times, and figures with their bounds.

use std::time::{Duration, Instant};

use crate::{bus::Client, process::Process};

/// For each side, the median time of a call and the median CPU time of the service, in µs.
pub(crate) fn interleaved<const SIDES: usize>(
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

pub(crate) fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    micros(start.elapsed())
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints a ratio, and whether it is at most `at_most`.
pub(crate) fn compare(title: &str, ratio: f64, at_most: f64) {
    check(&format!("{title}, ratio"), ratio, at_most);
}

/// Prints a figure, and whether it is at most `at_most`.
pub(crate) fn check(title: &str, figure: f64, at_most: f64) {
    let verdict = if figure <= at_most { "ok" } else { "TOO MUCH" };
    println!("  {title:<52} {figure:>9.3} (at most {at_most}) {verdict}");
}
