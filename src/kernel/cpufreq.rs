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
        device::{Device, Losses, fact},
        parse,
        pool::Pool,
        property::{Property, Range},
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
        "Frequency",
        "Clock frequency at which the processor runs now.",
        "scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq",
    ),
    all: [
        property(
            "averageFrequency",
            "Average frequency",
            "Average clock frequency of the processors that are online.",
            "mean of scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq",
        ),
        property(
            "minimumFrequency",
            "Minimum frequency",
            "Clock frequency of the slowest processor that is online.",
            "minimum of scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq",
        ),
        property(
            "maximumFrequency",
            "Maximum frequency",
            "Clock frequency of the fastest processor that is online.",
            "maximum of scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq",
        ),
    ],
    value: megahertz,
};

const fn property(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    formula: &'static str,
) -> Property {
    Property::new(id, name, description, formula, unit::MEGAHERTZ, Kind::Gauge)
}

/// The family of the frequencies. A driver that asks the firmware can take 20 ms, so slow readings are done on
/// the pool.
pub(crate) fn family(roots: &Roots, pool: &Pool) -> Provider {
    let sys = roots.sys.clone();
    let losses = Losses::default();
    per_cpu::family(&FREQUENCY, roots, pool, losses.clone(), move || {
        attributes(&sys, &losses)
    })
}

fn attributes(sys: &Path, losses: &Losses) -> Result<Vec<CpuAttribute>, Error> {
    let attribute = |cpu| {
        let directory = sys.join(format!("devices/system/cpu/cpu{cpu}/cpufreq"));
        directory
            .join("scaling_cur_freq")
            .exists()
            .then(|| CpuAttribute {
                cpu,
                device: Device::new(directory, None, losses),
                // cpuinfo_cur_freq is readable by root only, and asks the hardware.
                file: "scaling_cur_freq".to_owned(),
                read_range: Box::new(read_range),
            })
    };
    Ok(cpus(sys)?.into_iter().filter_map(attribute).collect())
}

/// Reads the frequencies between which the CPU can run.
fn read_range(device: &Device) -> Range {
    let limit = |file| match megahertz(fact(device.path(file))?.as_bytes()) {
        Raw::Number(limit) => Some(limit),
        _ => None,
    };
    Range {
        minimum: limit("cpuinfo_min_freq"),
        maximum: limit("cpuinfo_max_freq"),
        ..Range::default()
    }
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
