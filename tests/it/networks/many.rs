//! The cost and the reply of `List` after a change of the interfaces.

use std::{collections::BTreeMap, fs};

use sampled::client::{Client, Metadata};

use super::{
    NEEDS,
    living::{Service, run},
    may_isolate,
};
use crate::support::process::{Process, skip};

/// The system calls by which a process has read files so far.
fn reads(process: &Process) -> u64 {
    let io = fs::read_to_string(format!("/proc/{}/io", process.pid)).unwrap();
    let mut lines = io.lines();
    let reads = lines.find_map(|line| line.strip_prefix("syscr: "));
    reads.unwrap().parse().unwrap()
}

/// Twelve sources have metrics of each interface, and share what they find out.
#[test]
fn a_new_interface_costs_few_reads_of_each_other_one() {
    const PAIRS: u64 = 100;
    const MOST_READS_OF_EACH: u64 = 12;
    /// Those that do not depend on the number of interfaces.
    const MOST_OTHER_READS: u64 = 500;
    if !may_isolate() {
        return skip(NEEDS);
    }
    let service = Service::start();
    service.bus.block_on(async {
        let process = service.bus.owned().await;
        let client = service.bus.client().await;
        let pair = |pair| format!("link add v{pair} type veth peer name w{pair}\\n");
        let pairs: String = (0..PAIRS).map(pair).collect();
        run(&process, &format!("printf '{pairs}' | ip -batch -"));
        client.list(&["network"]).await.unwrap();
        run(&process, "ip link add x0 type veth peer name x1");
        let before = reads(&process);
        let listed = client.list(&["network"]).await.unwrap();
        let cost = reads(&process) - before;
        assert!(listed.contains_key("network/x0/state"));
        let most = MOST_READS_OF_EACH * 2 * PAIRS + MOST_OTHER_READS;
        assert!(cost <= most, "{cost} reads, and {most} are enough");
    });
}

/// Whether an interface is listed by each of its sources, and then whether it is virtual.
#[track_caller]
fn is_virtual(listed: &BTreeMap<String, Metadata>, name: &str) -> Option<bool> {
    let of = |property: &str| {
        let metadata = listed.get(&format!("network/{name}/{property}"))?;
        Some(metadata.is_virtual)
    };
    let properties = ["download", "state", "network", "ipv4gateway"].map(of);
    assert_eq!(properties, [properties[0]; 4], "{name}");
    properties[0]
}

async fn list(client: &Client) -> BTreeMap<String, Metadata> {
    client.list(&["network"]).await.unwrap()
}

#[test]
fn the_next_list_shows_what_an_interface_has_become() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let service = Service::start();
    service.bus.block_on(async {
        let process = service.bus.owned().await;
        let client = service.bus.client().await;
        run(
            &process,
            "ip link add t0 type veth peer name t1; ip link set t1 netns host; ip link add d0 type ifb",
        );
        let listed = list(&client).await;
        // The way out of the namespace.
        assert_eq!(is_virtual(&listed, "t0"), Some(false));
        assert_eq!(is_virtual(&listed, "d0"), Some(true));
        assert!(listed.contains_key("network/all/download"));
        // A port of a bridge leads to a container.
        run(&process, "ip link add br0 type bridge; ip link set t0 master br0");
        let listed = list(&client).await;
        assert_eq!(is_virtual(&listed, "t0"), Some(true));
        assert!(!listed.contains_key("network/all/download"));
        run(&process, "ip link set t0 nomaster; ip link del br0");
        let listed = list(&client).await;
        assert_eq!(is_virtual(&listed, "t0"), Some(false));
        assert_eq!(is_virtual(&listed, "br0"), None);
        run(&process, "ip link set t0 name u0");
        let listed = list(&client).await;
        assert_eq!(is_virtual(&listed, "t0"), None);
        assert_eq!(is_virtual(&listed, "u0"), Some(false));
        // Another one of this name.
        run(&process, "ip link del u0; ip link add u0 type ifb");
        let listed = list(&client).await;
        assert_eq!(is_virtual(&listed, "u0"), Some(true));
        assert!(!listed.contains_key("network/all/download"));
        run(&process, "ip link add t0 type veth peer name t1; ip link set t0 netns host");
        let listed = list(&client).await;
        assert_eq!(is_virtual(&listed, "t0"), None);
        assert_eq!(is_virtual(&listed, "t1"), Some(false));
    });
}
