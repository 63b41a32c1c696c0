//! The frequencies of the CPUs: `cpufreq` in `/sys/devices/system/cpu/cpu*`.
//!
//! <https://docs.kernel.org/admin-guide/pm/cpufreq.html>

mod cpuinfo_frequencies;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    kernel::per_cpu::{CpuMembers, CpuQuantity, CpuSensor, cpus},
    metric::{Kind, unit},
    reading::{Fault, Raw},
    source::{
        Error, Provider, Roots,
        device::{Device, Losses, fact, names},
        family::{self, Members},
        offload::{Offload, SourceQueue},
        parse,
        pool::Pool,
        property::{Property, Range},
    },
};

use cpuinfo_frequencies::CpuInfoFrequencies;

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
        "scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq, otherwise cpuinfo_avg_freq or cpuinfo_cur_freq, otherwise cpu MHz of /proc/cpuinfo",
    ),
    all: [
        property(
            "averageFrequency",
            "Average frequency",
            "Average clock frequency of the processors that are online.",
            "mean of cpu/*/frequency: scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq, otherwise cpuinfo_avg_freq or cpuinfo_cur_freq, otherwise cpu MHz of /proc/cpuinfo",
        ),
        property(
            "minimumFrequency",
            "Minimum frequency",
            "Clock frequency of the slowest processor that is online.",
            "minimum of cpu/*/frequency: scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq, otherwise cpuinfo_avg_freq or cpuinfo_cur_freq, otherwise cpu MHz of /proc/cpuinfo",
        ),
        property(
            "maximumFrequency",
            "Maximum frequency",
            "Clock frequency of the fastest processor that is online.",
            "maximum of cpu/*/frequency: scaling_cur_freq / 1000 of /sys/devices/system/cpu/cpu*/cpufreq, otherwise cpuinfo_avg_freq or cpuinfo_cur_freq, otherwise cpu MHz of /proc/cpuinfo",
        ),
    ],
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
/// the pool. Without cpufreq, the frequencies are those of `/proc/cpuinfo`.
pub(crate) fn family(roots: &Roots, pool: &Pool) -> Provider {
    let roots = roots.clone();
    let losses = Losses::default();
    let mut cpus = CpuMembers::new(&FREQUENCY, &roots, pool);
    let queue = SourceQueue::new(pool, "cpuinfo", false);
    let mut cpuinfo = Members::default();
    family::of_devices(FREQUENCY.about(), losses.clone(), move || {
        let mut sensors = sensors(&roots.sys, &losses)?;
        if !cpus.are_of_sysfs() {
            // The frequencies of the host's CPUs are not those of the container.
            sensors.clear();
        }
        let mut probe = cpuinfo.probe();
        if sensors.is_empty()
            && let Some(source) = CpuInfoFrequencies::find(&FREQUENCY, &roots)
        {
            probe.find(&(), || Offload::boxed(&queue, source));
        }
        let mut members = probe.finish();
        members.extend(cpus.find(sensors));
        Ok(members)
    })
}

/// The files with the frequency at which a CPU runs, the best first. `cpuinfo_avg_freq` exists since Linux 6.15, and
/// `cpuinfo_cur_freq` asks the hardware and is readable by root only.
const FILES: [&str; 3] = ["scaling_cur_freq", "cpuinfo_avg_freq", "cpuinfo_cur_freq"];

fn sensors(sys: &Path, losses: &Losses) -> Result<Vec<CpuSensor>, Error> {
    let policies = policies(sys)?;
    let sensor = |cpu: &u32| {
        // The directory of a CPU is a link to that of its policy. Both need not be there.
        let own = sys.join(format!("devices/system/cpu/cpu{cpu}/cpufreq"));
        let policy = policies.iter().find(|policy| policy.cpus.contains(cpu));
        let directories = [Some(own), policy.map(|policy| policy.directory.clone())];
        directories.into_iter().flatten().find_map(|directory| {
            let files = FILES.iter().filter(|file| directory.join(file).exists());
            let files: Vec<_> = files.map(|&file| file.to_owned()).collect();
            (!files.is_empty()).then(|| CpuSensor {
                cpu: Some(*cpu),
                device: Device::new(directory, None, losses),
                files,
                parse: megahertz,
                read_range: Arc::new(read_range),
                is_counted: true,
            })
        })
    };
    let of_policies = policies
        .iter()
        .flat_map(|policy| policy.cpus.iter().copied());
    let all: BTreeSet<u32> = cpus(sys)?.into_iter().chain(of_policies).collect();
    Ok(all.iter().filter_map(sensor).collect())
}

/// A policy: CPUs that run at one frequency.
pub(crate) struct Policy {
    directory: PathBuf,
    /// `related_cpus`: its CPUs, offline ones included.
    pub(crate) cpus: BTreeSet<u32>,
}

/// The policies, in the order of their numbers.
pub(crate) fn policies(sys: &Path) -> Result<Vec<Policy>, Error> {
    let directory = sys.join("devices/system/cpu/cpufreq");
    let names = names(&directory)?;
    let names = names.iter().filter(|name| name.starts_with("policy"));
    let policy = |name: &String| {
        let directory = directory.join(name);
        Some(Policy {
            cpus: related_cpus(&directory)?,
            directory,
        })
    };
    let found: Vec<_> = names.filter_map(policy).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    // Linux before 4.3 has no directories of policies.
    let mut found: Vec<Policy> = Vec::new();
    for cpu in cpus(sys)? {
        let directory = sys.join(format!("devices/system/cpu/cpu{cpu}/cpufreq"));
        if let Some(cpus) = related_cpus(&directory)
            && !found.iter().any(|policy| policy.cpus == cpus)
        {
            found.push(Policy { directory, cpus });
        }
    }
    Ok(found)
}

/// The CPUs of a policy: `0 1 2 3`.
fn related_cpus(directory: &Path) -> Option<BTreeSet<u32>> {
    let text = fact(directory.join("related_cpus"))?;
    let numbers = parse::numbers(text.as_bytes());
    let cpus: BTreeSet<_> = numbers.filter_map(|cpu| cpu.try_into().ok()).collect();
    (!cpus.is_empty()).then_some(cpus)
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
