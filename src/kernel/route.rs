//! Default routes: `/proc/net/route` and `/proc/net/ipv6_route`.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str,
    time::Duration,
};

use super::interfaces::{self, Interface, Interfaces};
use crate::{
    metric::Metric,
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Source,
        file::File,
        parse,
        property::Property,
        rows::{self, Devices},
    },
};

/// The gateways of the default routes of one address family.
pub(super) struct DefaultGateways {
    interfaces: Interfaces,
    file: File,
    family: &'static AddressFamily,
    devices: Devices<Vec<u8>, ()>,
}

/// The owner of the row, and the gateway.
const WIDTH: usize = 2;

struct AddressFamily {
    file: &'static str,
    scope: [&'static str; 1],
    property: Property,
    route: fn(&[u8]) -> Option<Route<'_>>,
}

/// A default route.
struct Route<'a> {
    interface: &'a [u8],
    gateway: IpAddr,
    /// The route with the smallest metric is used.
    metric: u32,
}

static IPV4: AddressFamily = AddressFamily {
    file: "route",
    scope: ["network/*/ipv4gateway"],
    property: Property::text(
        "ipv4gateway",
        "IPv4 gateway",
        "Router of the interface's default IPv4 route.",
        "Gateway of the default route with the smallest Metric in /proc/net/route",
    ),
    route: parse_ipv4_route,
};

static IPV6: AddressFamily = AddressFamily {
    file: "ipv6_route",
    scope: ["network/*/ipv6gateway"],
    property: Property::text(
        "ipv6gateway",
        "IPv6 gateway",
        "Router of the interface's default IPv6 route.",
        "gateway of the default route with the smallest metric in /proc/net/ipv6_route",
    ),
    route: parse_ipv6_route,
};

impl DefaultGateways {
    pub(super) fn ipv4(interfaces: &Interfaces) -> Self {
        Self::of(interfaces, &IPV4)
    }

    pub(super) fn ipv6(interfaces: &Interfaces) -> Self {
        Self::of(interfaces, &IPV6)
    }

    fn of(interfaces: &Interfaces, family: &'static AddressFamily) -> Self {
        Self {
            interfaces: interfaces.share(),
            file: File::of_records(interfaces::table_path(interfaces.roots(), family.file)),
            family,
            devices: Devices::default(),
        }
    }
}

impl Source for DefaultGateways {
    fn about(&self) -> About<'_> {
        About::new("network", &self.family.scope).of_devices(&["net"])
    }

    fn prepare_discovery(&mut self, since: Duration) -> bool {
        self.interfaces.prepare(since)
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        // A kernel without this address family has no file.
        if self.file.read_if_present()?.is_none() {
            return Ok(Vec::new());
        }
        let interfaces = self.interfaces.find()?;
        let interfaces = interfaces.iter().filter(|each| each.name != b"lo");
        let found = interfaces
            .clone()
            .map(|interface| (interface.name.clone(), ()));
        let rows = self.devices.arrange(found, |_, ()| ());
        let metric = |(interface, row): (&Interface, usize)| {
            let first = rows::place(row, WIDTH, 0);
            let formula = Formula::Level(first.saturating_add(1));
            let formula = self.devices.formula(row, first, formula);
            let (name, object) = (&interface.name, interface.object());
            self.family.property.of("network", name, &object, formula)
        };
        Ok(interfaces.zip(rows).map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        read_columns(self.file.read()?, self.family, &self.devices, columns);
        Ok(())
    }
}

fn read_columns(
    text: &[u8],
    family: &AddressFamily,
    devices: &Devices<Vec<u8>, ()>,
    columns: &mut Vec<Raw>,
) {
    let mut best: HashMap<&[u8], Route<'_>> = HashMap::new();
    for route in parse::lines(text).filter_map(family.route) {
        let best_so_far = best.get(route.interface);
        if best_so_far.is_none_or(|best_so_far| route.metric < best_so_far.metric) {
            best.insert(route.interface, route);
        }
    }
    columns.extend(devices.iter().flat_map(|device| match device {
        Some(device) => [
            device.owner(),
            match best.get(&*device.id) {
                Some(route) => Raw::Text(route.gateway.to_string().into()),
                None => Raw::Fault(Fault::Gone),
            },
        ],
        None => [const { Raw::Fault(Fault::Gone) }; WIDTH],
    }));
}

/// `eth0 00000000 010200C0 0003 0 0 100 00000000 ...`: the interface, the destination, the gateway, the flags,
/// two numbers, the metric and the mask. Addresses are in the byte order of memory.
fn parse_ipv4_route(line: &[u8]) -> Option<Route<'_>> {
    let mut fields = parse::fields(line);
    let interface = fields.next()?;
    let (destination, gateway) = (hex32(fields.next()?)?, hex32(fields.next()?)?);
    let metric = parse::number(fields.nth(3)?)?;
    let mask = hex32(fields.next()?)?;
    (destination == 0 && mask == 0 && gateway != 0).then_some(Route {
        interface,
        gateway: Ipv4Addr::from(gateway.to_ne_bytes()).into(),
        metric: metric.try_into().ok()?,
    })
}

/// The destination and its length, the source and its length, the gateway, the metric, three
/// numbers and the interface.
fn parse_ipv6_route(line: &[u8]) -> Option<Route<'_>> {
    let mut fields = parse::fields(line);
    let (destination, length) = (hex128(fields.next()?)?, hex32(fields.next()?)?);
    let gateway = hex128(fields.nth(2)?)?;
    let metric = hex32(fields.next()?)?;
    let interface = fields.nth(3)?;
    (destination == 0 && length == 0 && gateway != 0).then_some(Route {
        interface,
        gateway: Ipv6Addr::from(gateway).into(),
        metric,
    })
}

fn hex32(field: &[u8]) -> Option<u32> {
    u32::from_str_radix(str::from_utf8(field).ok()?, 16).ok()
}

fn hex128(field: &[u8]) -> Option<u128> {
    u128::from_str_radix(str::from_utf8(field).ok()?, 16).ok()
}

/// Parses any text, for the test of malformed input.
#[cfg(test)]
pub(super) fn check_text(text: &[u8]) {
    for family in [&IPV4, &IPV6] {
        read_columns(text, family, &eth0(), &mut Vec::new());
    }
}

#[cfg(test)]
fn eth0() -> Devices<Vec<u8>, ()> {
    let mut devices = Devices::default();
    devices.arrange([(b"eth0".to_vec(), ())], |_, ()| ());
    devices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{read, roots};

    #[track_caller]
    fn check(family: &AddressFamily, text: &str, expected: Option<&str>) {
        let mut columns = Vec::new();
        read_columns(text.as_bytes(), family, &eth0(), &mut columns);
        let expected = expected.map_or(Raw::Fault(Fault::Gone), |text| Raw::Text(text.into()));
        assert_eq!(columns[1..], [expected]);
    }

    #[test]
    fn routes() {
        let router = u32::from_ne_bytes([192, 0, 2, 1]);
        let other = u32::from_ne_bytes([192, 0, 2, 2]);
        let line = |gateway: u32, metric| {
            format!("eth0\t00000000\t{gateway:08X}\t0003\t0\t0\t{metric}\t00000000\t0\t0\t0\n")
        };
        check(&IPV4, &line(router, 100), Some("192.0.2.1"));
        let both = line(router, 100) + &line(other, 20);
        check(&IPV4, &both, Some("192.0.2.2"));
        check(&IPV4, &line(router, 1).replace("eth0", "eth1"), None);
        check(&IPV4, "eth0\t0000000A\t0\t1\t0\t0\t0\t00FFFFFF\n", None);
        check(&IPV4, "Iface\tDestination\tGateway\n", None);
        let zero = "0".repeat(32);
        let line = format!("{zero} 00 {zero} 00 fd{:0>30} 00000400 1 0 3 eth0\n", 1);
        check(&IPV6, &line, Some("fd00::1"));
        check(&IPV6, &line.replace(" 00 fd", " 00 00"), Some("::1"));
        check(
            &IPV6,
            &format!("{zero} 00 {zero} 00 {zero} ffffffff 1 0 3 eth0\n"),
            None,
        );
    }

    #[test]
    fn fixtures() {
        let mut laptop = DefaultGateways::ipv6(&Interfaces::new(&roots("laptop")));
        let metrics = laptop.discover().unwrap();
        assert_eq!(&*metrics[1].id, "network/wlp2s0/ipv6gateway");
        assert_eq!(read(&mut laptop)[WIDTH + 1], Raw::Text("fe80::1".into()));
    }
}
