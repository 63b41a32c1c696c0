//! Which GPUs there are, and whether they sleep.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::fdinfo::Fdinfo;
use crate::{
    reading::Fault,
    regular_file,
    source::{
        Error, Roots,
        pool::Pool,
        runtime_pm::{NVIDIA, PowerState, PowerStates},
    },
};

/// All GPUs that were ever found. The sources of `gpu` share it, so that a number means the same
/// GPU in all of them.
pub(super) struct Gpus {
    pub(super) roots: Roots,
    /// In the order of the numbers. Only ever appended to: who is plugged in again has its number back, and
    /// there are only so many places to plug one in.
    known: Mutex<Vec<KnownGpu>>,
    pool: Pool,
    has_nvidia: AtomicBool,
    powers: PowerStates,
    #[cfg(feature = "nvml")]
    pub(super) library: super::nvml::Library,
}

/// What the sources of one GPU share.
struct KnownGpu {
    path: PathBuf,
    nodes: Vec<String>,
    power: Arc<PowerState>,
    fdinfo: Arc<Fdinfo>,
}

/// A GPU that is there.
pub(super) struct Gpu {
    /// The N of `gpuN`.
    pub(super) number: usize,
    /// Its directory under `/sys/devices`.
    pub(super) path: PathBuf,
    /// The kernel's driver: `amdgpu`.
    pub(super) driver: String,
    /// What `/dev/dri` has of it: `card0`, `renderD128`.
    pub(super) nodes: Vec<String>,
    power: Arc<PowerState>,
    pub(super) fdinfo: Arc<Fdinfo>,
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

    /// The GPUs that are there now.
    ///
    /// They are numbered in the order of their PCI addresses, those that are not on PCI after them,
    /// which is the same on every boot; the kernel's `card0` goes to whichever driver was first.
    /// One that is plugged in later gets the next number, and has it until the service ends.
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
            // NVIDIA's own need not make a device of DRM.
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
            });
        }
        Ok(found)
    }

    /// Whether one was ever found whose driver has a library.
    pub(super) fn has_nvidia(&self) -> bool {
        self.has_nvidia.load(Ordering::Relaxed)
    }

    fn known_gpu(&self, path: PathBuf, nodes: Vec<String>) -> KnownGpu {
        KnownGpu {
            power: self.powers.of(&path),
            fdinfo: Arc::new(Fdinfo::new(&self.pool, &self.roots.proc, &nodes)),
            path,
            nodes,
        }
    }
}

impl Gpu {
    /// What a device is called on its bus: `0000:03:00.0`.
    pub(super) fn address(&self) -> &str {
        self.path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    /// Whether the device may be read: not if it sleeps, and not while it is left alone so that it
    /// can fall asleep.
    pub(super) fn may_be_read(&self) -> Result<(), Fault> {
        self.power.may_be_read()
    }

    /// The directories of its sensors, in the order of their numbers. A list of names wakes nobody.
    pub(super) fn hwmons(&self) -> Vec<PathBuf> {
        let directory = self.path.join("hwmon");
        let mut names = names(&directory).unwrap_or_default();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.iter().map(|name| directory.join(name)).collect()
    }
}

/// The directories of all devices that have a card, or NVIDIA's driver; those on PCI first, in the
/// order of their addresses.
fn devices(roots: &Roots) -> Result<Vec<PathBuf>, Error> {
    let class = roots.sys.join("class/drm");
    let is_card = |name: &String| {
        let number = name.strip_prefix("card");
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut devices = BTreeSet::new();
    for card in names(&class)?.into_iter().filter(is_card) {
        // .../0000:03:00.0/drm/card0; one that has gone since has no path.
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
        // A domain may have more than four digits.
        (!is_on_pci(&name), name.len(), name.into_owned())
    });
    Ok(devices)
}

/// Whether it is an address such as `0000:03:00.0`.
fn is_on_pci(name: &str) -> bool {
    let parts: Vec<_> = name.split([':', '.']).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.len() == 4 && parts.iter().all(is_hex)
}

fn driver(path: &Path) -> Option<String> {
    let link = fs::read_link(path.join("driver")).ok()?;
    Some(link.file_name()?.to_str()?.to_owned())
}

/// The names in a directory; none if it is not there.
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
