//! Readers of one quantity of one GPU, for each driver.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    columns::{COUNTER, GATE, MOMENT, fill, level},
    device::{Gpu, Gpus},
    energy::EnergyCounter,
    fdinfo::Fdinfo,
    name,
    number_file::{Form, NumberFile, first_number, parsed},
    quantity::{
        GpuQuantity::{
            self, CoreFrequency, Memory, MemoryFrequency, Name, Power, Temperature, Usage,
        },
        memory,
    },
    queue_stats::QueueStats,
    sensor_range::sensor_range,
};
use crate::{
    rate::Formula,
    reading::{Fault, Raw},
    source::{Error, device::Attribute, parse, property::Range, runtime_pm::NVIDIA},
};

/// Reads one quantity of one GPU.
pub(super) enum QuantityReader {
    Name {
        gpus: Arc<Gpus>,
        device: PathBuf,
        /// Read once: another model is another device.
        name: Option<Arc<str>>,
    },
    /// The first of these files that has a number.
    Number(Vec<NumberFile>),
    Memory {
        total: Attribute,
        used: Attribute,
    },
    Energy(EnergyCounter),
    Queues(QueueStats),
    Fdinfo(Arc<Fdinfo>, Wakes),
    #[cfg(feature = "nvml")]
    Nvml(super::nvml::NvmlQuery, GpuQuantity),
}

/// Whether reading resumes a suspended device.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wakes {
    Device,
    Nothing,
}

/// The driver that resumes its device when an fdinfo is read.
const XE: &str = "xe";

/// Outside of this range, the sensor is broken, or a negative number was read as a positive one.
const TEMPERATURE_RANGE: [f64; 2] = [-55.0, 200.0];
const ANY_POSITIVE: [f64; 2] = [0.0, f64::MAX];

impl QuantityReader {
    /// The reader for a quantity, if the driver has it. A test for a file does not open it, and so does not
    /// wake the device.
    pub(super) fn find(gpus: &Arc<Gpus>, gpu: &Gpu, quantity: GpuQuantity) -> Option<Self> {
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
        let megahertz = Form::Scaled(1.0, ANY_POSITIVE);
        let micro = Form::Scaled(1e-6, ANY_POSITIVE);
        let number = |file: Option<Attribute>, form| file.map(|file| NumberFile::new(file, form));
        let numbers = |files: [Option<NumberFile>; 5]| {
            let files: Vec<_> = files.into_iter().flatten().collect();
            (!files.is_empty()).then_some(Self::Number(files))
        };
        match quantity {
            Name => None,
            Usage => {
                let busy = number(gpu.attribute("gpu_busy_percent"), Form::Percent);
                if let Some(busy) =
                    busy.filter(|_| !gpu.lacks_busy_percent().load(Ordering::Relaxed))
                {
                    return Some(Self::Number(vec![busy]));
                }
                if let Some(stats) = gpu.attribute("gpu_stats") {
                    return Some(Self::Queues(QueueStats::new(stats, &gpu.queues)));
                }
                let wakes = match &*gpu.driver {
                    XE => Wakes::Device,
                    _ => Wakes::Nothing,
                };
                Some(Self::Fdinfo(gpu.fdinfo.clone(), wakes))
            }
            Memory => Some(Self::Memory {
                total: gpu.attribute("mem_info_vram_total")?,
                used: gpu.any_attribute("mem_info_vram_used"),
            }),
            CoreFrequency => numbers([
                number(gpu.sensor("freq1_input"), micro),
                number(gpu.attribute("pp_dpm_sclk"), Form::Clocks),
                number(gpu.card_attribute("gt/gt0/rps_act_freq_mhz"), megahertz),
                number(gpu.card_attribute("gt_act_freq_mhz"), megahertz),
                number(gpu.attribute("tile0/gt0/freq0/act_freq"), megahertz),
            ]),
            MemoryFrequency => numbers([
                number(gpu.sensor("freq2_input"), micro),
                number(gpu.attribute("pp_dpm_mclk"), Form::Clocks),
                None,
                None,
                None,
            ]),
            // Another sensor measures another place: it never replaces one that fails.
            Temperature => {
                let sensor = gpu.sensor("temp1_input");
                let sensor = sensor.or_else(|| gpu.sensor("temp2_input"))?;
                let form = Form::Scaled(1e-3, TEMPERATURE_RANGE);
                Some(Self::Number(vec![NumberFile::new(sensor, form)]))
            }
            Power => numbers([
                number(gpu.sensor("power1_average"), micro),
                number(gpu.sensor("power1_input"), micro),
                None,
                None,
                None,
            ])
            .or_else(|| {
                let energy = gpu.sensor("energy1_input");
                let energy = energy.or_else(|| gpu.sensor("energy2_input"))?;
                Some(Self::Energy(EnergyCounter::new(energy)))
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
        let formula = match self {
            Self::Fdinfo(..) | Self::Queues(_) => Formula::Share {
                part: COUNTER,
                whole: MOMENT,
            },
            // Microjoules in nanoseconds.
            Self::Energy(_) => Formula::Each {
                amount: COUNTER,
                count: MOMENT,
                scale: 1e3,
            },
            _ => return Formula::Level(property),
        };
        Formula::Gated {
            gate: GATE,
            formula: Box::new(formula),
        }
    }

    /// Reads the scale and the limits of a sensor. The device must be active.
    pub(super) fn range(&self) -> Range {
        match self {
            Self::Number(files) => files
                .first()
                .and_then(|number| sensor_range(number.file.path()))
                .unwrap_or_default(),
            _ => Range::default(),
        }
    }

    /// Reads the size of the memory. The device must be active.
    pub(super) fn memory_size(&mut self) -> Option<f64> {
        match self {
            Self::Memory { total, .. } => parsed(total, parse::ended_number)
                .ok()
                .map(|size| size as f64),
            #[cfg(feature = "nvml")]
            Self::Nvml(query, Memory) => query.answer().flatten().ok().map(|[size, _]| size),
            _ => None,
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

    /// Whether a suspended device can be read, and stays suspended: the kernel answers from its memory.
    pub(super) fn wakes_nothing(&self) -> bool {
        matches!(self, Self::Fdinfo(_, Wakes::Nothing) | Self::Queues(_))
    }

    /// Whether only NVML knows that the GPU has the quantity.
    pub(super) fn is_nvml(&self) -> bool {
        #[cfg(feature = "nvml")]
        if matches!(self, Self::Nvml(..)) {
            return true;
        }
        false
    }

    /// Begins the jobs that a reading needs from the blocking pool. The device must be active, unless that
    /// [wakes nothing](Self::wakes_nothing).
    pub(super) fn begin(&self, since: Duration) {
        match self {
            Self::Fdinfo(fdinfo, _) => fdinfo.ask(since),
            #[cfg(feature = "nvml")]
            Self::Nvml(query, _) => query.ask(since),
            _ => {}
        }
    }

    /// The deadline for waiting for these jobs.
    pub(super) fn awaited_until(&self) -> Option<Instant> {
        match self {
            Self::Fdinfo(fdinfo, _) => fdinfo.awaited_until(),
            #[cfg(feature = "nvml")]
            Self::Nvml(query, _) => query.awaited_until(),
            _ => None,
        }
    }

    #[cfg(test)]
    pub(super) fn is_pending(&self) -> bool {
        matches!(self, Self::Fdinfo(fdinfo, _) if fdinfo.is_pending())
    }

    /// Reads the device, which must be active, unless that [wakes nothing](Self::wakes_nothing), into the columns of the
    /// quantity.
    pub(super) fn read(&mut self, columns: &mut [Raw]) -> Result<(), Error> {
        match self {
            Self::Name { gpus, device, name } => {
                let found = name::model(&gpus.roots, device).map(Arc::from);
                columns[0] = match found {
                    Some(found) => Raw::Text(name.insert(found).clone()),
                    None => Raw::Fault(Fault::Gone),
                };
            }
            Self::Number(files) => level(columns, first_number(files)?),
            Self::Energy(energy) => {
                let counter = energy.read()?;
                fill(columns, counter.columns, counter.gate);
            }
            Self::Queues(queues) => fill(columns, queues.busy()?, None),
            Self::Memory { total, used } => {
                let size = parsed(total, parse::ended_number)? as f64;
                let used = parsed(used, parse::ended_number).map(|used| used as f64);
                memory(size, used.map_err(|error| error.fault()), columns);
            }
            Self::Fdinfo(fdinfo, _) => match fdinfo.busy() {
                Ok(counter) => fill(columns, counter, None),
                Err(fault) => columns.fill(Raw::Fault(fault)),
            },
            #[cfg(feature = "nvml")]
            Self::Nvml(query, quantity) => match query.answer().flatten() {
                Ok([total, used]) if *quantity == Memory => memory(total, Ok(used), columns),
                Ok([number, _]) => level(columns, number),
                Err(fault) => columns.fill(Raw::Fault(fault)),
            },
        }
        Ok(())
    }
}
