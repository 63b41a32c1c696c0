//! Namespaces without hardware.

use super::{check, check_beside};
use crate::{kernel::interfaces::Interfaces, source::tests::Tree};

#[test]
fn a_container_is_connected_by_the_veth_of_its_host() {
    check(
        &[
            "lo type=772",
            "eth0 type=1 ifindex=2 iflink=17",
            "docker0 type=1 bridge lower_veth1",
            "veth1 type=1 ifindex=4 iflink=3 master=docker0 brport upper_docker0",
            "wg0 DEVTYPE=wireguard type=65534 ifindex=5 iflink=5",
            "dummy0 type=1 ifindex=6 iflink=6",
            "a type=1 ifindex=7 iflink=8",
            "b type=1 ifindex=8 iflink=7",
            "gretap0 type=1 ifindex=9 iflink=0",
            "tunl0 type=768 ifindex=10 iflink=0",
            "c type=1 ifindex=11 iflink=0",
        ],
        "eth0",
    );
    check(&["lo", "eth0", "docker0 bridge"], "eth0");
    // A container with two veths, and one with a macvlan and an ipvlan.
    check(
        &[
            "eth0 type=1 ifindex=2 iflink=17",
            "eth1 type=1 ifindex=4 iflink=19",
        ],
        "eth0 eth1",
    );
    check(
        &[
            "foo type=1 ifindex=2 iflink=2 lower_x",
            "net1 type=1 ifindex=4 iflink=3",
        ],
        "net1",
    );
    check(
        &[
            "eth0 type=1 ifindex=12 iflink=2",
            "net1 type=1 ifindex=14 iflink=3",
        ],
        "eth0 net1",
    );
    check(
        &[
            "host0 type=1 ifindex=2 iflink=5",
            "eth0.7 type=1 lower_eth0",
        ],
        "host0 eth0.7",
    );
    check(
        &[
            "eth0 type=1 ifindex=2 iflink=5",
            "eth0.7 type=1 lower_eth0 ifindex=3 iflink=2",
        ],
        "eth0",
    );
}

#[test]
fn the_other_side_may_have_the_index_of_an_interface_here() {
    check(&["eth0 type=1 ifindex=2 iflink=2 flags=0x1003"], "eth0");
    check(&["eth0 type=1 ifindex=2 iflink=2 flags=0x82"], "");
    check(
        &[
            "eth0 type=1 ifindex=4 iflink=5 flags=0x1003",
            "docker0 type=1 bridge lower_veth1",
            "veth1 type=1 ifindex=5 iflink=4 flags=0x1003 master=docker0 brport",
        ],
        "eth0",
    );
}

#[test]
fn a_virtual_server_of_openvz_is_connected_by_venet() {
    check(&["lo", "venet0 type=65535 ifindex=2 iflink=2"], "venet0");
    check(
        &[
            "lo",
            "venet0 type=65535 ifindex=2 iflink=2",
            "teql0 type=65535 ifindex=3 iflink=3",
        ],
        "venet0",
    );
    check(&["lo", "venet0 hidden", "eth0 hidden"], "venet0 eth0");
}

#[test]
fn veths_to_containers_inside_are_not_counted() {
    check(
        &[
            "eth0 type=1 ifindex=2 iflink=17",
            "cali0a1b type=1 ifindex=4 iflink=2",
            "lxc12 type=1 ifindex=6 iflink=5",
        ],
        "eth0",
    );
    // By the routes.
    let header = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";
    let default = "up\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n";
    let local = "up2\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
    let host = "in\t0502A8C0\t00000000\t0005\t0\t0\t0\tFFFFFFFF\n";
    let table = [header, default, local, host].concat();
    let interfaces = [
        "up type=1 ifindex=2 iflink=17",
        "up2 type=1 ifindex=3 iflink=18",
        "in type=1 ifindex=4 iflink=5",
        "in2 type=1 ifindex=6 iflink=7",
    ];
    check_beside(&[("route", &table)], &interfaces, "up up2 in2");
    check_beside(
        &[("route", &[header, host].concat())],
        &interfaces,
        "up up2 in in2",
    );
    // Without another uplink, the end that leads to a container leads out, too.
    check(&["lo", "veth0 type=1 ifindex=2 iflink=17"], "veth0");
}

#[test]
fn an_uplink_may_be_a_port_of_a_bridge_a_bond_or_a_vrf() {
    check(
        &[
            "br0 type=1 bridge lower_eth0 lower_veth1",
            "eth0 type=1 ifindex=2 iflink=17 brport master=br0 upper_br0",
            "veth1 type=1 ifindex=4 iflink=3 brport master=br0 upper_br0",
        ],
        "eth0",
    );
    check(
        &[
            "bond0 type=1 bonding lower_eth0 lower_net1",
            "eth0 type=1 ifindex=2 iflink=17 master=bond0 upper_bond0",
            "net1 type=1 ifindex=4 iflink=19 master=bond0 upper_bond0",
            "vrf0 type=1 lower_net2",
            "net2 type=1 ifindex=6 iflink=21 master=vrf0 upper_vrf0",
        ],
        "eth0 net1 net2",
    );
    check(
        &[
            "eth0 type=1 ifindex=2 iflink=17",
            "ovs-system type=1 ifindex=5 iflink=5",
            "port1 type=1 ifindex=4 iflink=3 master=ovs-system",
        ],
        "eth0",
    );
}

#[test]
fn a_tunnel_is_counted_where_it_is_the_only_way_out() {
    check(
        &["lo", "wg0 DEVTYPE=wireguard type=65534 ifindex=2 iflink=2"],
        "wg0",
    );
    check(&["lo", "dummy0 type=1 ifindex=2 iflink=2"], "");
    // slirp4netns and pasta, with an overlay network of containers and a VPN inside.
    check(
        &[
            "tap0 tun_flags=0x1002 type=1 ifindex=2 iflink=2",
            "tun0 tun_flags=0x1001 type=65534 ifindex=3 iflink=3",
            "flannel.1 type=1 DEVTYPE=vxlan ifindex=4 iflink=4",
            "cni0 type=1 bridge lower_veth1 lower_tap1",
            "veth1 type=1 ifindex=6 iflink=2 brport master=cni0",
            "tap1 type=1 tun_flags=0x1002 brport master=cni0",
        ],
        "tap0",
    );
    check(
        &[
            "tun0 tun_flags=0x1001 type=65534",
            "wg0 DEVTYPE=wireguard type=65534",
            "tunl0 type=768",
        ],
        "tun0",
    );
    // The namespace of an overlay network of Docker.
    check(
        &[
            "br0 type=1 bridge lower_vxlan0 lower_veth0",
            "vxlan0 type=1 DEVTYPE=vxlan brport master=br0",
            "veth0 type=1 ifindex=6 iflink=2 brport master=br0",
        ],
        "vxlan0",
    );
}

#[test]
fn names_decide_where_sysfs_shows_nothing() {
    // gVisor.
    check(&["lo hidden", "eth0 hidden"], "eth0");
    check(
        &[
            "lo hidden",
            "eth0 hidden",
            "wlan0 hidden",
            "eth0.5 hidden",
            "docker0 hidden",
            "br-1a2b hidden",
            "vethab12 hidden",
            "tun0 hidden",
            "wg0 hidden",
            "bond0 hidden",
            "dummy0 hidden",
            "sit0 hidden",
        ],
        "eth0 wlan0",
    );
    check(&["lo hidden", "tun0 hidden"], "tun0");
    check(&["lo hidden", "ppp0 hidden", "eth0 hidden"], "ppp0 eth0");
}

#[test]
fn sysfs_of_the_host_does_not_describe_the_container() {
    let tree = Tree::new();
    tree.write("class/net/eth0/ifindex", "2\n");
    tree.write("class/net/eth0/brport/state", "3\n");
    tree.write("class/net/veth5/device/uevent", "");
    tree.write("net/dev", "lo: 1\neth0: 1\nveth5: 1\n");
    let mut interfaces = Interfaces::new(&tree.roots());
    let mut are_uplinks = || {
        let found = interfaces.find().unwrap();
        found.iter().map(|each| each.is_uplink).collect::<Vec<_>>()
    };
    assert_eq!(are_uplinks(), [false, false, true]);
    tree.write(
        "net/igmp",
        "Idx\tDevice    : Count Querier\n17\teth0      :     1      V3\n",
    );
    assert_eq!(are_uplinks(), [false, true, false]);
}
