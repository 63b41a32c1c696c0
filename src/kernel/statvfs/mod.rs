//! The space of file systems: `statvfs`. The call may block for ever, so it is made on the blocking pool.

mod point;
mod properties;
mod space;
mod state;
mod totals;

use std::time::{Duration, Instant};

use super::block;
use crate::{
    kernel::mountinfo::{self, Counting},
    metric::{Metric, Object},
    rate::Formula,
    reading::{Fault, Raw},
    regular_file,
    source::{
        About, Answered, Deferred, Error, Roots, Source,
        pool::{Job, Pool},
        rows::{self, Devices},
    },
};

use point::MountPoint;
use properties::{ALL, ALL_PROPERTIES, PROPERTIES};
use space::SpaceUsage;
use state::MountState;
use totals::Totals;

/// The mounted file systems on disks, and those on the network if configured.
pub(super) struct FileSystemSpace {
    roots: Roots,
    network_mounts: bool,
    pool: Pool,
    mounts: Devices<Key, MountState>,
    /// The finds of a discovery that was begun and is not finished.
    begun: Option<Vec<Found>>,
    changed: bool,
}

/// The id of a file system, and what the kernel calls it: another one may have the id of one that has gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    id: String,
    device: (u64, u64),
    mount_source: String,
}

/// A file system, and its row.
struct Found {
    id: String,
    object: Object,
    row: usize,
}

/// The owner of the row, and the properties.
const WIDTH: usize = 1 + PROPERTIES.len();

impl FileSystemSpace {
    pub(super) fn new(roots: &Roots, network_mounts: bool, pool: &Pool) -> Self {
        Self {
            roots: roots.clone(),
            network_mounts,
            pool: pool.clone(),
            mounts: Devices::default(),
            begun: None,
            changed: false,
        }
    }

    /// Finds the file systems, and gives each a row.
    fn find(&mut self) -> Result<Vec<Found>, Error> {
        // In some containers, the kernel lists no devices there.
        let text = regular_file::table(&self.roots.proc.join("diskstats")).unwrap_or_default();
        let devices = block::devices(&self.roots, &text);
        let file_systems = mountinfo::file_systems(&self.roots, &devices, self.network_mounts)?;
        let found = file_systems.iter().filter_map(|file_system| {
            let mount = file_system.mounts.first()?;
            let key = Key {
                id: file_system.id.clone(),
                device: mount.device,
                mount_source: mount.mount_source.clone(),
            };
            Some((key, file_system))
        });
        let rows = self.mounts.arrange(found, |before, file_system| {
            let points = MountPoint::all(&self.roots, file_system);
            MountState::new(&self.pool, before, file_system, points)
        });
        let found = file_systems
            .iter()
            .zip(rows)
            .map(|(file_system, row)| Found {
                id: file_system.id.clone(),
                object: file_system.object(),
                row,
            });
        Ok(found.collect())
    }

    /// The space of all file systems, by their last answers; none if one of those that are counted has not answered.
    fn sum(&self) -> Option<SpaceUsage> {
        let mut totals = Totals::default();
        for mount in self.mounts.iter().flatten() {
            let state = &mount.state;
            match state.job.answer().flatten() {
                Ok(usage) => totals.add(&state.counting, usage),
                Err(_) if state.counting == Counting::Elsewhere => {}
                Err(_) => return None,
            }
        }
        totals.sum()?.ok()
    }

    fn jobs(&self) -> impl Iterator<Item = &Job<Result<SpaceUsage, Fault>>> {
        let mounts = self.mounts.iter().flatten();
        mounts.map(|mount| &mount.state.job)
    }
}

fn with_maximum(metric: Metric, maximum: Option<f64>) -> Metric {
    Metric {
        maximum: metric.maximum.or(maximum),
        ..metric
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
        let found = match self.begun.take() {
            Some(found) => found,
            None => self.find()?,
        };
        let mounts = self.mounts.iter_mut().flatten();
        mounts.for_each(|mount| mount.state.describe());
        let mut metrics = Vec::new();
        for Found { id, object, row } in &found {
            let first = ALL.saturating_add(rows::place(*row, WIDTH, 0));
            let state = self.mounts.get(*row).map(|mount| &mount.state);
            let described = state.map_or([false; PROPERTIES.len()], |state| state.described);
            let usage = state.and_then(|state| state.job.answer().flatten().ok());
            let wholes = usage.unwrap_or_default().wholes();
            let properties = (first..).zip(PROPERTIES).zip(wholes).zip(described);
            for (((column, property), whole), is_described) in properties {
                if is_described {
                    let formula = Formula::Level(column.saturating_add(1));
                    let formula = self.mounts.formula(*row, first, formula);
                    let metric = property.of("disk", id.as_bytes(), object, formula);
                    metrics.push(with_maximum(metric, whole));
                }
            }
        }
        let mut all = self.mounts.iter().flatten();
        if all.any(|mount| mount.state.counting != Counting::Elsewhere) {
            let object = block::all_disks();
            let wholes = self.sum().unwrap_or_default().wholes();
            let totals = ALL_PROPERTIES.iter().enumerate().zip(wholes);
            metrics.extend(totals.map(|((column, property), whole)| {
                let metric = property.of("disk", b"all", &object, Formula::Level(column));
                with_maximum(metric, whole)
            }));
        }
        self.changed = false;
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let mut totals = Totals::default();
        columns.resize(ALL, Raw::Fault(Fault::Gone));
        for mount in self.mounts.iter_mut() {
            let Some(mount) = mount else {
                columns.extend([const { Raw::Fault(Fault::Gone) }; WIDTH]);
                continue;
            };
            let usage = mount.state.job.answer().flatten();
            self.changed |= mount.state.note(usage);
            columns.push(mount.owner());
            match usage {
                Ok(usage) => {
                    columns.extend(usage.columns());
                    totals.add(&mount.state.counting, usage);
                }
                Err(fault) => columns.extend(PROPERTIES.map(|_| Raw::Fault(fault))),
            }
        }
        match totals.sum() {
            Some(Ok(all)) => columns[..ALL].clone_from_slice(&all.columns()[..ALL]),
            Some(Err(fault)) => columns[..ALL].fill(Raw::Fault(fault)),
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

    /// Reads the file systems that are new: which metrics one has depends on what it tells.
    fn begin_discovery(&mut self, since: Duration) {
        if self.begun.is_none() || !since.is_zero() {
            self.begun = self.find().ok();
            let new = self.jobs().filter(|job| job.answered().is_none());
            new.for_each(|job| job.ask(Duration::ZERO));
        }
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

#[cfg(test)]
mod tests;
