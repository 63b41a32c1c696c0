//! `List`, against `Ping`, and against a program that sends the same bytes as a reply.

use std::cell::RefCell;

use crate::{
    Bench, REPLAY, SAMPLED,
    bus::{call, ping},
    measure::{Side, check, compare, interleave, print},
    process::Process,
};

pub(crate) fn list(bench: &Bench) {
    let bus = bench.bus();
    let mut client = bus.connect();
    let list = |target, selectors: &[&str]| call(target, "List", &(selectors,));
    let (all, one) = (list(SAMPLED, &[]), list(SAMPLED, &["cpu/all/usage"]));
    client.call(&all);
    let service = client.owner(SAMPLED);
    let reply = client.call(&all).bytes.to_vec();
    println!("  {:<52} {:>9} bytes", "reply to List of all", reply.len());
    bus.connect().replay(REPLAY.name, reply);
    let (ping, again) = (ping(SAMPLED), list(REPLAY, &[]));
    let daemon = Process::open(bus.pid());
    let client = RefCell::new(&mut client);
    let side = |process, message| Side::call(process, &client, message);
    let sides = [
        side(&service, &ping),
        side(&daemon, &again),
        side(&service, &one),
        side(&service, &all),
    ];
    let [ping, again, one, all] = interleave(300, 10, sides);
    print("Ping", ping);
    print("the same bytes from a bare socket (CPU: the bus)", again);
    print("List, one id", one);
    print("List, all", all);
    check("List of all, ms", all.time / 1e3, 1.0);
    compare("List of all / the same bytes", all.time / again.time, 1.5);
}
