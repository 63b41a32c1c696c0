//! `List`, against `Ping`.

use crate::{
    Bench, SAMPLED,
    bus::{call, ping},
    measure::{check, interleaved},
};

/// `List`, against `Ping`.
pub(crate) fn list(bench: &Bench) {
    let bus = bench.bus();
    let mut client = bus.connect();
    let list = |selectors: &[&str]| call(SAMPLED, "List", &(selectors,));
    let (all, one) = (list(&[]), list(&["cpu/all/usage"]));
    client.call(&all);
    let service = client.owner(SAMPLED);
    let ping = ping(SAMPLED);
    let sides = [(&service, &ping), (&service, &one), (&service, &all)];
    let [ping, one, all] = interleaved(&mut client, sides);
    for (title, (time, cpu)) in [("Ping", ping), ("List, one id", one), ("List, all", all)] {
        println!("  {title:<52} {time:>9.1} µs, CPU time of the service {cpu:.1} µs");
    }
    check("List of all, ms", all.0 / 1e3, 1.0);
}
