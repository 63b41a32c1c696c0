//! Devices in sysfs, and their attributes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    reading::Fault,
    regular_file,
    source::{Error, file::File, runtime_pm::PowerState},
};

/// A device and its present location. A device that is unplugged and plugged in again may have another directory.
#[derive(Clone)]
pub(crate) struct Device(Arc<Inner>);

struct Inner {
    location: Mutex<Location>,
    /// The number of times that the location has changed.
    moves: AtomicUsize,
}

/// The location of a device.
#[derive(Default, PartialEq)]
pub(crate) struct Location {
    /// The directory of its attributes.
    pub(crate) directory: PathBuf,
    /// Its power state, if it has runtime power management.
    pub(crate) power: Option<Arc<PowerState>>,
}

impl Device {
    pub(crate) fn new(location: Location) -> Self {
        Self(Arc::new(Inner {
            location: Mutex::new(location),
            moves: AtomicUsize::new(0),
        }))
    }

    /// Sets the location. The attributes are opened there at their next reading.
    pub(crate) fn moved_to(&self, location: Location) {
        let mut known = self.location();
        if *known != location {
            *known = location;
            self.0.moves.fetch_add(1, Ordering::Release);
        }
    }

    /// The path of an attribute at the present location.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.location().directory.join(name)
    }

    /// An attribute that is read again and again.
    pub(crate) fn attribute(&self, name: &str) -> Attribute {
        Attribute {
            device: self.clone(),
            name: name.to_owned(),
            moves: self.0.moves.load(Ordering::Acquire),
            file: File::attribute(self.path(name)),
        }
    }

    /// Whether the device may be read now: [`Fault::Asleep`] if it is suspended, because a read of an attribute may
    /// resume it, and [`Fault::Stale`] during a pause that lets it suspend.
    pub(crate) fn may_be_read(&self) -> Result<(), Fault> {
        let power = self.location().power.clone();
        power.map_or(Ok(()), |power| power.may_be_read())
    }

    fn location(&self) -> MutexGuard<'_, Location> {
        self.0
            .location
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One attribute of a device.
///
/// The file stays open. That keeps no device active: kernfs holds a reference to the file's node during an open and
/// during a read, not in between, and only a read calls the driver (`kernfs_fop_open` and `kernfs_fop_read_iter` in
/// fs/kernfs/file.c). Nor does it delay an unplug: reads of an open file then fail with ENODEV.
pub(crate) struct Attribute {
    device: Device,
    name: String,
    moves: usize,
    file: File,
}

impl Attribute {
    /// Reads the attribute.
    pub(crate) fn read(&mut self) -> Result<&[u8], Error> {
        let moves = self.device.0.moves.load(Ordering::Acquire);
        if moves != self.moves {
            self.moves = moves;
            self.file = File::attribute(self.device.path(&self.name));
        }
        self.file.read()
    }
}

/// The devices above this one, along their `device` links: of hwmon3 nvme0, then 0000:01:00.0. The directories are
/// real paths, so that each is of one device for good.
pub(crate) fn ancestors(directory: &Path) -> impl Iterator<Item = PathBuf> {
    // The kernel makes no loop of links; a fixture or a bug might.
    const DEPTH: usize = 8;
    let above = |directory: &PathBuf| fs::canonicalize(directory.join("device")).ok();
    std::iter::successors(above(&directory.to_owned()), above).take(DEPTH)
}

/// The first of these devices that has runtime power management. The device below them suspends with it.
pub(crate) fn runtime_managed(ancestors: &[PathBuf]) -> Option<&Path> {
    let is_managed = |device: &&PathBuf| {
        regular_file::table(&device.join("power/runtime_status"))
            .is_ok_and(|status| status.trim_ascii() != b"unsupported")
    };
    ancestors.iter().find(is_managed).map(PathBuf::as_path)
}

/// The names in a directory in order, with the numbers at their ends in the order of their values. A directory that
/// does not exist has none.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = match regular_file::entries(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Error::io(directory, cause)),
    };
    // The kernel's names are ASCII.
    let names = entries
        .into_iter()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.collect();
    names.sort_by_cached_key(|name| {
        let (word, number) = split_number(name);
        (word.to_owned(), number, name.clone())
    });
    Ok(names)
}

/// A name and the number at its end: `hwmon` and 3.
pub(crate) fn split_number(name: &str) -> (&str, Option<u32>) {
    let word = name.trim_end_matches(|end: char| end.is_ascii_digit());
    (word, name[word.len()..].parse().ok())
}

/// The text of an attribute that is read once and not kept open; none if it is empty or cannot be read.
pub(crate) fn fact(path: PathBuf) -> Option<String> {
    let mut file = File::attribute(path);
    let text = file.read().ok().map(String::from_utf8_lossy)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
