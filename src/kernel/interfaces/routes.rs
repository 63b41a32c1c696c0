//! The routes of a namespace, as far as they show which interface carries which: `/proc/net/route` and
//! `/proc/net/ipv6_route`.

use std::collections::HashMap;

use super::table_path;
use crate::{
    regular_file,
    source::{Roots, parse},
};

/// The routes of IPv4 and IPv6 by their interfaces.
pub(super) struct Routes(HashMap<Vec<u8>, Vec<Route>>);

struct Route {
    is_ipv4: bool,
    /// To everywhere.
    is_default: bool,
    /// To one address.
    is_host: bool,
    /// By a router.
    has_gateway: bool,
}

impl Routes {
    pub(super) fn read(roots: &Roots) -> Self {
        let table = |file| regular_file::table(&table_path(roots, file)).unwrap_or_default();
        let ipv4 = table("route");
        let ipv6 = table("ipv6_route");
        let ipv4 = parse::lines(&ipv4).filter_map(parse_ipv4);
        let ipv6 = parse::lines(&ipv6).filter_map(parse_ipv6);
        let mut routes: HashMap<_, Vec<_>> = HashMap::new();
        for (interface, route) in ipv4.chain(ipv6) {
            routes.entry(interface.to_vec()).or_default().push(route);
        }
        Self(routes)
    }

    /// Whether an interface has a default route.
    pub(super) fn has_default(&self, interface: &[u8]) -> bool {
        self.of(interface).any(|route| route.is_default)
    }

    /// Whether an interface leads to single IPv4 addresses only, as that to a container does.
    pub(super) fn leads_to_hosts(&self, interface: &[u8]) -> bool {
        let mut routes = self.of(interface).filter(|route| route.is_ipv4).peekable();
        routes.peek().is_some() && routes.all(|route| route.is_host)
    }

    /// Whether an interface leads to a router, other than for one address.
    pub(super) fn has_gateway(&self, interface: &[u8]) -> bool {
        self.of(interface).any(|route| route.has_gateway)
    }

    /// Whether an interface leads to one address by a router.
    pub(super) fn has_host_behind_gateway(&self, interface: &[u8]) -> bool {
        self.of(interface)
            .any(|route| route.has_gateway && route.is_host)
    }

    fn of(&self, interface: &[u8]) -> impl Iterator<Item = &Route> {
        self.0.get(interface).into_iter().flatten()
    }
}

/// Flags of `<linux/route.h>` and `<linux/ipv6_route.h>`.
const RTF_GATEWAY: u32 = 0x0002;
const RTF_REJECT: u32 = 0x0200;
const RTF_CACHE: u32 = 0x0100_0000;

/// `eth0 00000000 010200C0 0003 0 0 100 00000000 ...`: the interface, the destination, the gateway, the flags, two numbers,
/// the metric and the mask.
fn parse_ipv4(line: &[u8]) -> Option<(&[u8], Route)> {
    let mut fields = parse::fields(line);
    let interface = fields.next()?;
    let destination = hexadecimal(fields.next()?)?;
    let flags = hexadecimal(fields.nth(1)?)?;
    let mask = hexadecimal(fields.nth(3)?)?;
    (flags & RTF_REJECT == 0).then_some((
        interface,
        Route {
            is_ipv4: true,
            is_default: destination == 0 && mask == 0,
            is_host: mask == u32::MAX,
            has_gateway: flags & RTF_GATEWAY != 0,
        },
    ))
}

/// The destination and its length, the source and its length, the gateway, the metric, two numbers, the flags and the
/// interface. Kernels before 4.2 list each address that was reached lately, with RTF_CACHE.
fn parse_ipv6(line: &[u8]) -> Option<(&[u8], Route)> {
    let mut fields = parse::fields(line);
    let length = hexadecimal(fields.nth(1)?)?;
    let flags = hexadecimal(fields.nth(6)?)?;
    let interface = fields.next()?;
    (flags & (RTF_REJECT | RTF_CACHE) == 0).then_some((
        interface,
        Route {
            is_ipv4: false,
            is_default: length == 0,
            is_host: length == 128,
            has_gateway: flags & RTF_GATEWAY != 0,
        },
    ))
}

fn hexadecimal(field: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(field).ok()?, 16).ok()
}
