//! How much room file systems have: `statvfs`, which may never answer and so is asked on the blocking pool.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use nix::sys::stat::{major, minor};
use rustix::fs::statvfs;

use super::block;
use crate::{
    kernel::mountinfo,
    metric::{Kind, Metric, unit},
    rate::Formula,
    reading::{Fault, Raw},
    regular_file,
    source::{
        About, Answered, Deferred, Error, Roots, Source,
        pool::{Job, Pool},
        property::Property,
        rows::{self, Device, Devices},
    },
};

/// The file systems on disks that are mounted, and those on the network if they are wanted.
pub(super) struct Space {
    roots: Roots,
    network_mounts: bool,
    pool: Pool,
    systems: Devices<String, State>,
    changed: bool,
}

/// What is known of a file system.
struct State {
    place: Place,
    job: Job<Result<Room, Fault>>,
    is_whole: bool,
}

/// Where a file system is mounted.
#[derive(Clone, PartialEq)]
struct Place {
    point: PathBuf,
    /// Its device, where files in it show that.
    number: Option<(u64, u64)>,
}

/// What a file system answers: bytes, and files.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Room {
    total: u64,
    used: u64,
    free: u64,
    files: u64,
    files_free: u64,
}

const ALL: usize = 5;
/// Whose the row is, and the properties.
const WIDTH: usize = 1 + PROPERTIES.len();

#[rustfmt::skip]
const PROPERTIES: [Property; 9] = [
    Property::new("total", "total space", "Size of the file system: f_blocks times f_frsize of statvfs(3)", unit::BYTES, Kind::Gauge),
    Property::new("used", "used space", "What files take up: (f_blocks - f_bfree) times f_frsize of statvfs(3)", unit::BYTES, Kind::Gauge),
    Property::new("free", "free space", "What users may still fill, without what is kept for root: f_bavail times f_frsize of statvfs(3)", unit::BYTES, Kind::Gauge),
    Property::new("usedPercent", "used space, per cent", "Share of the room for users that is used: used / (used + free), as df shows it, from statvfs(3)", unit::PERCENT, Kind::Gauge),
    Property::new("freePercent", "free space, per cent", "Share of the room for users that is free: free / (used + free), from statvfs(3)", unit::PERCENT, Kind::Gauge),
    Property::new("totalInodes", "total inodes", "Files that the file system has room for: f_files of statvfs(3); gone where there is no limit", unit::ONE, Kind::Gauge),
    Property::new("usedInodes", "used inodes", "Files in the file system: f_files - f_ffree of statvfs(3); gone where there is no limit", unit::ONE, Kind::Gauge),
    Property::new("freeInodes", "free inodes", "Files that can still be made: f_ffree of statvfs(3); gone where there is no limit", unit::ONE, Kind::Gauge),
    Property::new("usedInodesPercent", "used inodes, per cent", "Share of the files that there is room for: (f_files - f_ffree) / f_files of statvfs(3); gone where there is no limit", unit::PERCENT, Kind::Gauge),
];

impl Space {
    pub(super) fn new(roots: &Roots, network_mounts: bool, pool: &Pool) -> Self {
        Self {
            roots: roots.clone(),
            network_mounts,
            pool: pool.clone(),
            systems: Devices::default(),
            changed: false,
        }
    }

    /// What is known of a file system, from now on asked where it is mounted now.
    fn state(
        roots: &Roots,
        pool: &Pool,
        before: Option<State>,
        system: &mountinfo::FileSystem,
    ) -> State {
        let point = &system.mount.point;
        let point = roots.root.join(point.strip_prefix("/").unwrap_or(point));
        // Of what spans several devices, the files do not show the number of the mount.
        let is_shown = system.mount.number.0 != 0 || system.mount.is_network();
        let number = is_shown.then_some(system.mount.number);
        let place = Place { point, number };
        let is_whole = system.is_whole;
        match before {
            // One that hangs is asked once, however often it is found.
            Some(before) if before.place == place => State { is_whole, ..before },
            _ => {
                let name = place.point.to_string_lossy().into();
                let asked = place.clone();
                State {
                    job: Job::new(pool, &name, move || asked.ask()),
                    place,
                    is_whole,
                }
            }
        }
    }

    fn jobs(&self) -> impl Iterator<Item = &Job<Result<Room, Fault>>> {
        let systems = self.systems.iter().flatten();
        systems.map(|system| &system.state.job)
    }
}

impl Source for Space {
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
        let systems = mountinfo::file_systems(&self.roots, &devices, self.network_mounts)?;
        let found = systems.iter().map(|system| (system.id.clone(), system));
        let rows = self.systems.arrange(found, |before, system| {
            Self::state(&self.roots, &self.pool, before, system)
        });
        let mut metrics = Vec::new();
        for (system, row) in systems.iter().zip(rows) {
            let first = ALL.saturating_add(rows::place(row, WIDTH, 0));
            metrics.extend((first..).zip(PROPERTIES).map(|(column, property)| {
                let formula = Formula::Level(column.saturating_add(1));
                let formula = self.systems.formula(row, first, formula);
                let whose = system.mount.point.to_string_lossy();
                property.of("disk", system.id.as_bytes(), &whose, formula)
            }));
        }
        if !systems.is_empty() {
            metrics.extend(
                PROPERTIES[..ALL]
                    .iter()
                    .enumerate()
                    .map(|(column, property)| {
                        property.of("disk", b"all", "Disks,", Formula::Level(column))
                    }),
            );
        }
        self.changed = false;
        Ok(metrics)
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        // None inside where the sum does not fit.
        let mut all: Option<Option<Room>> = None;
        columns.resize(ALL, Raw::Fault(Fault::Gone));
        for system in self.systems.iter() {
            let room = match system {
                None => Err(Fault::Gone),
                Some(system) => {
                    let room = system.state.job.answer().flatten();
                    self.changed |= room == Err(Fault::Gone);
                    room
                }
            };
            columns.push(system.map_or(Raw::Fault(Fault::Gone), Device::owner));
            if let (Ok(room), true) = (room, system.is_some_and(|system| system.state.is_whole)) {
                let before = all.unwrap_or(Some(Room::default()));
                all = Some(before.and_then(|before| before.and(room)));
            }
            match room {
                Ok(room) => columns.extend(room.columns()),
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

impl Deferred for Space {
    fn when_answered(&mut self, tell: Answered) {
        self.pool.when_answered(tell);
    }

    fn begin(&mut self, since: Duration) {
        self.jobs().for_each(|job| job.ask(since));
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.jobs().filter_map(Job::awaited_until).min()
    }
}

impl Room {
    /// The sum, if it fits.
    fn and(self, other: Self) -> Option<Self> {
        Some(Self {
            total: self.total.checked_add(other.total)?,
            used: self.used.checked_add(other.used)?,
            free: self.free.checked_add(other.free)?,
            files: self.files.checked_add(other.files)?,
            files_free: self.files_free.checked_add(other.files_free)?,
        })
    }

    fn columns(self) -> [Raw; PROPERTIES.len()] {
        let number = |number: u64| Raw::Number(number as f64);
        let percent = |part: u64, whole: Option<u64>| match whole {
            None => Raw::Fault(Fault::Malformed),
            Some(0) => Raw::Fault(Fault::Gone),
            Some(whole) => Raw::Number(100.0 * part as f64 / whole as f64),
        };
        let for_users = self.used.checked_add(self.free);
        let inodes = |count: u64| match self.files {
            // Btrfs and its like make inodes as they need them.
            0 => Raw::Fault(Fault::Gone),
            _ => number(count),
        };
        let files_used = self.files.saturating_sub(self.files_free);
        [
            number(self.total),
            number(self.used),
            number(self.free),
            percent(self.used, for_users),
            percent(self.free, for_users),
            inodes(self.files),
            inodes(files_used),
            inodes(self.files_free),
            percent(files_used, Some(self.files)),
        ]
    }
}

impl Place {
    /// What the file system answers, if it is still the one that is mounted there.
    fn ask(&self) -> Result<Room, Fault> {
        let fault = |cause: io::Error| Error::io(&self.point, cause).fault();
        if let Some(number) = self.number {
            // Where it is no longer mounted, the file system below would answer for it.
            let device = fs::metadata(&self.point).map_err(fault)?.dev();
            if (major(device), minor(device)) != number {
                return Err(Fault::Gone);
            }
        }
        let answer = statvfs(&self.point).map_err(|errno| fault(errno.into()))?;
        let bytes = |blocks: u64| blocks.checked_mul(answer.f_frsize).ok_or(Fault::Malformed);
        let (blocks, unused) = (answer.f_blocks, answer.f_bfree);
        Ok(Room {
            total: bytes(blocks)?,
            used: bytes(blocks.checked_sub(unused).ok_or(Fault::Malformed)?)?,
            free: bytes(answer.f_bavail)?,
            files: answer.f_files,
            files_free: answer.f_ffree,
        })
    }
}

#[cfg(test)]
mod tests;
