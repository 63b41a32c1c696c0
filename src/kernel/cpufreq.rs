//! The frequencies of the CPUs: `cpufreq` in `/sys/devices/system/cpu/cpu*`.
//!
//! <https://docs.kernel.org/admin-guide/pm/cpufreq.html>

use std::path::Path;

use crate::{
    kernel::per_cpu::{self, CpuAttribute, CpuQuantity, cpus},
    metric::{Kind, unit},
    reading::{Fault, Raw},
    source::{
        Error, Provider, Roots,
        device::{Device, Location},
        parse,
        pool::Pool,
        property::Property,
    },
};

static FREQUENCY: CpuQuantity = CpuQuantity {
    source: "cpufreq",
    scope: &[
        "cpu/*/frequency",
        "cpu/all/averageFrequency",
        "cpu/all/minimumFrequency",
        "cpu/all/maximumFrequency",
    ],
    subsystems: &["cpu"],
    one: property(
        "frequency",
        "frequency",
        "Frequency that the CPU runs at: scaling_cur_freq in /sys/devices/system/cpu/cpu*/cpufreq",
    ),
    all: [
        property(
            "averageFrequency",
            "average frequency",
            "Average of the frequencies of the CPUs that are online: scaling_cur_freq in /sys/devices/system/cpu/cpu*/cpufreq",
        ),
        property(
            "minimumFrequency",
            "minimum frequency",
            "Lowest frequency of a CPU that is online: scaling_cur_freq in /sys/devices/system/cpu/cpu*/cpufreq",
        ),
        property(
            "maximumFrequency",
            "maximum frequency",
            "Highest frequency of a CPU that is online: scaling_cur_freq in /sys/devices/system/cpu/cpu*/cpufreq",
        ),
    ],
    value: megahertz,
};

const fn property(id: &'static str, label: &'static str, description: &'static str) -> Property {
    Property::new(id, label, description, unit::MEGAHERTZ, Kind::Gauge)
}

/// The family of the frequencies. A driver that asks the firmware can take 20 ms, so slow readings are done on
/// the pool.
pub(crate) fn family(roots: &Roots, pool: &Pool) -> Provider {
    let sys = roots.sys.clone();
    per_cpu::family(&FREQUENCY, roots, pool, move || attributes(&sys))
}

fn attributes(sys: &Path) -> Result<Vec<CpuAttribute>, Error> {
    let attribute = |cpu| {
        let directory = sys.join(format!("devices/system/cpu/cpu{cpu}/cpufreq"));
        directory
            .join("scaling_cur_freq")
            .exists()
            .then(|| CpuAttribute {
                cpu,
                device: Device::new(Location {
                    directory,
                    power: None,
                }),
                // cpuinfo_cur_freq is readable by root only, and asks the hardware.
                file: "scaling_cur_freq".to_owned(),
                limits: ["cpuinfo_min_freq", "cpuinfo_max_freq"].map(|file| Some(file.to_owned())),
            })
    };
    Ok(cpus(sys)?.into_iter().filter_map(attribute).collect())
}

/// Converts kilohertz to megahertz. A driver that does not know the frequency writes 0 or `<unknown>`.
fn megahertz(text: &[u8]) -> Raw {
    match parse::signed(text.trim_ascii()) {
        Some(0) => Raw::Fault(Fault::Stale),
        Some(kilohertz @ 1..) => Raw::Number(kilohertz as f64 / 1e3),
        _ if text.starts_with(b"<unknown>") => Raw::Fault(Fault::Stale),
        _ => Raw::Fault(Fault::Malformed),
    }
}
