//! The quantities of a GPU.

use crate::{
    metric::{Kind, unit},
    reading::{Fault, Raw},
    source::property::Property,
};

/// A quantity of a GPU. Each is read by a source of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum GpuQuantity {
    Name,
    Usage,
    Memory,
    CoreFrequency,
    MemoryFrequency,
    Temperature,
    Power,
}

use GpuQuantity::{CoreFrequency, Memory, MemoryFrequency, Name, Power, Temperature, Usage};

impl GpuQuantity {
    pub(super) const ALL: [Self; 7] = [
        Name,
        Usage,
        Memory,
        CoreFrequency,
        MemoryFrequency,
        Temperature,
        Power,
    ];

    /// The number of columns. Usage and power are a level or a counter, the time of the counter, and a gate.
    pub(super) fn width(self) -> usize {
        match self {
            Usage | Memory | Power => 3,
            _ => 1,
        }
    }

    pub(super) fn scope(self) -> &'static [&'static str] {
        match self {
            Name => &["gpu/*/name"],
            Usage => &["gpu/*/usage"],
            Memory => &["gpu/*/totalVram", "gpu/*/usedVram", "gpu/*/usedPercent"],
            CoreFrequency => &["gpu/*/coreFrequency"],
            MemoryFrequency => &["gpu/*/memoryFrequency"],
            Temperature => &["gpu/*/temperature"],
            Power => &["gpu/*/power"],
        }
    }

    /// Whether `gpu/all` has the quantity.
    pub(super) fn is_summed(self) -> bool {
        matches!(self, Usage | Memory)
    }

    /// Whether the driver may tell its limits, or its maximum.
    pub(super) fn has_range(self) -> bool {
        matches!(self, Temperature | Power | Memory)
    }

    /// Fills the columns of all GPUs together from their rows: the mean usage, and the sum of the memory, of
    /// the GPUs that can be read. If none can be read, the result is the first of their faults. A row begins
    /// with the column of its owner.
    pub(super) fn sum(self, rows: &[Raw], all: &mut [Raw]) {
        let step = self.width().saturating_add(1);
        let column = |column: usize| rows.iter().skip(1).skip(column).step_by(step);
        let number = |raw: &Raw| match raw {
            Raw::Number(number) => Ok(*number),
            Raw::Fault(fault) => Err(*fault),
            _ => Err(Fault::Malformed),
        };
        let numbers = column(0).map(number);
        let (sum, count) = numbers
            .clone()
            .flatten()
            .fold((0.0, 0_u32), |(sum, count), number| {
                (sum + number, count.saturating_add(1))
            });
        // A row without a GPU is gone.
        let mut reasons = numbers.filter_map(Result::err);
        let reason = reasons.find(|fault| *fault != Fault::Gone);
        match (self, count) {
            (_, 0) => all.fill(Raw::Fault(reason.unwrap_or(Fault::Gone))),
            (Memory, _) => {
                // The memory in use of a GPU whose total is known must be known, too.
                let both = column(0).map(number).zip(column(1).map(number));
                let used = both
                    .filter(|(total, _)| total.is_ok())
                    .map(|(_, used)| used);
                let used: Result<Vec<_>, _> = used.collect();
                memory(sum, used.map(|used| used.iter().sum()), all);
            }
            _ => all[0] = Raw::Number(sum / f64::from(count)),
        }
    }

    #[rustfmt::skip]
    pub(super) fn properties(self) -> &'static [Property] {
        const MEGAHERTZ: &str = "MHz";
        const CELSIUS: &str = "Cel";
        const WATT: &str = "W";
        match self {
            Name => &const { [
                Property::text("name", "Model", "Model of the graphics processor.", "vendor and device of /sys/class/drm/card*/device, or of the PCI device above a virtio device, looked up in the system's pci.ids; OF_COMPATIBLE_0 of uevent") ] },
            Usage => &const { [
                Property::new("usage", "Usage", "Share of the time in which the graphics processor worked.", "gpu_busy_percent of /sys/class/drm/card*/device (amdgpu), utilization.gpu of NVML (NVIDIA), the busiest queue by runtime of gpu_stats (v3d), or the busiest engine by drm-engine-* or drm-cycles-* in /proc/PID/fdinfo of the processes that have the GPU open", unit::PERCENT, Kind::Gauge) ] },
            Memory => &const { [
                Property::new("totalVram", "Total video memory", "Size of the memory of the graphics processor.", "mem_info_vram_total of /sys/class/drm/card*/device, or NVML", unit::BYTES, Kind::Gauge).short("Total VRAM"),
                Property::new("usedVram", "Used video memory", "Memory of the graphics processor that is in use.", "mem_info_vram_used of /sys/class/drm/card*/device, at most the total, or NVML", unit::BYTES, Kind::Gauge).short("Used VRAM"),
                Property::new("usedPercent", "Used video memory percentage", "Share of the memory of the graphics processor that is in use.", "mem_info_vram_used / mem_info_vram_total of /sys/class/drm/card*/device, or NVML", unit::PERCENT, Kind::Gauge).short("VRAM percentage") ] },
            CoreFrequency => &const { [
                Property::new("coreFrequency", "Frequency", "Clock frequency of the cores, 0 while they are idle.", "freq1_input or pp_dpm_sclk (amdgpu), rps_act_freq_mhz or gt_act_freq_mhz (i915), or act_freq of tile 0, GT 0 (xe) below /sys/class/drm/card*/, or NVML", MEGAHERTZ, Kind::Gauge) ] },
            MemoryFrequency => &const { [
                Property::new("memoryFrequency", "Memory frequency", "Clock frequency of the memory of the graphics processor.", "freq2_input or pp_dpm_mclk (amdgpu) of /sys/class/drm/card*/device, or NVML", MEGAHERTZ, Kind::Gauge) ] },
            Temperature => &const { [
                Property::new("temperature", "Temperature", "Temperature of the graphics processor.", "temp1_input / 1000, otherwise temp2_input / 1000, of /sys/class/drm/card*/device/hwmon/hwmon*, or NVML", CELSIUS, Kind::Gauge) ] },
            Power => &const { [
                Property::new("power", "Power", "Electrical power that the graphics processor uses.", "power1_average or power1_input (µW), or growth of energy1_input or energy2_input (µJ) per second, of /sys/class/drm/card*/device/hwmon/hwmon*, or NVML", WATT, Kind::Gauge) ] },
        }
    }
}

/// The column of the memory in use.
pub(super) const USED: usize = 1;

/// Fills the three columns of memory. What is in use is at most the total: the driver does not read both at one
/// instant, and some count what they have lent to others.
pub(super) fn memory(total: f64, used: Result<f64, Fault>, columns: &mut [Raw]) {
    columns[0] = Raw::Number(total);
    let used = used.map(|used| used.min(total));
    columns[1] = used.map_or_else(Raw::Fault, Raw::Number);
    columns[2] = match used {
        Ok(used) if total > 0.0 => Raw::Number(100.0 * used / total),
        Ok(_) => Raw::Fault(Fault::Malformed),
        Err(fault) => Raw::Fault(fault),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_memory(total: f64, used: Result<f64, Fault>, expected: [Raw; 2]) {
        let mut columns = [const { Raw::Fault(Fault::Gone) }; 3];
        memory(total, used, &mut columns);
        let [used, percent] = expected;
        assert_eq!(columns, [Raw::Number(total), used, percent]);
    }

    #[test]
    fn memory_in_per_cent() {
        let numbers = |used, percent| [Raw::Number(used), Raw::Number(percent)];
        check_memory(200.0, Ok(50.0), numbers(50.0, 25.0));
        check_memory(100.0, Ok(101.0), numbers(100.0, 100.0));
        let malformed = Raw::Fault(Fault::Malformed);
        check_memory(0.0, Ok(0.0), [Raw::Number(0.0), malformed]);
        check_memory(
            100.0,
            Err(Fault::Stale),
            [(); 2].map(|()| Raw::Fault(Fault::Stale)),
        );
    }

    #[test]
    fn a_sum_lacks_no_part() {
        let row = |used| [Raw::Counter(1), Raw::Number(100.0), used, Raw::Number(1.0)];
        let asleep = [(); 3].map(|()| Raw::Fault(Fault::Asleep));
        let asleep = || [Raw::Counter(2)].into_iter().chain(asleep.clone());
        let sum = |rows: Vec<Raw>| {
            let mut all = [const { Raw::Fault(Fault::Gone) }; 3];
            Memory.sum(&rows, &mut all);
            all
        };
        let known = row(Raw::Number(40.0)).into_iter().chain(asleep()).collect();
        assert_eq!(sum(known), [100.0, 40.0, 40.0].map(Raw::Number));
        let stale = || Raw::Fault(Fault::Stale);
        let known = row(Raw::Number(40.0)).into_iter().chain(row(stale()));
        let half = sum(known.collect());
        assert_eq!(half, [Raw::Number(200.0), stale(), stale()]);
    }
}
