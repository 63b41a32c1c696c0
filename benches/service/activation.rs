//! The time from a call to its reply while the service does not run.

use crate::{
    Bench, GAUGES, SAMPLED,
    bus::call,
    floor::FLOOR,
    measure::{compare, median, timed},
    sample_call,
};

/// The time from a call to its reply while the service does not run: the bus activates it.
pub(crate) fn activation(bench: &Bench) {
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
