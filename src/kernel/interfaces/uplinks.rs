//! The uplinks: the interfaces that carry traffic out of this machine or network namespace, each byte once.
//!
//! The kernel counts a byte in each interface that it passes: in a VLAN, in its bond, and in the hardware below. sysfs
//! shows how interfaces are stacked (Documentation/ABI/testing/sysfs-class-net).

mod hardware;
mod hardware_type;

use std::{cell::OnceCell, collections::HashMap};

use super::{link::Link, names, role::Role};

pub(super) use hardware::is_port;
use hardware_type::*;

/// The interfaces of a namespace.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) links: Vec<Link>,
    /// Their places in `links`.
    by_name: HashMap<Vec<u8>, usize>,
    by_index: OnceCell<HashMap<u64, usize>>,
}

impl Graph {
    /// Adds an interface, before anything is asked.
    pub(super) fn add(&mut self, link: Link) {
        self.by_name.insert(link.name.clone(), self.links.len());
        self.links.push(link);
    }

    /// The role of an interface. `has_hardware` says whether one of them is [`Role::Hardware`] by its device.
    pub(super) fn role(&self, link: &Link, has_hardware: bool) -> Role {
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
        match (kind, names::role(&link.name)) {
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
    fn virtual_role(&self, link: &Link, suggested: Role, has_hardware: bool) -> Role {
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
    fn suggested_role(&self, link: &Link, suggested: Role, has_hardware: bool) -> Role {
        let is_vlan = || {
            names::vlan_parent(&link.name).is_some_and(|parent| self.by_name.contains_key(parent))
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
    fn is_stacked(&self, link: &Link) -> bool {
        let mut lowers = link.lowers();
        lowers.any(|name| self.by_name.contains_key(name))
            || link.has("bridge")
            || link.has("bonding")
    }

    /// Whether an interface of a modem is a channel of another one. Where the driver does not list what is below, the index
    /// and the names show it.
    fn is_channel(&self, link: &Link) -> bool {
        let other = link
            .link_index()
            .filter(|other| Some(*other) != link.index());
        let is_whole = |name: &Vec<u8>| name.starts_with(b"rmnet_") && !name.starts_with(CHANNEL);
        self.is_stacked(link)
            || other.is_some_and(|other| self.of_index(other).is_some())
            || link.name.starts_with(CHANNEL) && self.by_name.keys().any(is_whole)
    }

    /// Whether it is a port of a bridge, or of Open vSwitch: it leads to a guest, unless it is an uplink of the bridge.
    fn is_bridged(&self, link: &Link) -> bool {
        let is_bridge = |master: Vec<u8>| {
            let bridge = self.named(&master);
            master == b"ovs-system" || bridge.is_some_and(|bridge| bridge.has("bridge"))
        };
        link.has("brport") || link.master().is_some_and(is_bridge)
    }

    /// Whether the other side of an interface is in another namespace; none if that is not certain. A dummy or an ifb has
    /// no other side, and both ends of a veth pair may be here. By chance, the index of the other side may be that of an
    /// interface here: the name decides then.
    fn leads_out(&self, link: &Link, suggested: Role) -> Option<bool> {
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

    fn of_index(&self, index: u64) -> Option<&Link> {
        let by_index = self.by_index.get_or_init(|| {
            let links = self.links.iter().enumerate();
            links
                .filter_map(|(place, link)| Some((link.index()?, place)))
                .collect()
        });
        self.links.get(*by_index.get(&index)?)
    }

    fn named(&self, name: &[u8]) -> Option<&Link> {
        self.links.get(*self.by_name.get(name)?)
    }

    fn known<'b>(
        &'b self,
        names: impl Iterator<Item = &'b [u8]>,
    ) -> impl Iterator<Item = &'b Link> {
        names.filter_map(|name| self.named(name))
    }
}

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

pub(super) fn is_ppp(link: &Link) -> bool {
    match link.hardware_type() {
        Some(kind) => kind == PPP,
        None => link.name.windows(3).any(|part| part == b"ppp"),
    }
}

#[cfg(test)]
mod tests;
