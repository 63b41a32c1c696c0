//! The survey of a namespace: which interfaces there are, and what each of them is.

use std::{cell::OnceCell, vec};

use super::{
    Interface, link::Link, namespace, role::Role, routes::Routes, serial, uplinks, uplinks::Graph,
};
use crate::source::Roots;

/// A survey that is made in steps: a machine may have thousands of interfaces, and each of them costs some system calls.
pub(super) struct Survey {
    /// The names that are not looked up yet.
    names: vec::IntoIter<Vec<u8>>,
    is_shown: bool,
    graph: Graph,
    has_hardware: bool,
    /// The number of interfaces that were asked whether they are hardware.
    searched: usize,
    /// The number of interfaces whose indices are known.
    indexed: usize,
    /// The roles of the first interfaces.
    roles: Vec<Role>,
}

impl Survey {
    /// A survey of the interfaces with these names.
    pub(super) fn new(roots: &Roots, names: Vec<Vec<u8>>) -> Self {
        Self {
            is_shown: namespace::is_shown(roots, &names),
            names: names.into_iter(),
            graph: Graph::default(),
            has_hardware: false,
            searched: 0,
            indexed: 0,
            roles: Vec::new(),
        }
    }

    /// Looks at one interface. Returns false if nothing is left to look at.
    pub(super) fn advance(&mut self, roots: &Roots) -> bool {
        if let Some(name) = self.names.next() {
            self.graph.add(Link::new(roots, &name, self.is_shown));
            return true;
        }
        let links = &self.graph.links;
        if !self.has_hardware {
            if let Some(link) = links.get(self.searched) {
                self.has_hardware = uplinks::is_port(&self.graph, link);
                self.searched = self.searched.saturating_add(1);
                return true;
            }
            // The first role may need the indices of all.
            if let Some(link) = links.get(self.indexed) {
                link.index();
                self.indexed = self.indexed.saturating_add(1);
                return true;
            }
        }
        let Some(link) = links.get(self.roles.len()) else {
            return false;
        };
        let role = self.graph.role(link, self.has_hardware);
        // Needed of each of them in the end.
        link.entries();
        self.roles.push(role);
        true
    }

    /// The interfaces, in the order of the names.
    pub(super) fn finish(mut self, roots: &Roots) -> Vec<Interface> {
        while self.advance(roots) {}
        let are_uplinks = are_uplinks(roots, &self.graph.links, self.roles);
        let links = self.graph.links.into_iter().zip(are_uplinks);
        let interfaces = links.map(|(link, is_uplink)| {
            let is_shown = link.is_shown();
            let (name, registration, entries) = link.into_parts();
            Interface {
                name,
                registration,
                is_shown,
                is_uplink,
                is_virtual: !is_uplink && !entries.has("device"),
                entries,
            }
        });
        interfaces.collect()
    }
}

/// Whether each of these interfaces, which have these roles, is an uplink.
fn are_uplinks(roots: &Roots, links: &[Link], mut roles: Vec<Role>) -> Vec<bool> {
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
        let ways: Vec<_> = ways.map(|(link, _)| &*link.name).collect();
        let parts = links.iter().zip(&roles).zip(&mut are_uplinks);
        for ((link, _), is_uplink) in parts.filter(|((_, role), _)| **role == Role::Serial) {
            *is_uplink = !(uplinks::is_ppp(link)
                && serial::is_carried(roots, routes(), link, &carriers, &ways));
        }
    }
    are_uplinks
}

/// The roles whose packets are carried by another interface or by a program.
const TUNNELLED: [Role; 4] = [Role::Serial, Role::Tap, Role::Tun, Role::Tunnel];

/// Marks the ends of pairs that lead to containers inside of this namespace: those with routes to single addresses only,
/// beside one with a default route.
fn mark_host_sides(links: &[Link], roles: &mut [Role], routes: &Routes) {
    let is_peer = |role: &Role| matches!(role, Role::Peer | Role::NamedPeer);
    let mut both = links.iter().zip(&*roles);
    if both.any(|(link, role)| is_peer(role) && routes.has_default(&link.name)) {
        for (link, role) in links.iter().zip(roles) {
            if *role == Role::Peer && routes.leads_to_hosts(&link.name) {
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
