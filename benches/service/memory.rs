//! The private memory of the processes.

use std::{thread::sleep, time::Duration};

use crate::{
    Bench, GAUGES, HALF_SECOND, SAMPLED, SELECTORS, bus::call, floor::FLOOR, measure::check,
    process::Process, sample_call, start,
};

/// The private memory of the processes.
pub(crate) fn memory(bench: &Bench) {
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
    check("dirty, after the first reply, MB", first.0, 0.5);
    check("dirty, with 50 sessions, MB", full.0, 2.0);
    check("all Private_*, after the first reply, MB", first.1, 0.6);
    check("all Private_*, with 50 sessions, MB", full.1, 2.0);
}
