//! Names of interfaces. They decide only where the kernel shows nothing else: in a sandbox without sysfs, and about the two
//! ends of a veth pair, which are equal for the kernel.

use super::role::Role;

/// The prefixes of names, and their role. A prefix is followed by a number, or by nothing; one with an asterisk, by
/// anything.
const PREFIXES: [(Role, &[&str]); 8] = [
    (
        Role::Internal,
        &[
            "lo",
            "br",
            "br-*",
            "bridge",
            "virbr",
            "vmbr",
            "fwbr",
            "xenbr",
            "lxcbr",
            "lxdbr",
            "incusbr",
            "docker",
            "docker_*",
            "podman",
            "cni",
            "cni-*",
            "ovs-*",
            "kube-*",
            "nodelocaldns",
            "bond",
            "team",
            "bat",
            "teql",
            "eql",
            "dummy",
            "ifb",
            "imq",
            "nlmon",
            "vsockmon",
            "mon",
            "can",
            "slcan",
            "vcan",
            "vxcan",
            "vmnet",
            "vboxnet",
            "pimreg",
            "pim6reg",
            "macvtap",
            "macvlan",
            "ipvlan",
            "qmimux",
            "bpq",
            "nr",
            "rose",
            "vrf",
            "vrf-*",
            "vrf_*",
        ],
    ),
    (
        Role::HostSide,
        &[
            "veth*", "ve-*", "vb-*", "vif*", "vnet", "lxc*", "cali*", "azv*", "gke*", "eni*",
            "fwpr*", "fwln*", "qvb*", "qvo*",
        ],
    ),
    (
        Role::Serial,
        &[
            "ppp", "ippp", "sl", "plip", "pppoe-*", "pptp-*", "l2tp-*", "3g-*",
        ],
    ),
    (Role::Tap, &["tap", "tap*"]),
    (Role::Tun, &["tun", "utun", "tailscale", "zt*", "nebula"]),
    (
        Role::Tunnel,
        &[
            "wg",
            "wg-*",
            "tunl",
            "sit",
            "gre",
            "gretap",
            "erspan",
            "ip6tnl",
            "ip6gre",
            "ip6gretap",
            "ip6erspan",
            "ip_vti",
            "ip6_vti",
            "vti",
            "ipsec",
            "xfrm",
            "vxlan*",
            "vxlan_*",
            "flannel.*",
            "flannel-*",
            "cilium_*",
            "geneve",
            "l2tpeth",
            "he-ipv6",
            "6in4",
            "6to4",
            "nordlynx",
            "proton",
            "ovpn",
        ],
    ),
    (
        Role::Hardware,
        &["ccmni", "rmnet", "rmnet_*", "pdp", "seth_*"],
    ),
    (Role::NamedPeer, &["eth", "host"]),
];

/// The role that a name suggests.
pub(super) fn role(name: &[u8]) -> Role {
    let of_name = |prefix: &&str| is_of(name, prefix);
    let mut prefixes = PREFIXES.iter();
    let found = prefixes.find(|(_, prefixes)| prefixes.iter().any(of_name));
    found.map_or(Role::Peer, |(role, _)| *role)
}

fn is_of(name: &[u8], prefix: &str) -> bool {
    match prefix.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.as_bytes()),
        None => name
            .strip_prefix(prefix.as_bytes())
            .is_some_and(|number| number.iter().all(u8::is_ascii_digit)),
    }
}

/// The interface whose VLAN a name suggests: that of `eth0.5` is `eth0`.
pub(super) fn vlan_parent(name: &[u8]) -> Option<&[u8]> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let (parent, number) = name.split_at(dot);
    let is_number = number.len() > 1 && number.iter().skip(1).all(u8::is_ascii_digit);
    is_number.then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &str, expected: Role) {
        for name in names.split(' ') {
            assert_eq!(role(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn names_suggest_roles() {
        check(
            "lo docker0 br-9f0a virbr0 bond0 dummy0 docker_gwbridge",
            Role::Internal,
        );
        check(
            "veth1a2b3c4 vethabc ve-web cali123 lxc_health",
            Role::HostSide,
        );
        check("ppp0 sl0 plip0 pppoe-wan", Role::Serial);
        check("tun0 tailscale0", Role::Tun);
        check(
            "wg0 wg-home sit0 tunl0 gretap0 flannel.1 vxlan.calico",
            Role::Tunnel,
        );
        check("rmnet_data0 ccmni1", Role::Hardware);
        check("eth0 host0", Role::NamedPeer);
        check("enp3s0 wlan0 venet0 green0 lounge bridgehead", Role::Peer);
        assert_eq!(vlan_parent(b"eth0.5"), Some(&b"eth0"[..]));
        assert_eq!(vlan_parent(b"eth0.x"), None);
        assert_eq!(vlan_parent(b"eth0."), None);
    }
}
