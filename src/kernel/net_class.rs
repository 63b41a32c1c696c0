//! Attributes of network interfaces: small files in `/sys/class/net`.

use std::{io, time::Duration};

use nix::libc;

use super::interfaces::{self, Interface, InterfaceKey, Interfaces};
use crate::{
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Source,
        device::{Attribute, Device, Losses},
        parse,
        property::Property,
        rows::{self, Devices},
    },
};

/// One attribute of all interfaces.
pub(super) struct InterfaceAttribute {
    interfaces: Interfaces,
    format: &'static AttributeFormat,
    attributes: Devices<InterfaceKey, Attribute>,
    losses: Losses,
}

/// The owner of the row, and the value.
const WIDTH: usize = 2;

/// The file of an attribute, and the function that parses it.
struct AttributeFormat {
    file: &'static str,
    scope: [&'static str; 1],
    property: Property,
    /// Whether an interface that has the file has the value.
    is_wanted: fn(&Interface) -> bool,
    /// Parses a text, given the name of the interface and the text.
    column: fn(&[u8], &[u8]) -> Raw,
}

static STATE: AttributeFormat = AttributeFormat {
    file: "operstate",
    scope: ["network/*/state"],
    property: Property::text(
        "state",
        "State",
        "State of the interface: up, down, dormant, lowerlayerdown, testing, notpresent or unknown.",
        "/sys/class/net/INTERFACE/operstate (RFC 2863)",
    ),
    is_wanted: |_| true,
    column: |_, text| Raw::Text(parse::text(text)),
};

static SPEED: AttributeFormat = AttributeFormat {
    file: "speed",
    scope: ["network/*/speed"],
    property: Property::new(
        "speed",
        "Link speed",
        "Speed of the connection to the network.",
        "/sys/class/net/INTERFACE/speed (Mbit/s) × 1000000; gone without a link",
        unit::BITS_PER_SECOND,
        Kind::Gauge,
    ),
    is_wanted: has_speed,
    column: |_, text| match text.trim_ascii() {
        number if number.starts_with(b"-") => Raw::Fault(Fault::Gone),
        number => match parse::number(number) {
            Some(megabits) if UNKNOWN_SPEEDS.contains(&megabits) => Raw::Fault(Fault::Gone),
            Some(megabits) => Raw::Number(megabits as f64 * 1e6),
            None => Raw::Fault(Fault::Malformed),
        },
    },
};

/// The speeds of a driver that does not know the speed, beside −1: SPEED_UNKNOWN of `<linux/ethtool.h>` in 16, 32 and 64
/// bits, the largest that ethtool(8) accepts, and 0, as some drivers have it without a link.
const UNKNOWN_SPEEDS: [u64; 5] = [0, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

static ALIAS: AttributeFormat = AttributeFormat {
    file: "ifalias",
    scope: ["network/*/network"],
    property: Property::text(
        "network",
        "Network name",
        "Name that the administrator gave the interface, otherwise its own name.",
        "/sys/class/net/INTERFACE/ifalias",
    ),
    is_wanted: |_| true,
    column: |name, text| match &*parse::text(text) {
        "" => Raw::Text(parse::text(name)),
        alias => Raw::Text(alias.into()),
    },
};

/// Whether the interface has a link with a speed. The speed of a wireless link changes with every packet, and
/// the kernel does not show it; the speed of a virtual interface is made up.
fn has_speed(interface: &Interface) -> bool {
    let has = |entry| interface.entries().has(entry);
    (has("device") || has("bonding")) && !has("wireless") && !has("phy80211")
}

impl InterfaceAttribute {
    pub(super) fn state(interfaces: &Interfaces) -> Self {
        Self::of(interfaces, &STATE)
    }

    pub(super) fn speed(interfaces: &Interfaces) -> Self {
        Self::of(interfaces, &SPEED)
    }

    pub(super) fn alias(interfaces: &Interfaces) -> Self {
        Self::of(interfaces, &ALIAS)
    }

    fn of(interfaces: &Interfaces, format: &'static AttributeFormat) -> Self {
        Self {
            interfaces: interfaces.share(),
            format,
            attributes: Devices::default(),
            losses: Losses::default(),
        }
    }
}

impl Source for InterfaceAttribute {
    fn about(&self) -> About<'_> {
        About::new("network", &self.format.scope).of_devices(&["net"])
    }

    fn prepare_discovery(&mut self, since: Duration) -> bool {
        self.interfaces.prepare(since)
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.losses.forget();
        let all = self.interfaces.find()?;
        let has = |interface: &&Interface| {
            interface.is_shown
                && interface.entries().may_have(self.format.file)
                && (self.format.is_wanted)(interface)
        };
        let interfaces = all.iter().filter(has);
        let found = interfaces.clone().map(|each| (each.key(), each));
        let rows = self.attributes.arrange(found, |attribute, interface| {
            let device = || {
                let directory =
                    interfaces::sysfs_directory(self.interfaces.roots(), &interface.name);
                let registration = interface.registration;
                Device::registered(directory, registration, None, &self.losses)
            };
            attribute.unwrap_or_else(|| device().attribute(self.format.file))
        });
        let metric = |(interface, row): (&Interface, usize)| {
            let first = rows::place(row, WIDTH, 0);
            let formula = Formula::Level(first.saturating_add(1));
            let formula = self.attributes.formula(row, first, formula);
            let (name, object) = (&interface.name, interface.object());
            self.format.property.of("network", name, &object, formula)
        };
        Ok(interfaces.zip(rows).map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if self.attributes.len() == 0 {
            interfaces::list_names(self.interfaces.roots())?;
        }
        for device in self.attributes.iter_mut() {
            let Some(device) = device else {
                columns.extend([const { Raw::Fault(Fault::Gone) }; WIDTH]);
                continue;
            };
            columns.push(device.owner());
            columns.push(match device.state.read() {
                Ok(text) => (self.format.column)(&device.id.name, text),
                Err(error) => Raw::Fault(fault(&error)),
            });
        }
        Ok(())
    }

    fn changed(&self) -> bool {
        self.losses.is_any()
    }
}

/// The kernel answers EINVAL if there is no value: the speed of a link that is down.
fn fault(error: &Error) -> Fault {
    match error {
        Error::Io { cause, .. } if is_invalid(cause) => Fault::Gone,
        error => error.fault(),
    }
}

fn is_invalid(cause: &io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::tests::{Tree, read, roots};

    #[track_caller]
    fn check(format: &AttributeFormat, text: &str, expected: Raw) {
        assert_eq!((format.column)(b"eth0", text.as_bytes()), expected);
    }

    #[test]
    fn texts() {
        check(&SPEED, "1000\n", Raw::Number(1e9));
        check(&SPEED, "-1\n", Raw::Fault(Fault::Gone));
        for unknown in [
            "0",
            "65535",
            "2147483647",
            "4294967295",
            "18446744073709551615",
        ] {
            check(&SPEED, unknown, Raw::Fault(Fault::Gone));
        }
        check(&SPEED, "10\n", Raw::Number(1e7));
        check(
            &SPEED,
            "99999999999999999999\n",
            Raw::Fault(Fault::Malformed),
        );
        check(&SPEED, "fast\n", Raw::Fault(Fault::Malformed));
        check(&SPEED, "", Raw::Fault(Fault::Malformed));
        check(&STATE, "up\n", Raw::Text("up".into()));
        check(&ALIAS, "\n", Raw::Text("eth0".into()));
        check(&ALIAS, "uplink\n", Raw::Text("uplink".into()));
    }

    #[test]
    fn a_link_that_is_down_has_no_speed() {
        for (code, expected) in [
            (libc::EINVAL, Fault::Gone),
            (libc::ENODEV, Fault::Gone),
            (libc::EACCES, Fault::Denied),
            (libc::EAGAIN, Fault::Stale),
        ] {
            let cause = io::Error::from_raw_os_error(code);
            assert_eq!(fault(&Error::io("speed".as_ref(), cause)), expected);
        }
    }

    #[test]
    fn fixtures() {
        let mut laptop = InterfaceAttribute::speed(&Interfaces::new(&roots("laptop")));
        let metrics = laptop.discover().unwrap();
        // Neither lo nor the wireless interface has the metric.
        assert_eq!(metrics.len(), 1);
        assert_eq!(&*metrics[0].id, "network/enp0s31f6/speed");
        assert_eq!(read(&mut laptop)[1..], [Raw::Number(1e9)]);
    }

    #[test]
    fn an_interface_that_is_made_anew_has_its_own_state() {
        let tree = Tree::new();
        tree.write("net/dev", "tun0: 1\n");
        tree.write("class/net/tun0/operstate", "up\n");
        let mut states = InterfaceAttribute::state(&Interfaces::new(&tree.roots()));
        let metrics = states.discover().unwrap();
        assert_eq!(read(&mut states)[1], Raw::Text("up".into()));
        assert!(!states.changed());
        let class = tree.roots().sys.join("class/net");
        fs::rename(class.join("tun0"), tree.roots().sys.join("old")).unwrap();
        tree.write("class/net/tun0/operstate", "down\n");
        assert_ne!(states.discover().unwrap()[0].formula, metrics[0].formula);
        assert_eq!(read(&mut states)[1], Raw::Text("down".into()));
        fs::remove_dir_all(class.join("tun0")).unwrap();
        assert!(states.discover().unwrap().is_empty());
    }

    #[test]
    fn sysfs_of_another_namespace_has_no_attributes_of_this_one() {
        let tree = Tree::new();
        tree.write("net/dev", "eth0: 1\n");
        tree.write("class/net/eth0/operstate", "up\n");
        tree.write("class/net/eth0/ifindex", "2\n");
        let mut states = InterfaceAttribute::state(&Interfaces::new(&tree.roots()));
        assert_eq!(states.discover().unwrap().len(), 1);
        tree.write("net/igmp", "17\teth0      :     1      V3\n");
        assert!(states.discover().unwrap().is_empty());
    }
}
