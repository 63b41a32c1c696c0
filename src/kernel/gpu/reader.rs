//! Readers of one quantity of one GPU, for each driver.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    device::{Gpu, Gpus},
    fdinfo::Fdinfo,
    pci,
    quantity::{
        GpuQuantity::{
            self, CoreFrequency, Memory, MemoryFrequency, Name, Power, Temperature, Usage,
        },
        memory,
    },
    sensor_range::sensor_range,
};
use crate::{
    rate::Formula,
    reading::{Fault, Raw},
    source::{Error, file::File, parse, property::Range, runtime_pm::NVIDIA},
};

/// Reads one quantity of one GPU.
pub(super) enum QuantityReader {
    Name {
        gpus: Arc<Gpus>,
        device: PathBuf,
        /// Read once: another model is another device.
        name: Option<Arc<str>>,
    },
    /// A number, its scale, and the range of valid values.
    Number(File, f64, [f64; 2]),
    Counter(File),
    /// A list of clocks, one of which is active.
    Clocks(File),
    Memory {
        total: File,
        used: File,
    },
    Fdinfo(Arc<Fdinfo>),
    #[cfg(feature = "nvml")]
    Nvml(super::nvml::NvmlQuery, GpuQuantity),
}

/// The drivers that show their engines in fdinfo and have no better file.
const DRIVERS_WITH_FDINFO: [&str; 8] = [
    "i915", "xe", "msm", "etnaviv", "lima", "panfrost", "panthor", "v3d",
];

/// Outside of this range, the sensor is broken, or a negative number was read as a positive one.
const TEMPERATURE_RANGE: [f64; 2] = [-55.0, 200.0];
const ANY_POSITIVE: [f64; 2] = [0.0, f64::MAX];

impl QuantityReader {
    /// The reader for a quantity, if the driver has it. A test for a file does not open it, and so does not
    /// wake the device.
    pub(super) fn find(gpus: &Arc<Gpus>, gpu: &Gpu, quantity: GpuQuantity) -> Option<Self> {
        let attribute = |name: &str| existing(gpu.path.join(name));
        let sensor = |name: &str| {
            gpu.hwmons()
                .into_iter()
                .find_map(|hwmon| existing(hwmon.join(name)))
        };
        let card = |name: &str| {
            let cards = gpu.nodes.iter().filter(|node| node.starts_with("card"));
            cards
                .filter_map(|card| existing(gpu.path.join("drm").join(card).join(name)))
                .next()
        };
        let number = |file, scale| Self::Number(file, scale, ANY_POSITIVE);
        if quantity == Name {
            return Some(Self::Name {
                gpus: gpus.clone(),
                device: gpu.path.clone(),
                name: None,
            });
        }
        if gpu.driver == NVIDIA {
            return Self::find_nvidia(gpus, gpu, quantity);
        }
        match quantity {
            Name => None,
            Usage if DRIVERS_WITH_FDINFO.contains(&&*gpu.driver) => {
                Some(Self::Fdinfo(gpu.fdinfo.clone()))
            }
            Usage => {
                attribute("gpu_busy_percent").map(|file| Self::Number(file, 1.0, [0.0, 100.0]))
            }
            Memory => Some(Self::Memory {
                total: attribute("mem_info_vram_total")?,
                used: attribute("mem_info_vram_used")?,
            }),
            CoreFrequency => sensor("freq1_input")
                .map(|file| number(file, 1e-6))
                .or_else(|| attribute("pp_dpm_sclk").map(Self::Clocks))
                .or_else(|| {
                    let file = card("gt/gt0/rps_act_freq_mhz").or_else(|| card("gt_act_freq_mhz"));
                    let file = file.or_else(|| attribute("tile0/gt0/freq0/act_freq"));
                    file.map(|file| number(file, 1.0))
                }),
            MemoryFrequency => sensor("freq2_input")
                .map(|file| number(file, 1e-6))
                .or_else(|| attribute("pp_dpm_mclk").map(Self::Clocks)),
            Temperature => sensor("temp1_input")
                .or_else(|| sensor("temp2_input"))
                .map(|file| Self::Number(file, 1e-3, TEMPERATURE_RANGE)),
            Power => sensor("power1_average")
                .or_else(|| sensor("power1_input"))
                .map(|file| number(file, 1e-6))
                .or_else(|| {
                    let file = sensor("energy1_input").or_else(|| sensor("energy2_input"));
                    file.map(Self::Counter)
                }),
        }
    }

    /// Only the library knows whether the GPU has the quantity, and it must have been queried before. A
    /// suspended GPU is not queried.
    #[cfg(feature = "nvml")]
    fn find_nvidia(gpus: &Gpus, gpu: &Gpu, quantity: GpuQuantity) -> Option<Self> {
        let query = gpus.library.query(gpu.address(), quantity);
        let is_gone = query.answer().flatten() == Err(Fault::Gone);
        (gpu.may_be_read().is_err() || !is_gone).then_some(Self::Nvml(query, quantity))
    }

    #[cfg(not(feature = "nvml"))]
    fn find_nvidia(_: &Gpus, _: &Gpu, _: GpuQuantity) -> Option<Self> {
        None
    }

    /// The formula of one of the properties over the columns of the reader.
    pub(super) fn formula(&self, property: usize) -> Formula {
        match self {
            Self::Fdinfo(_) => Formula::Share { part: 0, whole: 1 },
            // Microjoules.
            Self::Counter(_) => Formula::Rate {
                counter: 0,
                scale: 1e-6,
            },
            _ => Formula::Level(property),
        }
    }

    /// Reads the scale and the limits of a sensor. The device must be active.
    pub(super) fn range(&self) -> Range {
        match self {
            Self::Number(file, ..) => sensor_range(file.path()).unwrap_or_default(),
            _ => Range::default(),
        }
    }

    /// Whether the quantity is a counter, so that a value needs two readings.
    pub(super) fn is_counter(&self) -> bool {
        self.formula(0).needs_baseline()
    }

    /// The value that is known without reading the device.
    pub(super) fn cached(&self) -> Option<Raw> {
        match self {
            Self::Name { name, .. } => name.clone().map(Raw::Text),
            _ => None,
        }
    }

    /// Whether only NVML knows that the GPU has the quantity.
    pub(super) fn is_nvml(&self) -> bool {
        #[cfg(feature = "nvml")]
        if matches!(self, Self::Nvml(..)) {
            return true;
        }
        false
    }

    /// Begins the jobs that a reading needs from the blocking pool. The device must be active.
    pub(super) fn begin(&self, since: Duration) {
        match self {
            Self::Fdinfo(fdinfo) => fdinfo.ask(since),
            #[cfg(feature = "nvml")]
            Self::Nvml(query, _) => query.ask(since),
            _ => {}
        }
    }

    /// The deadline for waiting for these jobs.
    pub(super) fn awaited_until(&self) -> Option<Instant> {
        match self {
            Self::Fdinfo(fdinfo) => fdinfo.awaited_until(),
            #[cfg(feature = "nvml")]
            Self::Nvml(query, _) => query.awaited_until(),
            _ => None,
        }
    }

    #[cfg(test)]
    pub(super) fn is_pending(&self) -> bool {
        matches!(self, Self::Fdinfo(fdinfo) if fdinfo.is_pending())
    }

    /// Reads the device, which must be active, into the columns of the quantity.
    pub(super) fn read(&mut self, columns: &mut [Raw]) -> Result<(), Error> {
        match self {
            Self::Name { gpus, device, name } => {
                let found = pci::name(&gpus.roots, device).map(Arc::from);
                columns[0] = match found {
                    Some(found) => Raw::Text(name.insert(found).clone()),
                    None => Raw::Fault(Fault::Gone),
                };
            }
            Self::Number(file, scale, [minimum, maximum]) => {
                let number = parsed(file, |text| parse::signed(text.trim_ascii()))? as f64 * *scale;
                if !(*minimum..=*maximum).contains(&number) {
                    return Err(Error::malformed(file.path(), format!("{number} cannot be")));
                }
                columns[0] = Raw::Number(number);
            }
            Self::Counter(file) => columns[0] = Raw::Counter(parsed(file, parse::ended_number)?),
            Self::Clocks(file) => columns[0] = Raw::Number(parsed(file, active_clock)? as f64),
            Self::Memory { total, used } => {
                let total = parsed(total, parse::ended_number)?;
                memory(
                    total as f64,
                    parsed(used, parse::ended_number)? as f64,
                    columns,
                );
            }
            Self::Fdinfo(fdinfo) => match fdinfo.busy() {
                Ok((busy, moment)) => {
                    columns[0] = Raw::Counter(busy);
                    columns[1] = Raw::Counter(moment);
                }
                Err(fault) => columns.fill(Raw::Fault(fault)),
            },
            #[cfg(feature = "nvml")]
            Self::Nvml(query, quantity) => match query.answer().flatten() {
                Ok([total, used]) if *quantity == Memory => memory(total, used, columns),
                Ok([number, _]) => columns[0] = Raw::Number(number),
                Err(fault) => columns.fill(Raw::Fault(fault)),
            },
        }
        Ok(())
    }
}

fn parsed<T>(file: &mut File, parse: impl Fn(&[u8]) -> Option<T>) -> Result<T, Error> {
    match parse(file.read()?) {
        Some(parsed) => Ok(parsed),
        None => Err(Error::malformed(
            file.path(),
            "not what the driver documents",
        )),
    }
}

/// The frequency, in megahertz, in the line that ends with an asterisk: `1: 800Mhz *`, or `S: 19Mhz *` in deep
/// sleep.
pub(super) fn active_clock(text: &[u8]) -> Option<u64> {
    let mut lines = parse::lines(text).map(<[u8]>::trim_ascii);
    let active = lines.find_map(|line| line.strip_suffix(b"*"))?;
    parse::number(parse::fields(active).nth(1)?.strip_suffix(b"Mhz")?)
}

fn existing(path: PathBuf) -> Option<File> {
    Path::exists(&path).then(|| File::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_clock(text: &str, expected: Option<u64>) {
        assert_eq!(active_clock(text.as_bytes()), expected);
    }

    #[test]
    fn the_clock_with_an_asterisk_is_active() {
        check_clock("0: 500Mhz \n1: 2285Mhz *\n2: 2410Mhz \n", Some(2285));
        check_clock("S: 19Mhz *\n0: 615Mhz \n", Some(19));
        check_clock("0: 500Mhz \n1: 800Mhz \n", None);
        for bad in ["", "*", "0: *", "0: 500 *", "0: Mhz *", "0: -5Mhz *"] {
            check_clock(bad, None);
        }
    }
}
