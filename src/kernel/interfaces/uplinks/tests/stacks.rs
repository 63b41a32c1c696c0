//! Interfaces on top of hardware.

use super::check;

#[test]
fn hardware_is_counted_and_its_upper_interfaces_are_not() {
    check(
        &[
            "lo type=772",
            "eth0 device master=bond0 upper_bond0",
            "eth1 device master=bond0 upper_bond0",
            "bond0 bonding lower_eth0 lower_eth1 upper_bond0.5",
            "bond0.5 DEVTYPE=vlan lower_bond0",
            "br0 bridge lower_bond0.5 lower_vnet0",
            "vnet0 tun_flags=0x1002 master=br0 brport upper_br0",
            "wg0 DEVTYPE=wireguard type=65534",
            "tailscale0 tun_flags=0x1001 type=65534",
            "vxlan0 type=1 DEVTYPE=vxlan",
            "ifb0 type=1 ifindex=9 iflink=9",
            "dummy0 type=1 ifindex=10 iflink=10",
            "veth1 type=1 ifindex=11 iflink=2",
            "mv0 type=1 ifindex=12 iflink=2 lower_eth0",
            "sit0 type=776",
            "nlmon0 type=824",
        ],
        "eth0 eth1",
    );
}

#[test]
fn a_team_has_no_directory_of_its_own() {
    check(
        &[
            "eth0 type=1 device master=team0 upper_team0",
            "eth1 type=1 device master=team0 upper_team0",
            "team0 type=1 lower_eth0 lower_eth1 ifindex=4 iflink=4",
        ],
        "eth0 eth1",
    );
}

#[test]
fn meshes_rings_and_ciphers_pass_the_hardware() {
    check(
        &[
            "wlan0 type=1 device upper_bat0 master=bat0",
            "bat0 type=1 lower_wlan0 DEVTYPE=batadv",
            "eth0 type=1 device upper_hsr0",
            "eth1 type=1 device upper_hsr0",
            "hsr0 type=1 DEVTYPE=hsr lower_eth0 lower_eth1",
            "macsec0 type=1 DEVTYPE=macsec lower_eth0",
            "vrf-blue type=1 lower_eth1",
            "teql0 type=65535 ifindex=20 iflink=20",
        ],
        "wlan0 eth0 eth1",
    );
}

#[test]
fn a_veth_beside_hardware_leads_to_a_container() {
    check(
        &[
            "eth0 type=1 device ifindex=2 iflink=2",
            "cali1 type=1 ifindex=7 iflink=2",
            "podman1 type=1 ifindex=8 iflink=3",
            "nk0 type=1 ifindex=9 iflink=3",
        ],
        "eth0",
    );
    // But a container with a card of its own has its eth0, too: the other end would have another name.
    check(
        &[
            "net1 type=1 device",
            "eth0 type=1 ifindex=2 iflink=17",
            "eth1 type=1 ifindex=5 iflink=5",
            "eth2 type=1",
        ],
        "net1 eth0",
    );
    check(
        &[
            "net1 type=1 device",
            "eth0 type=1 ifindex=2 iflink=17 brport",
        ],
        "net1",
    );
}

#[test]
fn one_interface_is_not_hidden_by_the_name_of_another() {
    // An interface that sysfs does not know, and a link to one of another namespace.
    check(
        &["eth0 type=1 device lower_gone upper_gone master=gone"],
        "eth0",
    );
    check(
        &[
            "eth0 type=1 device",
            "a|b type=1 device",
            "w*[\"' type=1 device",
        ],
        "eth0 a|b w*[\"'",
    );
}
