//! The GPUs of this machine, and their power state.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{fdinfo::Fdinfo, pci};
use crate::{
    metric::{Group, Object},
    reading::Fault,
    regular_file,
    source::{
        Error, Roots,
        pool::Pool,
        runtime_pm::{NVIDIA, PowerState, PowerStates},
    },
};

/// All GPUs that were ever found. The sources of `gpu` share the list, so that a number means the same GPU in
/// all of them.
pub(super) struct Gpus {
    pub(super) roots: Roots,
    /// In the order of the numbers. The list only grows: a GPU that is plugged in again gets its number back,
    /// and a machine has a limited number of slots.
    known: Mutex<Vec<KnownGpu>>,
    pool: Pool,
    has_nvidia: AtomicBool,
    powers: PowerStates,
    #[cfg(feature = "nvml")]
    pub(super) library: super::nvml::Library,
}

/// The parts that the sources of one GPU share.
struct KnownGpu {
    path: PathBuf,
    nodes: Vec<String>,
    power: Arc<PowerState>,
    fdinfo: Arc<Fdinfo>,
    /// Set when a source needs it, because the list of names is long.
    object: Arc<OnceLock<Object>>,
}

/// A GPU that is present.
pub(super) struct Gpu {
    /// The N of `gpuN`.
    pub(super) number: usize,
    /// The directory of the GPU under `/sys/devices`.
    pub(super) path: PathBuf,
    /// The name of the kernel driver: `amdgpu`.
    pub(super) driver: String,
    /// The names of its nodes in `/dev/dri`: `card0`, `renderD128`.
    pub(super) nodes: Vec<String>,
    power: Arc<PowerState>,
    pub(super) fdinfo: Arc<Fdinfo>,
    object: Arc<OnceLock<Object>>,
}

impl Gpus {
    pub(super) fn new(roots: &Roots, pool: &Pool, powers: PowerStates) -> Arc<Self> {
        Arc::new(Self {
            roots: roots.clone(),
            known: Mutex::new(Vec::new()),
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
    /// GPU that is plugged in later gets the next number and keeps it until the service ends.
    pub(super) fn find(&self) -> Result<Vec<Gpu>, Error> {
        let devices = devices(&self.roots)?;
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for path in devices {
            let Some(driver) = driver(&path) else {
                continue;
            };
            let mut nodes = names(&path.join("drm")).unwrap_or_default();
            nodes.sort();
            if driver == NVIDIA {
                self.has_nvidia.store(true, Ordering::Relaxed);
            }
            // NVIDIA's own driver does not always create a DRM device.
            if !nodes.iter().any(|node| node.starts_with("renderD")) && driver != NVIDIA {
                continue;
            }
            let number = match all.iter().position(|known| known.path == path) {
                Some(number) if all[number].nodes == nodes => number,
                Some(number) => {
                    all[number] = self.known_gpu(path, nodes);
                    number
                }
                None => {
                    let number = all.len();
                    all.push(self.known_gpu(path, nodes));
                    number
                }
            };
            let known = &all[number];
            found.push(Gpu {
                number,
                path: known.path.clone(),
                driver,
                nodes: known.nodes.clone(),
                power: known.power.clone(),
                fdinfo: known.fdinfo.clone(),
                object: known.object.clone(),
            });
        }
        Ok(found)
    }

    /// Whether a GPU with NVIDIA's driver was ever found.
    pub(super) fn has_nvidia(&self) -> bool {
        self.has_nvidia.load(Ordering::Relaxed)
    }

    fn known_gpu(&self, path: PathBuf, nodes: Vec<String>) -> KnownGpu {
        KnownGpu {
            power: self.powers.of(&path),
            object: Arc::default(),
            fdinfo: Arc::new(Fdinfo::new(&self.pool, &self.roots.proc, &nodes)),
            path,
            nodes,
        }
    }
}

impl Gpu {
    /// The address of the device on its bus: `0000:03:00.0`.
    #[cfg(feature = "nvml")]
    pub(super) fn address(&self) -> &str {
        self.path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    /// The object of its metrics: the model, or the number and the driver if the system has no name for the model. No
    /// device is woken: the kernel knows the ids.
    pub(super) fn object(&self, roots: &Roots) -> Object {
        let object = self.object.get_or_init(|| {
            let title = pci::listed_name(roots, &self.path)
                .unwrap_or_else(|| format!("GPU {} ({})", self.number, self.driver));
            Object::new(&title, Group::Graphics)
        });
        object.clone()
    }

    /// Whether the device may be read. It may not while it is suspended, nor while it is left alone so that it
    /// can suspend.
    pub(super) fn may_be_read(&self) -> Result<(), Fault> {
        self.power.may_be_read()
    }

    /// The hwmon directories of the GPU, in the order of their numbers. Listing names does not wake a device.
    pub(super) fn hwmons(&self) -> Vec<PathBuf> {
        let directory = self.path.join("hwmon");
        let mut names = names(&directory).unwrap_or_default();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.iter().map(|name| directory.join(name)).collect()
    }
}

/// The directories of all devices that have a DRM card or NVIDIA's driver. PCI devices come first, in the order
/// of their addresses.
fn devices(roots: &Roots) -> Result<Vec<PathBuf>, Error> {
    let class = roots.sys.join("class/drm");
    let is_card = |name: &String| {
        let number = name.strip_prefix("card");
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut devices = BTreeSet::new();
    for card in names(&class)?.into_iter().filter(is_card) {
        // .../0000:03:00.0/drm/card0. The path of a card that has gone since cannot be resolved.
        let card = fs::canonicalize(class.join(card)).ok();
        devices.extend(card.and_then(|card| Some(card.parent()?.parent()?.to_owned())));
    }
    let driver = roots.sys.join("bus/pci/drivers").join(NVIDIA);
    for name in names(&driver)?.into_iter().filter(|name| is_on_pci(name)) {
        devices.extend(fs::canonicalize(driver.join(name)));
    }
    let mut devices: Vec<_> = devices.into_iter().collect();
    devices.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A PCI domain may have more than four digits.
        (!is_on_pci(&name), name.len(), name.into_owned())
    });
    Ok(devices)
}

/// Whether the name is a PCI address such as `0000:03:00.0`.
fn is_on_pci(name: &str) -> bool {
    let parts: Vec<_> = name.split([':', '.']).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.len() == 4 && parts.iter().all(is_hex)
}

fn driver(path: &Path) -> Option<String> {
    let link = fs::read_link(path.join("driver")).ok()?;
    Some(link.file_name()?.to_str()?.to_owned())
}

/// The names in a directory; empty if there is no such directory.
fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = match regular_file::entries(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Error::io(directory, cause)),
    };
    let names = entries
        .into_iter()
        .filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.collect())
}
