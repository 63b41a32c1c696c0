//! Attributes of network interfaces: small files in `/sys/class/net`.

use std::{fs, io};

use nix::libc;

use super::interfaces;
use crate::{
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        About, Error, Roots, Source,
        file::File,
        parse,
        property::Property,
        rows::{self, Devices},
    },
};

/// One attribute of all interfaces.
pub(super) struct InterfaceAttribute {
    roots: Roots,
    format: &'static AttributeFormat,
    files: Devices<Vec<u8>, File>,
}

/// The owner of the row, and the value.
const WIDTH: usize = 2;

/// The file of an attribute, and the function that parses it.
struct AttributeFormat {
    file: &'static str,
    scope: [&'static str; 1],
    property: Property,
    /// Whether an interface can have the attribute.
    is_wanted: fn(&Roots, &[u8]) -> bool,
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
    is_wanted: |_, _| true,
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
        // The driver does not know the speed.
        b"-1" | b"4294967295" => Raw::Fault(Fault::Gone),
        number => match parse::number(number) {
            Some(megabits) => Raw::Number(megabits as f64 * 1e6),
            None => Raw::Fault(Fault::Malformed),
        },
    },
};

static ALIAS: AttributeFormat = AttributeFormat {
    file: "ifalias",
    scope: ["network/*/network"],
    property: Property::text(
        "network",
        "Network name",
        "Name that the administrator gave the interface, otherwise its own name.",
        "/sys/class/net/INTERFACE/ifalias",
    ),
    is_wanted: |_, _| true,
    column: |name, text| match &*parse::text(text) {
        "" => Raw::Text(parse::text(name)),
        alias => Raw::Text(alias.into()),
    },
};

/// Whether the interface has a link with a speed. The speed of a wireless link changes with every packet, and
/// the kernel does not show it; the speed of a virtual interface is made up.
fn has_speed(roots: &Roots, name: &[u8]) -> bool {
    let directory = interfaces::sysfs_directory(roots, name);
    let has = |entry: &str| directory.join(entry).exists();
    (has("device") || has("bonding")) && !has("wireless") && !has("phy80211")
}

impl InterfaceAttribute {
    pub(super) fn state(roots: &Roots) -> Self {
        Self::of(roots, &STATE)
    }

    pub(super) fn speed(roots: &Roots) -> Self {
        Self::of(roots, &SPEED)
    }

    pub(super) fn alias(roots: &Roots) -> Self {
        Self::of(roots, &ALIAS)
    }

    fn of(roots: &Roots, format: &'static AttributeFormat) -> Self {
        Self {
            roots: roots.clone(),
            format,
            files: Devices::default(),
        }
    }
}

impl Source for InterfaceAttribute {
    fn about(&self) -> About<'_> {
        About::new("network", &self.format.scope).of_devices(&["net"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let mut interfaces = interfaces::list(&self.roots)?;
        let path =
            |name: &[u8]| interfaces::sysfs_directory(&self.roots, name).join(self.format.file);
        interfaces.retain(|interface| {
            fs::exists(path(&interface.name)).unwrap_or(true)
                && (self.format.is_wanted)(&self.roots, &interface.name)
        });
        let named = interfaces
            .iter()
            .map(|interface| (interface.name.clone(), path(&interface.name)));
        let rows = self.files.arrange(named, |file, path| {
            file.unwrap_or_else(|| File::attribute(path))
        });
        let metric = |(interface, row): (&interfaces::Interface, usize)| {
            let first = rows::place(row, WIDTH, 0);
            let formula = Formula::Level(first.saturating_add(1));
            let formula = self.files.formula(row, first, formula);
            let (name, object) = (&interface.name, interface.object());
            self.format.property.of("network", name, &object, formula)
        };
        Ok(interfaces.iter().zip(rows).map(metric).collect())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        if self.files.len() == 0 {
            interfaces::list(&self.roots)?;
        }
        for device in self.files.iter_mut() {
            let Some(device) = device else {
                columns.extend([const { Raw::Fault(Fault::Gone) }; WIDTH]);
                continue;
            };
            columns.push(device.owner());
            columns.push(match device.state.read() {
                Ok(text) => (self.format.column)(&device.id, text),
                Err(error) => Raw::Fault(fault(&error)),
            });
        }
        Ok(())
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
    use super::*;
    use crate::source::tests::{read, roots};

    #[track_caller]
    fn check(format: &AttributeFormat, text: &str, expected: Raw) {
        assert_eq!((format.column)(b"eth0", text.as_bytes()), expected);
    }

    #[test]
    fn texts() {
        check(&SPEED, "1000\n", Raw::Number(1e9));
        check(&SPEED, "-1\n", Raw::Fault(Fault::Gone));
        check(&SPEED, "4294967295\n", Raw::Fault(Fault::Gone));
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
        let mut laptop = InterfaceAttribute::speed(&roots("laptop"));
        let metrics = laptop.discover().unwrap();
        // Neither lo nor the wireless interface has the metric.
        assert_eq!(metrics.len(), 1);
        assert_eq!(&*metrics[0].id, "network/enp0s31f6/speed");
        assert_eq!(read(&mut laptop)[1..], [Raw::Number(1e9)]);
    }
}
