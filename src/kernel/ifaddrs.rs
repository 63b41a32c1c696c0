//! Addresses of network interfaces: `getifaddrs`.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use nix::{
    ifaddrs::{InterfaceAddress, getifaddrs},
    sys::socket::SockaddrStorage,
};

use crate::{
    kernel::interfaces::{self, Interface, Interfaces},
    metric::Metric,
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Roots, Source,
        property::Property,
        rows::{self, Devices, OWNER},
    },
};

/// The addresses of the interfaces in the running kernel.
pub(super) struct Addresses {
    /// getifaddrs asks this kernel, not the one of another /proc.
    is_this_host: bool,
    interfaces: Interfaces,
    devices: Devices<String, ()>,
    changed: bool,
}

/// The columns of an address family: the address, the mask, and the address with the prefix length.
const ADDRESS_WIDTH: usize = 3;
/// The owner of the row, and the properties.
const WIDTH: usize = 1 + PROPERTIES.len();

#[rustfmt::skip]
const PROPERTIES: [Property; 2 * ADDRESS_WIDTH] = [
    Property::text("ipv4address", "IPv4 address", "First IPv4 address of the interface.", "getifaddrs(3)"),
    Property::text("ipv4subnet", "IPv4 subnet mask", "Subnet mask of the first IPv4 address of the interface.", "getifaddrs(3)").short("IPv4 mask"),
    Property::text("ipv4withPrefixLength", "IPv4 address with prefix length", "First IPv4 address of the interface with the length of its network prefix.", "getifaddrs(3)").short("IPv4 prefix"),
    Property::text("ipv6address", "IPv6 address", "First IPv6 address of the interface that is valid beyond the link, otherwise the first.", "getifaddrs(3)"),
    Property::text("ipv6subnet", "IPv6 subnet mask", "Subnet mask of the IPv6 address of the interface.", "getifaddrs(3)").short("IPv6 mask"),
    Property::text("ipv6withPrefixLength", "IPv6 address with prefix length", "IPv6 address of the interface with the length of its network prefix.", "getifaddrs(3)").short("IPv6 prefix"),
];

impl Addresses {
    pub(super) fn new(interfaces: &Interfaces) -> Self {
        Self {
            is_this_host: *interfaces.roots() == Roots::default(),
            interfaces: interfaces.share(),
            devices: Devices::default(),
            changed: false,
        }
    }
}

impl Source for Addresses {
    fn about(&self) -> About<'_> {
        About::new(
            "network",
            &[
                "network/*/ipv4address",
                "network/*/ipv4subnet",
                "network/*/ipv4withPrefixLength",
                "network/*/ipv6address",
                "network/*/ipv6subnet",
                "network/*/ipv6withPrefixLength",
            ],
        )
        .of_devices(&["net"])
    }

    fn prepare_discovery(&mut self, since: Duration) -> bool {
        self.is_this_host && self.interfaces.prepare(since)
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        if !self.is_this_host {
            return Ok(Vec::new());
        }
        let mut seen = HashSet::new();
        let names = read_addresses()?.into_iter().map(|(name, _)| name);
        let found: Vec<_> = names.filter(|name| seen.insert(name.clone())).collect();
        let named = found.iter().map(|name| (name.clone(), ()));
        let rows = self.devices.arrange(named, |_, ()| ());
        let mut metrics = Vec::new();
        let interfaces = self.interfaces.find().unwrap_or_default();
        // The text of a name that is not UTF-8 is another name.
        let texts = interfaces
            .iter()
            .map(|each| (String::from_utf8_lossy(&each.name), each));
        let by_text: HashMap<_, &Interface> = texts.collect();
        for (text, row) in found.iter().zip(rows) {
            let first = rows::place(row, WIDTH, 0);
            let interface = by_text.get(text.as_str());
            let name = interface.map_or(text.as_bytes(), |each| &each.name);
            let object = interface.map_or_else(|| interfaces::object(name), |each| each.object());
            metrics.extend((first..).zip(PROPERTIES).map(|(column, property)| {
                let formula = Formula::Level(column.saturating_add(1));
                let formula = self.devices.formula(row, first, formula);
                property.of("network", name, &object, formula)
            }));
        }
        self.changed = false;
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        columns.resize(
            rows::place(self.devices.len(), WIDTH, 0),
            Raw::Fault(Fault::Gone),
        );
        let known = self.devices.iter().enumerate();
        let known = known.filter_map(|(row, device)| Some((&*device?.id, (row, device?.owner()))));
        let known: HashMap<&str, _> = known.collect();
        for (name, address) in read_addresses()? {
            let Some((row, owner)) = known.get(&*name) else {
                self.changed = true;
                continue;
            };
            let row = &mut columns[rows::place(*row, WIDTH, 0)..][..WIDTH];
            row[OWNER] = owner.clone();
            let Some(address) = address else { continue };
            let family = if address.ip.is_ipv4() {
                0
            } else {
                ADDRESS_WIDTH
            };
            let columns = &mut row[1..][family..][..ADDRESS_WIDTH];
            let is_preferred = match &columns[0] {
                Raw::Text(kept) => is_link_local(kept) && !is_link_local(&address.ip.to_string()),
                _ => true,
            };
            if is_preferred {
                columns.clone_from_slice(&address.columns());
            }
        }
        Ok(())
    }

    fn changed(&self) -> bool {
        self.changed
    }
}

/// An address and its netmask.
struct Address {
    ip: IpAddr,
    mask: IpAddr,
}

impl Address {
    fn columns(&self) -> [Raw; ADDRESS_WIDTH] {
        let ones = match self.mask {
            IpAddr::V4(mask) => mask.to_bits().leading_ones(),
            IpAddr::V6(mask) => mask.to_bits().leading_ones(),
        };
        let texts = [
            self.ip.to_string(),
            self.mask.to_string(),
            format!("{}/{ones}", self.ip),
        ];
        texts.map(|text| Raw::Text(text.into()))
    }
}

/// Whether the address is link-local.
fn is_link_local(ip: &str) -> bool {
    let ip: Option<Ipv6Addr> = ip.parse().ok();
    ip.is_some_and(|ip| ip.is_unicast_link_local())
}

/// Each interface with each of its addresses, in the order of the kernel. An address may have a label, `eth0:1`, which
/// getifaddrs(3) returns in place of the name.
fn read_addresses() -> Result<Vec<(String, Option<Address>)>, Error> {
    let failed = |errno: nix::Error| Error::io("getifaddrs".as_ref(), io::Error::from(errno));
    let addresses = getifaddrs().map_err(failed)?;
    Ok(addresses
        .map(|entry| {
            (
                interface_of(&entry.interface_name).to_owned(),
                address(&entry),
            )
        })
        .collect())
}

/// The interface of a label. The name of an interface has no colon.
fn interface_of(label: &str) -> &str {
    label.split(':').next().unwrap_or(label)
}

fn address(entry: &InterfaceAddress) -> Option<Address> {
    let ip = |storage: &Option<SockaddrStorage>| {
        let storage = storage.as_ref()?;
        let four = storage.as_sockaddr_in().map(|four| IpAddr::V4(four.ip()));
        four.or_else(|| storage.as_sockaddr_in6().map(|six| IpAddr::V6(six.ip())))
    };
    Some(Address {
        ip: ip(&entry.address)?,
        mask: ip(&entry.netmask)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{read, roots};

    #[track_caller]
    fn check(ip: &str, mask: &str, expected: &str) {
        let [ip, mask] = [ip, mask].map(|text| text.parse().unwrap());
        let columns = Address { ip, mask }.columns();
        assert_eq!(columns[2], Raw::Text(expected.into()));
    }

    #[test]
    fn prefixes() {
        check("192.168.1.5", "255.255.255.0", "192.168.1.5/24");
        check("10.0.0.1", "255.255.255.255", "10.0.0.1/32");
        check("fd00::2", "ffff:ffff:ffff:ffff::", "fd00::2/64");
        check("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1/128");
        assert!(
            is_link_local("fe80::1") && !is_link_local("fd00::2") && !is_link_local("10.0.0.1")
        );
    }

    #[test]
    fn a_label_is_of_an_interface() {
        assert_eq!(interface_of("eth0:1"), "eth0");
        assert_eq!(interface_of("wlan0"), "wlan0");
    }

    #[test]
    fn the_loopback_has_its_address() {
        let mut here = Addresses::new(&Interfaces::new(&Roots::default()));
        let metrics = here.discover().unwrap();
        let columns = read(&mut here);
        let id = "network/lo/ipv4withPrefixLength";
        if let Some(metric) = metrics.iter().find(|metric| &*metric.id == id) {
            let column = &columns[metric.formula.width() - 1];
            let is_down = *column == Raw::Fault(Fault::Gone);
            assert!(is_down || *column == Raw::Text("127.0.0.1/8".into()));
        }
        let elsewhere = Interfaces::new(&roots("server"));
        let elsewhere = Addresses::new(&elsewhere).discover().unwrap();
        assert_eq!(elsewhere, []);
    }
}
