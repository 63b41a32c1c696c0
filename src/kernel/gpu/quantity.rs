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

    /// The number of columns. Usage is a level, or a counter and the time of its reading.
    pub(super) fn width(self) -> usize {
        match self {
            Usage => 2,
            Memory => 3,
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

    /// Whether a sensor measures it, which may have limits.
    pub(super) fn is_measured(self) -> bool {
        matches!(self, Temperature | Power)
    }

    /// Fills the columns of all GPUs together from their rows: the mean usage, and the sum of the memory, of
    /// the GPUs that can be read. If none can be read, the result is the first of their faults. A row begins
    /// with the column of its owner.
    pub(super) fn sum(self, rows: &[Raw], all: &mut [Raw]) {
        let step = self.width().saturating_add(1);
        let column = |column: usize| rows.iter().skip(1).skip(column).step_by(step);
        let sum = |index| {
            let numbers = column(index).filter_map(|raw| match raw {
                Raw::Number(number) => Some(*number),
                _ => None,
            });
            let add = |(sum, count): (f64, u32), number| (sum + number, count.saturating_add(1));
            numbers.fold((0.0, 0), add)
        };
        let mut faults = column(0).filter(|raw| matches!(raw, Raw::Fault(_)));
        match (self, sum(0)) {
            (_, (_, 0)) => all.fill(faults.next().cloned().unwrap_or(Raw::Fault(Fault::Gone))),
            (Memory, (total, _)) => memory(total, sum(1).0, all),
            (_, (total, count)) => all[0] = Raw::Number(total / f64::from(count)),
        }
    }

    #[rustfmt::skip]
    pub(super) fn properties(self) -> &'static [Property] {
        const MEGAHERTZ: &str = "MHz";
        const CELSIUS: &str = "Cel";
        const WATT: &str = "W";
        match self {
            Name => &const { [
                Property::text("name", "Model", "Model of the graphics processor.", "vendor and device of /sys/class/drm/card*/device, looked up in the system's pci.ids") ] },
            Usage => &const { [
                Property::new("usage", "Usage", "Share of the time in which the graphics processor worked.", "gpu_busy_percent of /sys/class/drm/card*/device (amdgpu), utilization.gpu of NVML (NVIDIA), or the busiest engine by drm-engine-* or drm-cycles-* in /proc/PID/fdinfo of the processes that the service may read", unit::PERCENT, Kind::Gauge) ] },
            Memory => &const { [
                Property::new("totalVram", "Total video memory", "Size of the memory of the graphics processor.", "mem_info_vram_total of /sys/class/drm/card*/device, or NVML", unit::BYTES, Kind::Gauge),
                Property::new("usedVram", "Used video memory", "Memory of the graphics processor that is in use.", "mem_info_vram_used of /sys/class/drm/card*/device, or NVML", unit::BYTES, Kind::Gauge),
                Property::new("usedPercent", "Used video memory percentage", "Share of the memory of the graphics processor that is in use.", "mem_info_vram_used / mem_info_vram_total of /sys/class/drm/card*/device, or NVML", unit::PERCENT, Kind::Gauge) ] },
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

/// Fills the three columns of memory.
pub(super) fn memory(total: f64, used: f64, columns: &mut [Raw]) {
    columns[0] = Raw::Number(total);
    columns[1] = Raw::Number(used);
    columns[2] = match 100.0 * used / total {
        percent if (0.0..=100.0).contains(&percent) => Raw::Number(percent),
        _ => Raw::Fault(Fault::Malformed),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_memory(total: f64, used: f64, percent: Raw) {
        let mut columns = [const { Raw::Fault(Fault::Gone) }; 3];
        memory(total, used, &mut columns);
        assert_eq!(columns, [Raw::Number(total), Raw::Number(used), percent]);
    }

    #[test]
    fn memory_in_per_cent() {
        check_memory(200.0, 50.0, Raw::Number(25.0));
        check_memory(0.0, 0.0, Raw::Fault(Fault::Malformed));
        check_memory(100.0, 101.0, Raw::Fault(Fault::Malformed));
    }
}
