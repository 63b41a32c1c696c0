//! The GPUs of this machine: their numbers, their files, and their power state.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    fdinfo::Fdinfo,
    listing::{self, GpuRegistration, Identity, ListedGpu, names},
    name,
    queue_stats::QueueCounter,
};
use crate::{
    metric::{Group, Object},
    reading::Fault,
    source::{
        Error, Roots,
        device::{Attribute, Device, Losses},
        pool::Pool,
        runtime_pm::{NVIDIA, PowerState, PowerStates},
    },
};

/// All GPUs that were ever found. The sources of `gpu` share the list, so that a number means the same GPU in
/// all of them.
pub(super) struct Gpus {
    pub(super) roots: Roots,
    /// The GPUs that were seen to have gone.
    pub(super) losses: Losses,
    known: Mutex<KnownGpus>,
    pool: Pool,
    has_nvidia: AtomicBool,
    powers: PowerStates,
    #[cfg(feature = "nvml")]
    pub(super) library: super::nvml::Library,
}

/// In the order of the numbers. The list only grows: a GPU that is plugged in again gets its number back, and a machine
/// has a limited number of slots.
#[derive(Default)]
struct KnownGpus {
    gpus: Vec<KnownGpu>,
    /// The number of registrations that were found.
    registrations: u64,
}

/// The parts that the sources of one GPU share.
struct KnownGpu {
    path: PathBuf,
    identity: Identity,
    registration: GpuRegistration,
    /// A number that no other registration ever had.
    owner: u64,
    device: Device,
    power: Arc<PowerState>,
    fdinfo: Arc<Fdinfo>,
    queues: Arc<Mutex<QueueCounter>>,
    lacks_busy_percent: Arc<AtomicBool>,
    /// Set when a source needs it, because the list of names is long.
    object: Arc<OnceLock<Object>>,
}

/// A GPU that is present.
pub(super) struct Gpu {
    /// The N of `gpuN`.
    pub(super) number: usize,
    pub(super) registration: GpuRegistration,
    /// The number of the registration.
    pub(super) owner: u64,
    /// The directory of the GPU under `/sys/devices`.
    pub(super) path: PathBuf,
    /// The name of the driver on the bus: `amdgpu`.
    pub(super) driver: String,
    /// Whether another GPU contains it: it is a virtual function.
    pub(super) is_part: bool,
    pub(super) fdinfo: Arc<Fdinfo>,
    pub(super) queues: Arc<Mutex<QueueCounter>>,
    nodes: Vec<String>,
    device: Device,
    losses: Losses,
    power: Arc<PowerState>,
    lacks_busy_percent: Arc<AtomicBool>,
    object: Arc<OnceLock<Object>>,
}

impl Gpus {
    pub(super) fn new(roots: &Roots, pool: &Pool, powers: PowerStates) -> Arc<Self> {
        Arc::new(Self {
            roots: roots.clone(),
            losses: Losses::default(),
            known: Mutex::default(),
            pool: pool.clone(),
            has_nvidia: AtomicBool::new(false),
            powers,
            #[cfg(feature = "nvml")]
            library: super::nvml::Library::new(pool),
        })
    }

    /// The GPUs that are present now.
    ///
    /// GPUs are numbered in the order of their PCI addresses, and GPUs that are not on PCI follow. That order
    /// is the same on every boot, whereas `card0` of the kernel belongs to the driver that was loaded first. A
    /// GPU that is plugged in later gets the next number and keeps it until the service ends, also at another address.
    /// Another model at the same address gets a number of its own.
    pub(super) fn find(&self) -> Result<Vec<Gpu>, Error> {
        let listed = listing::list(&self.roots)?;
        if listed.iter().any(|gpu| gpu.driver == NVIDIA) {
            self.has_nvidia.store(true, Ordering::Relaxed);
        }
        let hardware: Vec<_> = listed.iter().map(|gpu| gpu.hardware.clone()).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = known.numbers(&listed);
        let gpus = listed.into_iter().zip(numbers).map(|(gpu, number)| {
            let is_part = gpu
                .physical_function()
                .is_some_and(|whole| hardware.contains(&whole));
            self.gpu(&mut known, gpu, number, is_part)
        });
        Ok(gpus.collect())
    }

    /// Whether a GPU with NVIDIA's driver was ever found.
    pub(super) fn has_nvidia(&self) -> bool {
        self.has_nvidia.load(Ordering::Relaxed)
    }

    /// The GPU with this number, which is known or the next one.
    fn gpu(
        &self,
        all: &mut KnownGpus,
        listed: ListedGpu,
        number: Option<usize>,
        is_part: bool,
    ) -> Gpu {
        let registration = listed.registration();
        let number = match number {
            Some(number) if all.gpus[number].registration == registration => number,
            Some(number) => {
                all.gpus[number] = self.known_gpu(all, &listed, registration);
                number
            }
            None => {
                let known = self.known_gpu(all, &listed, registration);
                all.gpus.push(known);
                all.gpus.len().saturating_sub(1)
            }
        };
        let known = &all.gpus[number];
        Gpu {
            number,
            registration,
            owner: known.owner,
            path: listed.path,
            driver: listed.driver,
            is_part,
            fdinfo: known.fdinfo.clone(),
            queues: known.queues.clone(),
            nodes: listed.nodes,
            device: known.device.clone(),
            losses: self.losses.clone(),
            power: known.power.clone(),
            lacks_busy_percent: known.lacks_busy_percent.clone(),
            object: known.object.clone(),
        }
    }

    fn known_gpu(
        &self,
        all: &mut KnownGpus,
        listed: &ListedGpu,
        registration: GpuRegistration,
    ) -> KnownGpu {
        all.registrations = all.registrations.saturating_add(1);
        let nodes = listed.drm_nodes(&self.roots);
        KnownGpu {
            path: listed.path.clone(),
            identity: listed.identity(),
            registration,
            owner: all.registrations,
            device: Device::new(listed.path.clone(), None, &self.losses),
            power: self.powers.of(&listed.path),
            fdinfo: Arc::new(Fdinfo::new(&self.pool, &self.roots, &listed.path, &nodes)),
            queues: Arc::default(),
            lacks_busy_percent: Arc::default(),
            object: Arc::default(),
        }
    }
}

impl KnownGpus {
    /// The number of each GPU that is known: at its address, or else at another one that it has moved to.
    fn numbers(&self, listed: &[ListedGpu]) -> Vec<Option<usize>> {
        let is_registered = |gpu: &ListedGpu, known: &KnownGpu| {
            known.path == gpu.path && known.registration == gpu.registration()
        };
        let mut identities = Vec::with_capacity(listed.len());
        let mut numbers = vec![None; listed.len()];
        for (gpu, number) in listed.iter().zip(&mut numbers) {
            *number = self.gpus.iter().position(|known| is_registered(gpu, known));
            identities.push(number.is_none().then(|| gpu.identity()));
        }
        for is_same_address in [true, false] {
            for (index, gpu) in listed.iter().enumerate() {
                let Some(identity) = identities[index].as_ref() else {
                    continue;
                };
                let mut known = self.gpus.iter().enumerate();
                let is_it = |(number, known): &(usize, &KnownGpu)| {
                    known.identity == *identity
                        && !numbers.contains(&Some(*number))
                        && (!is_same_address || known.path == gpu.path)
                };
                if numbers[index].is_none() {
                    numbers[index] = known.find(is_it).map(|(number, _)| number);
                }
            }
        }
        numbers
    }
}

impl Gpu {
    /// The address of the device on its bus: `0000:03:00.0`.
    #[cfg(feature = "nvml")]
    pub(super) fn address(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.unwrap_or_default()
    }

    /// The object of its metrics: the model, or the number and the driver if the system has no name for the model. No
    /// device is woken: the kernel knows the ids.
    pub(super) fn object(&self, roots: &Roots) -> Object {
        let title = || name::title(roots, &self.path, self.number);
        let object = || Object::new(&title(), Group::Graphics);
        self.object.get_or_init(object).clone()
    }

    /// Whether the device may be read. It may not while it is suspended, nor while it is left alone so that it
    /// can suspend.
    pub(super) fn may_be_read(&self) -> Result<(), Fault> {
        self.power.may_be_read()
    }

    /// Whether `gpu_busy_percent` was found to have no value.
    pub(super) fn lacks_busy_percent(&self) -> &AtomicBool {
        &self.lacks_busy_percent
    }

    /// An attribute, whether or not it exists.
    pub(super) fn any_attribute(&self, name: &str) -> Attribute {
        self.device.attribute(name)
    }

    /// An attribute that exists.
    pub(super) fn attribute(&self, name: &str) -> Option<Attribute> {
        existing(&self.device, name)
    }

    /// An attribute of its card that exists.
    pub(super) fn card_attribute(&self, name: &str) -> Option<Attribute> {
        let mut cards = self.nodes.iter().filter(|node| node.starts_with("card"));
        cards.find_map(|card| self.attribute_in(&self.path.join("drm").join(card), name))
    }

    /// A file of its sensors that exists: in the first hwmon directory, in the order of their numbers. Listing names does
    /// not wake a device.
    pub(super) fn sensor(&self, name: &str) -> Option<Attribute> {
        let directory = self.path.join("hwmon");
        let mut chips = names(&directory).unwrap_or_default();
        chips.sort_by_key(|chip| (chip.len(), chip.clone()));
        let mut chips = chips.iter();
        chips.find_map(|chip| self.attribute_in(&directory.join(chip), name))
    }

    fn attribute_in(&self, directory: &Path, name: &str) -> Option<Attribute> {
        directory.join(name).exists().then(|| {
            // A part of the device that the driver registers anew when it is bound again.
            Device::new(directory.to_owned(), None, &self.losses).attribute(name)
        })
    }
}

fn existing(device: &Device, name: &str) -> Option<Attribute> {
    device.path(name).exists().then(|| device.attribute(name))
}
