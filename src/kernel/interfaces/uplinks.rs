//! The uplinks: the interfaces that carry traffic out of this machine or network namespace, each byte once.
//!
//! The kernel counts a byte in each interface that it passes: in a VLAN, in its bond, and in the hardware below. sysfs
//! shows how interfaces are stacked (Documentation/ABI/testing/sysfs-class-net).

mod hardware;
mod hardware_type;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

use super::{link::Link, names, namespace, role::Role, routes::Routes, serial};
use crate::source::Roots;

use hardware_type::*;

/// The part of an interface in `network/all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Part {
    pub(in crate::kernel) is_uplink: bool,
    /// Whether it has no hardware and is no uplink.
    pub(in crate::kernel) is_virtual: bool,
}

/// The part of each of these interfaces in `network/all`.
pub(in crate::kernel) fn find(roots: &Roots, names: &[&[u8]]) -> Vec<Part> {
    let is_shown = namespace::is_shown(roots, names);
    let links = names.iter().map(|name| Link::new(roots, name, is_shown));
    let links: Vec<_> = links.collect();
    let graph = Graph {
        by_name: links.iter().map(|link| (link.name, link)).collect(),
        by_index: OnceCell::new(),
    };
    let are_uplinks = graph.are_uplinks(roots, &links);
    let parts = links.iter().map(|link| Part {
        is_uplink: are_uplinks[link.name],
        is_virtual: !are_uplinks[link.name] && !link.has("device"),
    });
    parts.collect()
}

/// The interfaces of a namespace.
struct Graph<'a> {
    by_name: BTreeMap<&'a [u8], &'a Link<'a>>,
    by_index: OnceCell<HashMap<u64, &'a Link<'a>>>,
}

impl<'a> Graph<'a> {
    fn are_uplinks(&self, roots: &Roots, links: &'a [Link<'a>]) -> HashMap<&'a [u8], bool> {
        let has_hardware = links.iter().any(|link| hardware::is_port(self, link));
        let roles = links.iter().map(|link| self.role(link, has_hardware));
        let mut roles: Vec<_> = roles.collect();
        let routes = OnceCell::new();
        let routes = || routes.get_or_init(|| Routes::read(roots));
        if roles.contains(&Role::Peer) {
            mark_host_sides(links, &mut roles, routes());
        }
        let counted = counted_roles(&roles);
        let is_counted = |role: &Role| counted.contains(role);
        let mut are_uplinks: Vec<_> = roles.iter().map(is_counted).collect();
        if roles.contains(&Role::Serial) && !is_counted(&Role::Serial) {
            let both = links.iter().zip(&are_uplinks);
            let carriers: Vec<_> = both.filter(|(_, is)| **is).map(|(link, _)| link).collect();
            // A way out may be a bridge on top of the carrier.
            let both = links.iter().zip(&roles);
            let ways = both.filter(|(_, role)| !TUNNELLED.contains(role));
            let ways: Vec<_> = ways.map(|(link, _)| link.name).collect();
            let parts = links.iter().zip(&roles).zip(&mut are_uplinks);
            for ((link, _), is_uplink) in parts.filter(|((_, role), _)| **role == Role::Serial) {
                *is_uplink =
                    !(is_ppp(link) && serial::is_carried(roots, routes(), link, &carriers, &ways));
            }
        }
        let names = links.iter().map(|link| link.name);
        names.zip(are_uplinks).collect()
    }

    fn role(&self, link: &Link<'_>, has_hardware: bool) -> Role {
        let kind = link.hardware_type();
        if link.name == b"lo" || kind.is_some_and(|kind| NO_TRAFFIC.contains(&kind)) {
            return Role::Internal;
        }
        if link.has("device") {
            return match hardware::is_port(self, link) {
                true => Role::Hardware,
                false => Role::Internal,
            };
        }
        match (kind, names::role(link.name)) {
            (Some(AX25 | PPP), Role::Internal) => Role::Internal,
            (Some(AX25 | PPP), _) => Role::Serial,
            (Some(kind), suggested) if SLIP.contains(&kind) => match suggested {
                // The equalizer of serial lines.
                Role::Internal => Role::Internal,
                _ => Role::Serial,
            },
            // The driver of a modem may not name its device, and a partition of InfiniBand has a queue of its own.
            (Some(INFINIBAND), _) if !self.is_stacked(link) => Role::Hardware,
            (Some(RAWIP), _) | (_, Role::Hardware) => match self.is_channel(link) {
                true => Role::Internal,
                false if kind.is_some() || has_hardware => Role::Hardware,
                false => Role::NamedPeer,
            },
            (Some(_), Role::Serial) if !self.is_stacked(link) => Role::Serial,
            (None, suggested) => self.suggested_role(link, suggested, has_hardware),
            // Nothing of this is counted beside hardware, so that its files need not be read.
            (Some(_), suggested) if has_hardware && suggested != Role::NamedPeer => Role::Internal,
            (Some(_), suggested) => self.virtual_role(link, suggested, has_hardware),
        }
    }

    /// The role of an interface without hardware, by what the kernel shows.
    fn virtual_role(&self, link: &Link<'_>, suggested: Role, has_hardware: bool) -> Role {
        if self.is_stacked(link) {
            return Role::Internal;
        }
        let is_bridged = self.is_bridged(link);
        if link.has("tun_flags") {
            return match link.hardware_type() {
                _ if is_bridged => Role::Internal,
                Some(65534) => Role::Tun,
                _ => Role::Tap,
            };
        }
        let is_tunnel = link
            .hardware_type()
            .is_some_and(|kind| TUNNELS.contains(&kind))
            || TUNNEL_DEVICES.contains(&link.device_type())
            || suggested == Role::Tunnel;
        if is_tunnel {
            return Role::Tunnel;
        }
        if link.hardware_type() == Some(VOID) {
            return match suggested {
                Role::Internal => Role::Internal,
                _ => Role::Peer,
            };
        }
        let leads_out = self.leads_out(link, suggested);
        match suggested {
            _ if leads_out == Some(false) => Role::Internal,
            Role::NamedPeer if has_hardware && (is_bridged || leads_out != Some(true)) => {
                Role::Internal
            }
            Role::NamedPeer => Role::NamedPeer,
            _ if is_bridged => Role::Internal,
            Role::HostSide => Role::HostSide,
            _ => Role::Peer,
        }
    }

    /// The role of an interface whose type sysfs does not show, by its name.
    fn suggested_role(&self, link: &Link<'_>, suggested: Role, has_hardware: bool) -> Role {
        let is_vlan = || {
            names::vlan_parent(link.name).is_some_and(|parent| self.by_name.contains_key(parent))
        };
        match suggested {
            Role::Serial => Role::Serial,
            _ if has_hardware || self.is_stacked(link) || is_vlan() => Role::Internal,
            Role::NamedPeer => Role::NamedPeer,
            _ if self.is_bridged(link) => Role::Internal,
            _ if link.has("tun_flags") && suggested == Role::Peer => Role::Tap,
            suggested => suggested,
        }
    }

    /// Whether its packets pass an interface below it in this namespace.
    fn is_stacked(&self, link: &Link<'_>) -> bool {
        let mut lowers = link.lowers();
        lowers.any(|name| self.by_name.contains_key(name))
            || link.has("bridge")
            || link.has("bonding")
    }

    /// Whether an interface of a modem is a channel of another one. Where the driver does not list what is below, the index
    /// and the names show it.
    fn is_channel(&self, link: &Link<'_>) -> bool {
        let other = link
            .link_index()
            .filter(|other| Some(*other) != link.index());
        let is_whole = |name: &&[u8]| name.starts_with(b"rmnet_") && !name.starts_with(CHANNEL);
        self.is_stacked(link)
            || other.is_some_and(|other| self.of_index(other).is_some())
            || link.name.starts_with(CHANNEL) && self.by_name.keys().any(is_whole)
    }

    /// Whether it is a port of a bridge, or of Open vSwitch: it leads to a guest, unless it is an uplink of the bridge.
    fn is_bridged(&self, link: &Link<'_>) -> bool {
        let is_bridge = |master: Vec<u8>| {
            let bridge = self.by_name.get(&*master);
            master == b"ovs-system" || bridge.is_some_and(|bridge| bridge.has("bridge"))
        };
        link.has("brport") || link.master().is_some_and(is_bridge)
    }

    /// Whether the other side of an interface is in another namespace; none if that is not certain. A dummy or an ifb has
    /// no other side, and both ends of a veth pair may be here. By chance, the index of the other side may be that of an
    /// interface here: the name decides then.
    fn leads_out(&self, link: &Link<'_>, suggested: Role) -> Option<bool> {
        let (index, other) = (link.index()?, link.link_index()?);
        let is_here = || {
            let peer = self.of_index(other);
            other == index || peer.is_some_and(|peer| peer.link_index() == Some(index))
        };
        let is_named_pair = match suggested {
            Role::NamedPeer => true,
            Role::HostSide => other == index,
            _ => false,
        };
        match other {
            0 => Some(false),
            _ if !is_here() => Some(true),
            _ if is_named_pair && !link.is_without_arp() => None,
            _ => Some(false),
        }
    }

    fn of_index(&self, index: u64) -> Option<&'a Link<'a>> {
        let by_index = self.by_index.get_or_init(|| {
            let links = self.by_name.values();
            links
                .filter_map(|link| Some((link.index()?, *link)))
                .collect()
        });
        by_index.get(&index).copied()
    }

    fn known<'b>(
        &'b self,
        names: impl Iterator<Item = &'b [u8]>,
    ) -> impl Iterator<Item = &'a Link<'a>> {
        names.filter_map(|name| self.by_name.get(name).copied())
    }
}

/// The roles whose packets are carried by another interface or by a program.
const TUNNELLED: [Role; 4] = [Role::Serial, Role::Tap, Role::Tun, Role::Tunnel];

/// The names of the channels of a modem of Qualcomm.
const CHANNEL: &[u8] = b"rmnet_data";

/// Device types of tunnels of the type Ethernet.
const TUNNEL_DEVICES: [&str; 8] = [
    "vxlan",
    "geneve",
    "wireguard",
    "amt",
    "bareudp",
    "gtp",
    "l2tpeth",
    "ovpn",
];

fn is_ppp(link: &Link<'_>) -> bool {
    match link.hardware_type() {
        Some(kind) => kind == PPP,
        None => link.name.windows(3).any(|part| part == b"ppp"),
    }
}

/// Marks the ends of pairs that lead to containers inside of this namespace: those with routes to single addresses only,
/// beside one with a default route.
fn mark_host_sides(links: &[Link<'_>], roles: &mut [Role], routes: &Routes) {
    let is_peer = |role: &Role| matches!(role, Role::Peer | Role::NamedPeer);
    let mut both = links.iter().zip(&*roles);
    if both.any(|(link, role)| is_peer(role) && routes.has_default(link.name)) {
        for (link, role) in links.iter().zip(roles) {
            if *role == Role::Peer && routes.leads_to_hosts(link.name) {
                *role = Role::HostSide;
            }
        }
    }
}

/// The roles whose interfaces are counted. The others are carried by these, or stay in the namespace. PPP is counted beside
/// these if it is not carried.
fn counted_roles(roles: &[Role]) -> &'static [Role] {
    let order: [&[Role]; 7] = [
        &[Role::Hardware, Role::NamedPeer],
        &[Role::NamedPeer, Role::Peer],
        &[Role::HostSide],
        &[Role::Serial],
        &[Role::Tap],
        &[Role::Tun],
        &[Role::Tunnel],
    ];
    let is_there = |role: &Role| roles.contains(role);
    let with_hardware = is_there(&Role::Hardware);
    let mut order = order.into_iter().skip(usize::from(!with_hardware));
    order
        .find(|roles| roles.iter().any(is_there))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
