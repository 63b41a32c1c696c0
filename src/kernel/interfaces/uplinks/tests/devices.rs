//! Hardware: which devices are ports to the network.

use super::check;

#[test]
fn each_card_is_counted() {
    // A notebook with Ethernet, WLAN, a tethered phone and a modem.
    check(
        &[
            "lo type=772",
            "enp3s0 type=1 device ifindex=2 iflink=2",
            "wlp2s0 type=1 device phy80211 DEVTYPE=wlan ifindex=3 iflink=3",
            "usb0 type=1 device subsystem=usb ifindex=4 iflink=4",
            "wwan0 type=65534 device DEVTYPE=wwan ifindex=5 iflink=5",
        ],
        "enp3s0 wlp2s0 usb0 wwan0",
    );
    // The cards of Hyper-V (WSL), of Xen and of virtio.
    check(
        &[
            "eth0 type=1 subsystem=vmbus",
            "dummy0 type=1",
            "sit0 type=776",
        ],
        "eth0",
    );
    check(&["eth0 type=1 subsystem=xen"], "eth0");
    check(
        &["eth0 type=1 subsystem=virtio", "docker0 type=1 bridge"],
        "eth0",
    );
}

#[test]
fn the_interfaces_of_one_radio_have_their_own_traffic_and_a_monitor_has_copies() {
    check(
        &[
            "wlan0 type=1 device phy80211",
            "p2p-wlan0-0 type=1 device phy80211",
            "ap0 type=1 device phy80211",
            "ap0.sta1 type=1 device phy80211",
            "wlan0mon type=803 device phy80211",
            "hwsim0 type=803",
            "wlan9 type=1 device subsystem=mac80211_hwsim",
        ],
        "wlan0 p2p-wlan0-0 ap0 ap0.sta1",
    );
}

#[test]
fn a_virtual_function_is_counted_in_the_interface_that_stands_for_it() {
    // netvsc.
    check(
        &[
            "eth0 device lower_enP1s1",
            "enP1s1 device master=eth0 upper_eth0",
        ],
        "eth0",
    );
    // Only the link of the port is there.
    check(&["eth0 device", "enP1s1 device master=eth0"], "eth0");
    // net_failover: the interface in the middle has a device, too.
    check(
        &[
            "ens3 device lower_ens3nsby lower_ens4",
            "ens3nsby device master=ens3 upper_ens3",
            "ens4 device master=ens3 upper_ens3",
        ],
        "ens3",
    );
    // Without such an interface, each function has its own traffic.
    check(&["eth0 device", "eth0v0 device"], "eth0 eth0v0");
}

#[test]
fn the_conduit_counts_the_ports_of_a_switch() {
    check(
        &[
            "eth0 device dsa upper_lan1 upper_wan",
            "lan1 device DEVTYPE=dsa lower_eth0 master=br0 upper_br0",
            "wan device DEVTYPE=dsa lower_eth0",
            "br0 bridge lower_lan1",
        ],
        "eth0",
    );
    // Two conduits in a bond.
    check(
        &[
            "eth0 device dsa master=bond0 upper_bond0",
            "eth1 device dsa master=bond0 upper_bond0",
            "bond0 bonding lower_eth0 lower_eth1 upper_lan1",
            "lan1 device DEVTYPE=dsa lower_bond0",
        ],
        "eth0 eth1",
    );
    // Kernels before 4.20 show the conduit by its index alone.
    check(
        &[
            "eth0 device dsa ifindex=2 iflink=2",
            "lan1 device ifindex=3 iflink=2",
            "eth1 device ifindex=4 iflink=4",
        ],
        "eth0 eth1",
    );
    // A port that was moved into this namespace, without the conduit.
    check(&["lan1 device DEVTYPE=dsa ifindex=3 iflink=2"], "lan1");
    // A switch without conduit counts by port.
    check(
        &[
            "swp1 device phys_switch_id=00 phys_port_name=p1",
            "swp2 device phys_port_name=p2s0",
        ],
        "swp1 swp2",
    );
}

#[test]
fn the_side_of_a_guest_stays_in_the_machine() {
    check(
        &[
            "eth0 device phys_port_name=p0",
            "eth1 device phys_port_name=pf0vf3",
            "eth2 device phys_port_name=c1pf0sf88",
            "eth3 device phys_port_name=pf0",
            "eth4 device phys_port_name=p0pf1vf2",
        ],
        "eth0",
    );
    check(
        &[
            "eth0 device",
            "vif1.0 subsystem=xen-backend master=br0",
            "br0 bridge lower_vif1.0",
        ],
        "eth0",
    );
    check(
        &[
            "eth0 device",
            "vif1.0 device device/uevent=MODALIAS=xen-backend:vif",
        ],
        "eth0",
    );
    check(&["eth0 device", "eth9 subsystem=netdevsim"], "eth0");
}

#[test]
fn a_partition_of_infiniband_has_its_own_traffic() {
    check(
        &[
            "ib0 type=32 device ifindex=2 iflink=2 master=bond0 upper_bond0",
            "ib0.8001 type=32 ifindex=3 iflink=2",
            "bond0 type=32 bonding lower_ib0",
        ],
        "ib0 ib0.8001",
    );
    check(&["ib0.8001 type=32 ifindex=3 iflink=7"], "ib0.8001");
}

#[test]
fn a_field_bus_is_no_network() {
    check(
        &[
            "can0 type=280 device",
            "vcan0 type=280",
            "eth0 device type=1",
        ],
        "eth0",
    );
    check(&["can0 type=280 device"], "");
    check(
        &[
            "wpan0 type=804 device",
            "lowpan0 type=825 ifindex=3 iflink=2",
        ],
        "wpan0",
    );
}

#[test]
fn the_channels_of_a_modem_are_counted_in_the_modem() {
    check(
        &[
            "wwan0 type=519 device upper_qmimux0",
            "qmimux0 type=519 lower_wwan0",
        ],
        "wwan0",
    );
    check(
        &[
            "mhi_hwip0 type=519 device upper_rmnet0",
            "rmnet0 type=519 lower_mhi_hwip0",
        ],
        "mhi_hwip0",
    );
    // Android: the driver names no device.
    let android = [
        "wlan0 type=1 device",
        "rmnet_ipa0 type=519 ifindex=5 iflink=5",
        "rmnet_data0 type=519 ifindex=6 iflink=5",
        "rmnet_data1 type=519 ifindex=7 iflink=5",
        "dummy0 type=1",
    ];
    check(&android, "wlan0 rmnet_ipa0");
    check(
        &[
            "wlan0 type=1 device",
            "ccmni0 type=65534 ifindex=5 iflink=5",
        ],
        "wlan0 ccmni0",
    );
    check(
        &["wlan0 hidden", "rmnet_ipa0 hidden", "rmnet_data0 hidden"],
        "wlan0 rmnet_ipa0",
    );
}
