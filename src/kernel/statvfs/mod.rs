//! The space of file systems: `statvfs`. The call may block for ever, so it is made on the blocking pool.

mod properties;

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use nix::sys::stat::{major, minor};
use nix::sys::statvfs::statvfs;

use super::block;
use crate::{
    kernel::mountinfo,
    metric::Metric,
    rate::Formula,
    reading::{Fault, Raw},
    regular_file,
    source::{
        About, Answered, Deferred, Error, Roots, Source,
        pool::{Job, Pool},
        rows::{self, Device, Devices},
    },
};

use properties::{ALL, ALL_PROPERTIES, PROPERTIES};

/// The mounted file systems on disks, and those on the network if configured.
pub(super) struct FileSystemSpace {
    roots: Roots,
    network_mounts: bool,
    pool: Pool,
    mounts: Devices<String, MountState>,
    changed: bool,
}

/// The job that reads a file system, and its mount point.
struct MountState {
    mount_point: MountPoint,
    job: Job<Result<SpaceUsage, Fault>>,
    is_counted: bool,
}

/// The path and the device of a mount.
#[derive(Clone, PartialEq)]
struct MountPoint {
    path: PathBuf,
    /// The device number, if the files of the file system have it.
    device: Option<(u64, u64)>,
}

/// The space of a file system in bytes, and its inodes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct SpaceUsage {
    total: u64,
    used: u64,
    free: u64,
    inodes: u64,
    inodes_free: u64,
}

/// The smallest number of inodes that means that there is no limit.
const UNLIMITED: u64 = i64::MAX as u64;

/// The owner of the row, and the properties.
const WIDTH: usize = 1 + PROPERTIES.len();

impl FileSystemSpace {
    pub(super) fn new(roots: &Roots, network_mounts: bool, pool: &Pool) -> Self {
        Self {
            roots: roots.clone(),
            network_mounts,
            pool: pool.clone(),
            mounts: Devices::default(),
            changed: false,
        }
    }

    /// The state of a mount. A mount that is unchanged keeps its job.
    fn mount_state(
        roots: &Roots,
        pool: &Pool,
        before: Option<MountState>,
        file_system: &mountinfo::FileSystem,
    ) -> MountState {
        let point = &file_system.mount.point;
        let path = roots.root.join(point.strip_prefix("/").unwrap_or(point));
        // The files of a file system that spans several devices do not have the device number of the mount.
        let has_device_number = file_system.mount.device.0 != 0 || file_system.mount.is_network();
        let device = has_device_number.then_some(file_system.mount.device);
        let mount_point = MountPoint { path, device };
        let is_counted = file_system.is_counted;
        match before {
            // A file system that hangs has one job, however often it is discovered.
            Some(before) if before.mount_point == mount_point => MountState {
                is_counted,
                ..before
            },
            _ => {
                let name = mount_point.path.to_string_lossy().into();
                let read_point = mount_point.clone();
                MountState {
                    job: Job::new(pool, &name, move || read_point.read_usage()),
                    mount_point,
                    is_counted,
                }
            }
        }
    }

    fn jobs(&self) -> impl Iterator<Item = &Job<Result<SpaceUsage, Fault>>> {
        let mounts = self.mounts.iter().flatten();
        mounts.map(|mount| &mount.state.job)
    }
}

impl Source for FileSystemSpace {
    fn about(&self) -> About<'_> {
        About::new(
            "disk",
            &[
                "disk/*/total",
                "disk/*/used",
                "disk/*/free",
                "disk/*/usedPercent",
                "disk/*/freePercent",
                "disk/*/totalInodes",
                "disk/*/usedInodes",
                "disk/*/freeInodes",
                "disk/*/usedInodesPercent",
            ],
        )
        .of_devices(&["block"])
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let path = self.roots.proc.join("diskstats");
        let text = regular_file::table(&path).map_err(|cause| Error::io(&path, cause))?;
        let devices = block::devices(&self.roots, &text);
        let file_systems = mountinfo::file_systems(&self.roots, &devices, self.network_mounts)?;
        let found = file_systems
            .iter()
            .map(|file_system| (file_system.id.clone(), file_system));
        let rows = self.mounts.arrange(found, |before, file_system| {
            Self::mount_state(&self.roots, &self.pool, before, file_system)
        });
        let mut metrics = Vec::new();
        for (file_system, row) in file_systems.iter().zip(rows) {
            let first = ALL.saturating_add(rows::place(row, WIDTH, 0));
            let object = file_system.object();
            metrics.extend((first..).zip(PROPERTIES).map(|(column, property)| {
                let formula = Formula::Level(column.saturating_add(1));
                let formula = self.mounts.formula(row, first, formula);
                property.of("disk", file_system.id.as_bytes(), &object, formula)
            }));
        }
        if !file_systems.is_empty() {
            let object = block::all_disks();
            let totals = ALL_PROPERTIES.iter().enumerate();
            metrics.extend(totals.map(|(column, property)| {
                property.of("disk", b"all", &object, Formula::Level(column))
            }));
        }
        self.changed = false;
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        // The inner `None` is a sum that overflows.
        let mut all: Option<Option<SpaceUsage>> = None;
        columns.resize(ALL, Raw::Fault(Fault::Gone));
        for mount in self.mounts.iter() {
            let usage = match mount {
                None => Err(Fault::Gone),
                Some(mount) => {
                    let usage = mount.state.job.answer().flatten();
                    self.changed |= usage == Err(Fault::Gone);
                    usage
                }
            };
            columns.push(mount.map_or(Raw::Fault(Fault::Gone), Device::owner));
            if let (Ok(usage), true) = (usage, mount.is_some_and(|mount| mount.state.is_counted)) {
                let before = all.unwrap_or(Some(SpaceUsage::default()));
                all = Some(before.and_then(|before| before.checked_add(usage)));
            }
            match usage {
                Ok(usage) => columns.extend(usage.columns()),
                Err(fault) => columns.extend(PROPERTIES.map(|_| Raw::Fault(fault))),
            }
        }
        match all {
            Some(Some(all)) => columns[..ALL].clone_from_slice(&all.columns()[..ALL]),
            Some(None) => columns[..ALL].fill(Raw::Fault(Fault::Malformed)),
            None => {}
        }
        Ok(())
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

impl Deferred for FileSystemSpace {
    fn when_answered(&mut self, tell: Answered) {
        self.pool.when_answered(tell);
    }

    fn begin(&mut self, since: Duration) {
        self.jobs().for_each(|job| job.ask(since));
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.jobs().filter_map(Job::awaited_until).min()
    }

    #[cfg(test)]
    fn is_pending(&self) -> bool {
        self.jobs().any(Job::is_pending)
    }
}

impl SpaceUsage {
    /// The sum; none if it overflows.
    fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            total: self.total.checked_add(other.total)?,
            used: self.used.checked_add(other.used)?,
            free: self.free.checked_add(other.free)?,
            inodes: self.inodes.checked_add(other.inodes)?,
            inodes_free: self.inodes_free.checked_add(other.inodes_free)?,
        })
    }

    fn columns(self) -> [Raw; PROPERTIES.len()] {
        let number = |number: u64| Raw::Number(number as f64);
        let percent = |part: u64, whole: Option<u64>| match whole {
            None => Raw::Fault(Fault::Malformed),
            Some(0) => Raw::Fault(Fault::Gone),
            Some(whole) => Raw::Number(100.0 * part as f64 / whole as f64),
        };
        let usable = self.used.checked_add(self.free);
        // Btrfs and similar file systems create inodes on demand, and a server that does not count them says so with
        // the largest number.
        let is_unlimited = matches!(self.inodes, 0 | UNLIMITED..);
        let inodes = |count: u64| match is_unlimited {
            true => Raw::Fault(Fault::Gone),
            false => number(count),
        };
        let inodes_used = self.inodes.saturating_sub(self.inodes_free);
        [
            number(self.total),
            number(self.used),
            number(self.free),
            percent(self.used, usable),
            percent(self.free, usable),
            inodes(self.inodes),
            inodes(inodes_used),
            inodes(self.inodes_free),
            percent(
                inodes_used,
                Some(self.inodes).filter(|_| !is_unlimited).or(Some(0)),
            ),
        ]
    }
}

impl MountPoint {
    /// Reads the space of the file system, if it is still mounted there.
    fn read_usage(&self) -> Result<SpaceUsage, Fault> {
        let fault = |cause: io::Error| Error::io(&self.path, cause).fault();
        if let Some(expected) = self.device {
            // Without this check, the file system below the mount point would answer once it is unmounted.
            let device = fs::metadata(&self.path).map_err(fault)?.dev();
            if (major(device), minor(device)) != expected {
                return Err(Fault::Gone);
            }
        }
        let answer = statvfs(&self.path).map_err(|errno| fault(errno.into()))?;
        let block = answer.fragment_size();
        let bytes = |blocks: u64| blocks.checked_mul(block).ok_or(Fault::Malformed);
        let (blocks, unused) = (answer.blocks(), answer.blocks_free());
        Ok(SpaceUsage {
            total: bytes(blocks)?,
            used: bytes(blocks.checked_sub(unused).ok_or(Fault::Malformed)?)?,
            free: bytes(answer.blocks_available())?,
            inodes: answer.files(),
            inodes_free: answer.files_free(),
        })
    }
}

#[cfg(test)]
mod tests;
