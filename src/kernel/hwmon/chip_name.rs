//! The name that libsensors gives a chip: the name of the driver, the bus, and the address on that bus.
//!
//! The rules are those of `sensors` 3.6, so that both programs show the same name.

/// A device between the chip and its bus: its name and its subsystem.
pub(super) struct BusDevice<'a> {
    pub(super) name: &'a str,
    pub(super) subsystem: Option<&'a str>,
}

/// The name of a chip of this driver. `devices` begin with the chip's own device. `is_isa` says whether the I²C
/// adapter of this number is a window to the ISA bus.
pub(super) fn chip_name<'a>(
    driver: &str,
    devices: impl IntoIterator<Item = BusDevice<'a>>,
    is_isa: impl Fn(u16) -> bool,
) -> String {
    let mut addresses = devices
        .into_iter()
        .filter_map(|device| bus_address(&device, &is_isa));
    // A chip on no bus is taken to be the only one of its name, like a chip on the ACPI bus.
    let address = addresses.next().unwrap_or_else(|| "virtual-0".to_owned());
    format!("{driver}-{address}")
}

/// The bus and the address of a device; none if the device is on no known bus.
fn bus_address(device: &BusDevice<'_>, is_isa: impl Fn(u16) -> bool) -> Option<String> {
    let BusDevice { name, subsystem } = *device;
    // Linux before 2.6.12 has no links to subsystems; a name in the form of the bus is enough then.
    let may_be_on = |bus| subsystem.is_none_or(|subsystem| subsystem == bus);
    let is_surely_on = |bus| subsystem == Some(bus);
    if may_be_on("i2c")
        && let Some((bus, address)) = i2c(name)
    {
        return Some(match bus == LEGACY_ISA || is_isa(bus) {
            true => format!("isa-{address:04x}"),
            false => format!("i2c-{bus}-{address:02x}"),
        });
    }
    if may_be_on("spi")
        && let Some((bus, select)) = spi(name)
    {
        return Some(format!("spi-{bus}-{select:x}"));
    }
    if may_be_on("pci")
        && let Some(address) = pci(name)
    {
        return Some(format!("pci-{address:04x}"));
    }
    if may_be_on("platform") || may_be_on("of_platform") {
        return Some(format!("isa-{:04x}", platform(name).unwrap_or(0)));
    }
    if is_surely_on("acpi") {
        return Some("acpi-0".to_owned());
    }
    if is_surely_on("hid")
        && let Some((bus, id)) = hid(name)
    {
        return Some(format!("hid-{bus}-{id:x}"));
    }
    if is_surely_on("mdio_bus") {
        return Some(format!("mdio-{:x}", mdio(name).unwrap_or(0)));
    }
    if is_surely_on("scsi")
        && let Some((host, address)) = scsi(name)
    {
        return Some(format!("scsi-{host}-{address:x}"));
    }
    None
}

/// The bus number of ISA before Linux 2.6.22.
const LEGACY_ISA: u16 = 9191;

/// `3-004c`: the bus in decimal, the address in hexadecimal.
fn i2c(name: &str) -> Option<(u16, u32)> {
    let (bus, address) = name.split_once('-')?;
    Some((bus.parse().ok()?, hexadecimal(address)?))
}

/// `spi0.1`: the bus and the chip select.
fn spi(name: &str) -> Option<(u16, u32)> {
    let (bus, select) = name.strip_prefix("spi")?.split_once('.')?;
    Some((bus.parse().ok()?, select.parse().ok()?))
}

/// `0000:01:00.0`: domain, bus, slot and function, all in one number.
fn pci(name: &str) -> Option<u32> {
    let (domain, rest) = name.split_once(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (slot, function) = rest.split_once('.')?;
    let [domain, bus, slot, function] = [domain, bus, slot, function].map(hexadecimal);
    combine(&[(domain?, 16), (bus?, 8), (slot?, 3), (function?, 0)])
}

/// `nct6775.656`: the driver and an address in decimal, if there is one.
fn platform(name: &str) -> Option<u32> {
    let end = name.find(|end: char| !end.is_ascii_alphanumeric() && end != '_')?;
    let rest = name[end..].strip_prefix(['.', ':']).filter(|_| end > 0)?;
    leading_number(rest, 10)
}

/// `0003:1B1C:0C10.0005`: bus, vendor, product, and an instance number.
fn hid(name: &str) -> Option<(u32, u32)> {
    let (bus, rest) = name.split_once(':')?;
    let (vendor, rest) = rest.split_once(':')?;
    let (product, id) = rest.split_once('.')?;
    let [bus, _, _, id] = [bus, vendor, product, id].map(hexadecimal);
    Some((bus?, id?))
}

/// `r8169-0-300:00`: the bus and the address in decimal.
fn mdio(name: &str) -> Option<u32> {
    leading_number(name.split_once(':')?.1, 10)
}

/// `0:0:0:0`: host, channel, target and logical unit.
fn scsi(name: &str) -> Option<(u32, u32)> {
    let mut parts = name.split(':');
    let mut next = |radix| u32::from_str_radix(parts.next()?, radix).ok();
    let (host, channel, target, unit) = (next(10)?, next(10)?, next(10)?, next(16)?);
    Some((host, combine(&[(channel, 8), (target, 4), (unit, 0)])?))
}

/// The sum of numbers, each shifted to the left by so many bits, if it fits.
fn combine(parts: &[(u32, u32)]) -> Option<u32> {
    parts.iter().try_fold(0_u32, |sum, &(number, bits)| {
        sum.checked_add(number.checked_mul(1_u32.checked_shl(bits)?)?)
    })
}

fn hexadecimal(digits: &str) -> Option<u32> {
    // The limit keeps the sums of numbers from overflowing.
    u32::from_str_radix(digits, 16)
        .ok()
        .filter(|&number| number <= 0xffff)
}

/// The number at the beginning of a text.
fn leading_number(text: &str, radix: u32) -> Option<u32> {
    let end = text
        .find(|end: char| !end.is_digit(radix))
        .unwrap_or(text.len());
    u32::from_str_radix(&text[..end], radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(driver: &str, devices: &[(&str, &str)], expected: &str) {
        let devices = devices.iter().map(|&(name, subsystem)| BusDevice {
            name,
            subsystem: Some(subsystem).filter(|subsystem| !subsystem.is_empty()),
        });
        assert_eq!(chip_name(driver, devices, |bus| bus == 7), expected);
    }

    #[test]
    fn names_are_those_of_libsensors() {
        check(
            "nvme",
            &[("nvme0", "nvme"), ("0000:01:00.0", "pci")],
            "nvme-pci-0100",
        );
        check("k10temp", &[("0000:00:18.3", "pci")], "k10temp-pci-00c3");
        check("amdgpu", &[("0001:c3:00.0", "pci")], "amdgpu-pci-1c300");
        check(
            "mt7921_phy0",
            &[("phy0", "ieee80211"), ("0000:02:00.0", "pci")],
            "mt7921_phy0-pci-0200",
        );
        check(
            "coretemp",
            &[("coretemp.0", "platform")],
            "coretemp-isa-0000",
        );
        check(
            "coretemp",
            &[("coretemp.1", "platform")],
            "coretemp-isa-0001",
        );
        check(
            "nct6775",
            &[("nct6775.656", "platform")],
            "nct6775-isa-0290",
        );
        check(
            "thinkpad",
            &[("thinkpad_hwmon", "platform")],
            "thinkpad-isa-0000",
        );
        check("asus", &[("asus-nb-wmi", "platform")], "asus-isa-0000");
        check(
            "rpi_volt",
            &[("soc:firmware:raspberrypi-hwmon", "platform")],
            "rpi_volt-isa-0000",
        );
        check("lm75", &[("3-004c", "i2c")], "lm75-i2c-3-4c");
        check("jc42", &[("0-0018", "i2c")], "jc42-i2c-0-18");
        check("w83781d", &[("7-0290", "i2c")], "w83781d-isa-0290");
        check("w83627hf", &[("9191-0290", "i2c")], "w83627hf-isa-0290");
        check("drivetemp", &[("0:0:0:0", "scsi")], "drivetemp-scsi-0-0");
        check("drivetemp", &[("5:0:0:0", "scsi")], "drivetemp-scsi-5-0");
        check("drivetemp", &[("2:1:3:0", "scsi")], "drivetemp-scsi-2-130");
        check(
            "corsairpsu",
            &[("0003:1B1C:0C10.0005", "hid")],
            "corsairpsu-hid-3-5",
        );
        check("lm70", &[("spi0.1", "spi")], "lm70-spi-0-1");
        check(
            "acpitz",
            &[("thermal_zone0", "thermal")],
            "acpitz-virtual-0",
        );
        check(
            "acpitz",
            &[("thermal_zone0", "thermal"), ("LNXTHERM:00", "acpi")],
            "acpitz-acpi-0",
        );
        check(
            "BAT0",
            &[("BAT0", "power_supply"), ("PNP0C0A:00", "acpi")],
            "BAT0-acpi-0",
        );
        check(
            "r8169_0_300:00",
            &[("r8169-0-300:00", "mdio_bus")],
            "r8169_0_300:00-mdio-0",
        );
        check("fake", &[("fixed-0:12", "mdio_bus")], "fake-mdio-c");
        check("cpu_thermal", &[], "cpu_thermal-virtual-0");
        check("lm75", &[("3-004c", "")], "lm75-i2c-3-4c");
        check("f71805f", &[("f71805f.656", "")], "f71805f-isa-0290");
    }

    #[test]
    fn a_name_in_the_form_of_no_bus_is_virtual() {
        check("x", &[("nothing", "i2c")], "x-virtual-0");
        check("x", &[("3-99999", "i2c")], "x-virtual-0");
        check(
            "x",
            &[("0000:01", "pci"), ("0:0:0", "scsi"), ("0003:1B1C", "hid")],
            "x-virtual-0",
        );
        check("x", &[("0:4294967295:0:0", "scsi")], "x-virtual-0");
        check("x", &[("0:0:1:ffffffff", "scsi")], "x-virtual-0");
        check("x", &[("99999999:01:00.0", "pci")], "x-virtual-0");
        check("x", &[("x.99999999999", "platform")], "x-isa-0000");
    }
}
