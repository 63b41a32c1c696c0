//! The cost of a tick for one client and for fifty.

use std::{thread::sleep, time::Duration};

use crate::{
    Bench, GAUGES, HALF_SECOND, SAMPLED, SELECTORS,
    bus::call,
    clock::{next_on_grid, sleep_until},
    floor::FLOOR,
    measure::{check, compare},
    process::Usage,
    sample_call, start,
};

/// The cost of a tick for one client and for fifty, and the cost of a signal of the minimal service.
pub(crate) fn sessions(bench: &Bench) {
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

    let (_, columns) = start(&mut clients[0], SELECTORS, HALF_SECOND);
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
    check("context switches a tick, one session", one.switches, 1.1);
    check("CPU time a tick, one session, ms", one.cpu / 1e3, 0.3);
    compare("reads, 50 sessions / one", fifty.reads / one.reads, 1.05);
    compare("further session / signal", further / signal, 0.6);
}
