//! The wake-ups without a session.

use std::{thread::sleep, time::Duration};

use crate::{
    Bench, GAUGES, HALF_SECOND, SAMPLED, SELECTORS, bus::call, measure::check, process::Process,
    sample_call, start,
};

/// The wake-ups without a session.
pub(crate) fn idle(bench: &Bench) {
    let bus = bench.bus();
    let mut client = bus.connect();
    client.call(&sample_call(GAUGES));
    let service = client.owner(SAMPLED);
    let (session, _) = start(&mut client, SELECTORS, HALF_SECOND);
    sleep(HALF_SECOND);
    client.call(&call(SAMPLED, "Stop", &session));
    sleep(HALF_SECOND);
    let before = service.usage();
    sleep(Duration::from_secs(5));
    let used = service.usage().since(before, 1.0);
    check("wake-ups in 5 s with no session", used.switches, 0.0);
}

/// Prints the private memory of a peer, and its wake-ups while nobody asks it.
pub(crate) fn at_rest(title: &str, processes: &[&Process]) {
    let sum =
        |figure: fn(&Process) -> u64| processes.iter().map(|process| figure(process)).sum::<u64>();
    let dirty = sum(|process| process.private_memory().0);
    let before = sum(Process::switches_of_threads);
    sleep(Duration::from_secs(5));
    let switches = sum(Process::switches_of_threads).saturating_sub(before);
    println!("  {title:<52} {dirty:>9} kB dirty, {switches} wake-ups in 5 s that nobody asked for");
}
