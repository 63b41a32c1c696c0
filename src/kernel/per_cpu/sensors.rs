//! The sensors of the CPUs, as the last discovery has found them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    kernel::{
        first_value::FirstValue,
        per_cpu::{CpuSensor, Parse},
    },
    reading::{Fault, Raw},
    source::{Error, device::Registration},
};

/// The sensors of all CPUs. Discovery replaces them while a thread of the pool may be reading.
#[derive(Default)]
pub(super) struct Sensors {
    found: Mutex<Vec<CpuSensor>>,
    /// The number of times that they were replaced by others.
    generation: AtomicUsize,
}

/// The identity of a sensor: the CPU, its device and its files.
type Identity<'a> = (
    Option<u32>,
    bool,
    Option<Registration>,
    PathBuf,
    &'a [String],
);

fn identity(sensor: &CpuSensor) -> Identity<'_> {
    let device = &sensor.device;
    let path = sensor.path();
    let registration = device.registration();
    (
        sensor.cpu,
        sensor.is_counted,
        registration,
        path,
        &sensor.files,
    )
}

impl Sensors {
    /// Replaces the sensors. A CPU of which none was found keeps those that it had: it may be offline.
    pub(super) fn replace(&self, mut found: Vec<CpuSensor>) {
        let mut known = self.lock();
        let cpus: BTreeSet<_> = found.iter().map(|sensor| sensor.cpu).collect();
        let is_kept = |sensor: &&CpuSensor| sensor.cpu.is_some() && !cpus.contains(&sensor.cpu);
        found.extend(known.iter().filter(is_kept).cloned());
        if !known.iter().map(identity).eq(found.iter().map(identity)) {
            *known = found;
            self.generation.fetch_add(1, Ordering::Release);
        }
    }

    /// The CPUs that have a sensor.
    pub(super) fn cpus(&self) -> BTreeSet<u32> {
        self.lock().iter().filter_map(|sensor| sensor.cpu).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CpuSensor>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sensors of one CPU, or of all, with their open files.
pub(super) struct SensorsOfCpu {
    sensors: Arc<Sensors>,
    cpu: Option<u32>,
    generation: usize,
    /// The files: of sensors that several CPUs share, once.
    values: Vec<(FirstValue, Parse)>,
    /// For each CPU the indices of its sensors in `values`.
    of_cpus: BTreeMap<Option<u32>, Vec<usize>>,
}

impl SensorsOfCpu {
    /// The sensors of this CPU; without a CPU, those of all.
    pub(super) fn new(sensors: Arc<Sensors>, cpu: Option<u32>) -> Self {
        Self {
            sensors,
            cpu,
            generation: 0,
            values: Vec::new(),
            of_cpus: BTreeMap::new(),
        }
    }

    /// The sensors.
    pub(super) fn all(&self) -> Vec<CpuSensor> {
        let sensors = self.sensors.lock();
        let is_own = |sensor: &&CpuSensor| match self.cpu {
            Some(_) => sensor.cpu == self.cpu,
            None => sensor.is_counted,
        };
        sensors.iter().filter(is_own).cloned().collect()
    }

    /// The greatest value. If there is none, the outcome of the first sensor.
    pub(super) fn greatest(&mut self) -> Result<Raw, Error> {
        self.refresh();
        let mut values = self.values.iter_mut();
        let Some((value, parse)) = values.next() else {
            return Ok(Raw::Fault(Fault::Gone));
        };
        let mut greatest = value.read(*parse);
        for (value, parse) in values {
            if let Ok(Raw::Number(number)) = value.read(*parse) {
                match &mut greatest {
                    Ok(Raw::Number(greatest)) => *greatest = greatest.max(number),
                    none => *none = Ok(Raw::Number(number)),
                }
            }
        }
        greatest
    }

    /// The greatest value of each CPU that is `wanted`, and the values of sensors of unknown CPUs. The fault is that of
    /// the last sensor without a value.
    pub(super) fn values(&mut self, wanted: impl Fn(u32) -> bool) -> (Vec<f64>, Fault) {
        self.refresh();
        let mut fault = Fault::Gone;
        let mut known = vec![None; self.values.len()];
        let mut greatest = Vec::new();
        for (cpu, sensors) in &self.of_cpus {
            if cpu.is_some_and(|cpu| !wanted(cpu)) {
                continue;
            }
            let mut of_cpu = None;
            for &sensor in sensors {
                let (value, parse) = &mut self.values[sensor];
                let outcome = *known[sensor].get_or_insert_with(|| match value.read(*parse) {
                    Ok(Raw::Number(number)) => Ok(number),
                    Ok(Raw::Fault(fault)) => Err(fault),
                    Ok(_) => Err(Fault::Malformed),
                    Err(error) => Err(error.fault()),
                });
                match outcome {
                    // Each sensor of an unknown CPU counts by itself.
                    Ok(number) if cpu.is_none() => greatest.push(number),
                    Ok(number) => of_cpu = Some(of_cpu.map_or(number, |of: f64| of.max(number))),
                    Err(reason) => fault = reason,
                }
            }
            greatest.extend(of_cpu);
        }
        (greatest, fault)
    }

    /// Takes the sensors of the last discovery.
    fn refresh(&mut self) {
        let generation = self.sensors.generation.load(Ordering::Acquire);
        if generation == self.generation {
            return;
        }
        self.generation = generation;
        self.values.clear();
        self.of_cpus.clear();
        let mut indices = BTreeMap::new();
        for sensor in self.all() {
            let index = *indices.entry(sensor.path()).or_insert_with(|| {
                self.values.push((sensor.value(), sensor.parse));
                self.values.len().saturating_sub(1)
            });
            self.of_cpus.entry(sensor.cpu).or_default().push(index);
        }
    }
}
