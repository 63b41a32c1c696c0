//! Network interfaces of the kernel, in network namespaces: compared with ip(8).

pub(crate) mod living;
mod many;

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use nix::unistd::Uid;
use serde_json::Value;

use crate::{
    cli::frame,
    support::{
        home::{Home, SAMPLED},
        process::{Run, skip},
    },
};

/// Makes this a namespace of its own, with its view of sysfs. `ip netns` has its names in /run.
const ISOLATED: &str =
    "set -e; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run; ip link set lo up";

pub(crate) const NEEDS: &str =
    "it needs root, unshare(1), ip(8) and a kernel with veth, bridge, macvlan, vxlan, ifb and tun";

/// Whether this process may make such namespaces.
pub(crate) fn may_isolate() -> bool {
    let kinds = "ip link add k0 type veth peer name k1; ip link add k2 type bridge; \
                 ip link add k3 link k0 type macvlan; ip link add k4 type vxlan id 1 dstport 4789; \
                 ip link add k5 type ifb; ip tuntap add mode tun name k6";
    let mut probe = isolated(&Home::new(), kinds);
    let probe = probe.stdout(Stdio::null()).stderr(Stdio::null());
    Uid::effective().is_root() && probe.status().is_ok_and(|status| status.success())
}

pub(crate) fn isolated(home: &Home, script: &str) -> Command {
    let mut command = home.command("unshare");
    command.args(["--net", "--mount", "bash", "-c"]);
    command.arg(format!("{ISOLATED}; {script}"));
    command
}

/// The received and sent bytes of each interface, from `ip -s -j link`.
fn totals(line: &str) -> BTreeMap<String, [u64; 2]> {
    let links: Vec<Value> = serde_json::from_str(line).expect(line);
    let links = links.iter().map(|link| {
        let bytes = |way: &str| link["stats64"][way]["bytes"].as_u64().unwrap();
        let name = link["ifname"].as_str().unwrap().to_owned();
        (name, [bytes("rx"), bytes("tx")])
    });
    links.collect()
}

/// Makes interfaces by `setup`, and checks that `network/all` is the sum over those in `uplinks`, and each interface as
/// ip(8) shows it just before and just after.
#[track_caller]
fn check(setup: &str, uplinks: &[&str]) {
    let home = Home::new();
    let link = "ip -s -j link | tr -d '\\n'; echo";
    let script = format!(
        "{setup}; {link}; {SAMPLED} sample --json --window 20ms network; {link}; {SAMPLED} list --json network"
    );
    let run = Run::of(isolated(&home, &script).stdin(Stdio::null()));
    assert_eq!(run.code, Some(0), "{setup}: {}", run.stderr);
    let lines: Vec<_> = run.stdout.lines().collect();
    let [before, sample, after, listed] = lines[..] else {
        panic!("{}", run.stdout);
    };
    let (before, after) = (totals(before), totals(after));
    check_virtual(listed, uplinks);
    let (_, readings, faults) = frame(sample);
    let between = |id: &str, low: u64, high: u64| {
        let value = readings.get(id).and_then(Value::as_f64);
        let value = value.unwrap_or_else(|| panic!("{setup}: {id}: {:?}", faults.get(id)));
        assert!(
            low as f64 <= value && value <= high as f64,
            "{setup}: {id}: {value}, not {low} to {high}"
        );
    };
    for (way, property) in ["totalDownload", "totalUpload"].into_iter().enumerate() {
        for (name, low) in &before {
            let id = format!(
                "network/{}/{property}",
                sampled::object::escape(name.as_bytes())
            );
            between(&id, low[way], after[name][way]);
        }
        let sum = |totals: &BTreeMap<String, [u64; 2]>| -> u64 {
            uplinks.iter().map(|name| totals[*name][way]).sum()
        };
        let all = format!("network/all/{property}");
        match uplinks.is_empty() {
            true => assert!(
                !readings.contains_key(&all) && !faults.contains_key(&all),
                "{setup}"
            ),
            false => {
                let has_sent = way == 0 || sum(&before) >= 4000;
                assert!(has_sent, "{setup}: no traffic");
                between(&all, sum(&before), sum(&after));
            }
        }
    }
}

/// Checks that all interfaces are virtual but the uplinks, with all their metrics.
#[track_caller]
fn check_virtual(listed: &str, uplinks: &[&str]) {
    let listed: BTreeMap<String, Value> = serde_json::from_str(listed).expect(listed);
    assert!(listed.contains_key("network/lo/download"), "{listed:?}");
    for (id, metadata) in listed {
        let name = id.split('/').nth(1).unwrap();
        let is = |uplink: &&str| sampled::object::escape(uplink.as_bytes()) == name;
        let is_one = name == "all" || uplinks.iter().any(is);
        let expected = (!is_one).then_some(&Value::Bool(true));
        assert_eq!(metadata.get("virtual"), expected, "{id}");
    }
}

/// Two other namespaces: `host`, around this one, and `inner`, a container in it.
const OTHERS: &str = "ip netns add host; ip netns add inner";

/// Connects this namespace to `host` by an interface of this name, and sends something.
fn uplink(name: &str) -> String {
    format!(
        "ip link add {name} type veth peer name h{name} netns host; ip -n host link set h{name} up; {}",
        send(name)
    )
}

/// Connects `inner` to this namespace by an interface of this name, and sends something.
fn to_inner(name: &str) -> String {
    format!(
        "ip link add {name} type veth peer name i{name} netns inner; ip -n inner link set i{name} up; {}",
        send(name)
    )
}

/// Sends 4000 bytes by an interface of Ethernet, in datagrams to a neighbour that is only written down.
fn send(name: &str) -> String {
    format!(
        "ip link set {name} up; ip addr replace 198.51.100.1/32 dev {name}; ip route add 192.0.2.1 dev {name}; \
         ip neigh replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev {name} nud permanent; \
         for number in 1 2 3 4; do printf %1000d $number > /dev/udp/192.0.2.1/9; done; \
         ip route del 192.0.2.1"
    )
}

#[test]
fn all_is_what_leaves_the_namespace() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let check = |setup: &[&str], uplinks: &[&str]| check(&setup.join("; "), uplinks);
    let (eth0, eth1, veth1) = (uplink("eth0"), uplink("eth1"), to_inner("veth1"));
    let bridge =
        "ip link add docker0 type bridge; ip link set docker0 up; ip link set veth1 master docker0";
    check(&[OTHERS, &eth0, &eth1, &veth1], &["eth0", "eth1"]);
    check(&[OTHERS, &eth0, &veth1, bridge], &["eth0"]);
    // The uplink is a port of the bridge, too.
    check(
        &[
            OTHERS,
            &eth0,
            &veth1,
            bridge,
            "ip link set eth0 master docker0",
        ],
        &["eth0"],
    );
    // Without an uplink, the interface of the container is the only way out, unless it is a port of a bridge.
    check(&[OTHERS, &veth1], &["veth1"]);
    check(&[OTHERS, &veth1, bridge], &[]);
    let others = [
        "ip link add vxlan0 type vxlan id 1 dstport 4789 dev eth0 group 239.1.1.1; ip link set vxlan0 up",
        "ip link add mv0 link eth0 type macvlan; ip link set mv0 up",
        "ip link add va type veth peer name vb; ip link set va up; ip link set vb up",
        "ip link add ifb0 type ifb; ip link set ifb0 up",
        "ip tuntap add mode tun name tun0; ip link set tun0 up",
        "ip tuntap add mode tap name tap0; ip link set tap0 up",
    ]
    .join("; ");
    check(&[OTHERS, &eth0, &veth1, bridge, &others], &["eth0"]);
    check(&["true"], &[]);
}

#[test]
fn a_macvlan_leads_to_the_namespace_of_the_interface_below() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let parent = "ip netns add below; ip -n below link add p0 type veth peer name p1; ip -n below link set p0 up; \
                  ip -n below link set p1 up; ip -n below link add net1 link p0 type macvlan; \
                  ip -n below link set net1 netns $$";
    check(&format!("{parent}; {}", send("net1")), &["net1"]);
}

#[test]
fn a_name_may_have_any_sign_that_the_kernel_accepts() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let names = ["a|b", "w*[", "q\\\"x", "\u{fc}ber", "*"];
    let add = |name: &&str| format!("ip link add '{name}' type veth; ip link set '{name}' up");
    let setup: Vec<_> = names.iter().map(add).collect();
    check(&setup.join("; "), &[]);
}

#[test]
fn procfs_may_show_processes_alone() {
    if !may_isolate() {
        return skip(NEEDS);
    }
    let eth0 = uplink("eth0");
    check(
        &format!("{OTHERS}; {eth0}; mount -t proc -o subset=pid proc /proc"),
        &["eth0"],
    );
}
