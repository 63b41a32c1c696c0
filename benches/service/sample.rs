//! `Sample` of many metrics, against `Ping`, which reads nothing.

use crate::{
    Bench, METRICS, SAMPLED, SELECTORS,
    bus::{call, ping},
    floor::FLOOR,
    measure::{compare, interleave_calls, print},
    process::pin,
    sample_call,
};

/// `Sample` of many metrics, against `Ping`, which reads nothing.
pub(crate) fn sample(bench: &Bench) {
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
    for (title, at_most, pinned) in [("not pinned", 1.4, false), ("on one CPU", 1.75, true)] {
        let _pinned = pinned.then(|| pin(&all));
        let [ping, answer, named, selected] = interleave_calls(&mut client, sides);
        println!("  {title}");
        print("Ping", ping);
        print("minimal service, a{sv} of 34 constants", answer);
        print("Sample, 34 ids", named);
        print("Sample, 9 selectors", selected);
        compare("Sample, 34 ids / Ping", named.time / ping.time, at_most);
        compare(
            "Sample, 9 selectors / Ping",
            selected.time / ping.time,
            at_most,
        );
    }
}
