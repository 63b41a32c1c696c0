//! Devices in sysfs, and their attributes.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    reading::Fault,
    regular_file,
    source::{Error, file::File, runtime_pm::PowerState},
};

/// A device that was registered once. When it is registered again, as after a suspend, and when another device takes its
/// place, that is another one: its attributes are never read through this.
#[derive(Clone)]
pub(crate) struct Device(Arc<Inner>);

struct Inner {
    /// The directory of its attributes.
    directory: PathBuf,
    registration: Option<Registration>,
    /// Its power state, if it has runtime power management.
    power: Option<Arc<PowerState>>,
    losses: Losses,
}

/// The number of the registration of a device. A device that is registered later has another one, also under the same
/// name: sysfs numbers its directories in the order of their creation, and begins again only after 2³¹ of them
/// (`__kernfs_new_node` in fs/kernfs/dir.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Registration {
    file_system: u64,
    inode: u64,
}

/// Whether a device of a family was found to have gone, so that the family has to probe again.
#[derive(Clone, Default)]
pub(crate) struct Losses(Arc<AtomicBool>);

impl Registration {
    /// The registration of the device whose directory is here now.
    pub(crate) fn of(directory: &Path) -> Option<Self> {
        let metadata = fs::metadata(directory).ok()?;
        Some(Self {
            file_system: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

impl Losses {
    /// Whether a device has gone since the last call of [`forget`](Self::forget).
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Forgets the losses before a probe, which finds the devices that are left.
    pub(crate) fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Device {
    /// The device whose attributes are in this directory now.
    pub(crate) fn new(directory: PathBuf, power: Option<Arc<PowerState>>, losses: &Losses) -> Self {
        let registration = Registration::of(&directory);
        Self::registered(directory, registration, power, losses)
    }

    /// The device whose attributes were in this directory when it had this registration.
    pub(crate) fn registered(
        directory: PathBuf,
        registration: Option<Registration>,
        power: Option<Arc<PowerState>>,
        losses: &Losses,
    ) -> Self {
        Self(Arc::new(Inner {
            registration,
            directory,
            power,
            losses: losses.clone(),
        }))
    }

    /// Its registration; none if it has gone before it was found.
    pub(crate) fn registration(&self) -> Option<Registration> {
        self.0.registration
    }

    /// The path of an attribute.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.directory.join(name)
    }

    /// An attribute that is read again and again.
    pub(crate) fn attribute(&self, name: &str) -> Attribute {
        Attribute {
            device: self.clone(),
            file: File::attribute(self.path(name)),
            is_lost: false,
        }
    }

    /// Whether the device may be read now: [`Fault::Asleep`] if it is suspended, because a read of an attribute may
    /// resume it, and [`Fault::Stale`] during a pause that lets it suspend.
    pub(crate) fn may_be_read(&self) -> Result<(), Fault> {
        let power = self.0.power.as_ref();
        power.map_or(Ok(()), |power| power.may_be_read())
    }

    /// Notes that it has gone, also if its directory is still there: a battery was replaced in its bay.
    pub(crate) fn note_loss(&self) {
        self.0.losses.note();
    }

    /// Whether its directory is still its own.
    pub(crate) fn is_here(&self) -> bool {
        let registration = self.registration();
        registration.is_some() && registration == Registration::of(&self.0.directory)
    }
}

/// One attribute of a device.
///
/// The file stays open. That keeps no device active: kernfs holds a reference to the file's node during an open and
/// during a read, not in between, and only a read calls the driver (`kernfs_fop_open` and `kernfs_fop_read_iter` in
/// fs/kernfs/file.c). Nor does it delay an unplug: reads of an open file then fail with ENODEV.
pub(crate) struct Attribute {
    device: Device,
    file: File,
    /// The loss of the device is noted once.
    is_lost: bool,
}

impl Attribute {
    /// Its path, for messages.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads the attribute. It is gone with its device, also where the next device has the same path.
    pub(crate) fn read(&mut self) -> Result<&[u8], Error> {
        let Self {
            device,
            file,
            is_lost,
        } = self;
        let read = file.read_if(|| device.is_here());
        let is_gone = |error: &Error| error.fault() == Fault::Gone;
        if !*is_lost && read.as_ref().is_err_and(is_gone) && !device.is_here() {
            *is_lost = true;
            device.0.losses.note();
        }
        read
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    #[test]
    fn an_attribute_is_of_one_registration() {
        let tree = Tree::new();
        tree.write("class/hwmon/hwmon0/temp1_input", "1000\n");
        let class = tree.roots().sys.join("class/hwmon");
        let losses = Losses::default();
        let device = Device::new(class.join("hwmon0"), None, &losses);
        let [mut open, mut closed] = [(); 2].map(|()| device.attribute("temp1_input"));
        let mut missing = device.attribute("temp2_input");
        assert_eq!(open.read().unwrap(), b"1000\n");
        // The device lacks the attribute: that is no loss.
        assert_eq!(missing.read().unwrap_err().fault(), Fault::Gone);
        assert!(device.is_here() && !losses.is_any());
        fs::rename(class.join("hwmon0"), class.join("hwmon1")).unwrap();
        tree.write("class/hwmon/hwmon0/temp1_input", "2000\n");
        assert!(!device.is_here());
        let error = closed.read().unwrap_err();
        assert_eq!(error.fault(), Fault::Gone);
        let path = class.join("hwmon0/temp1_input");
        assert!(error.to_string().starts_with(path.to_str().unwrap()));
        assert!(losses.is_any());
        // A loss is noted once.
        losses.forget();
        closed.read().unwrap_err();
        assert!(!losses.is_any());
        missing.read().unwrap_err();
        assert!(losses.is_any());
        let other = Device::new(class.join("hwmon0"), None, &losses);
        assert_ne!(other.registration(), device.registration());
        assert_eq!(other.attribute("temp1_input").read().unwrap(), b"2000\n");
    }
}
