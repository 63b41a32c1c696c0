//! Gates: conditions under which a sensor is not read for now.

use std::{path::Path, time::Duration};

use crate::{
    reading::{Fault, monotonic},
    source::{
        device::{Attribute, Device},
        file::File,
        parse,
    },
};

/// A condition under which a sensor is not read for now.
pub(crate) trait Gate: Send {
    /// Whether the sensor may be read now; otherwise the fault of the reading.
    fn may_be_read(&mut self) -> Result<(), Fault>;

    /// The device may have changed.
    fn discover(&mut self) {}
}

/// A thermal zone that may be disabled: the driver may have switched its sensor off then (`change_mode` of
/// `thermal_zone_device_ops`). The mode of a zone that is enabled is read once after each discovery.
///
/// <https://docs.kernel.org/driver-api/thermal/sysfs-api.html>
pub(crate) struct ZoneMode {
    mode: Attribute,
    is_known_enabled: bool,
}

impl ZoneMode {
    /// The mode of the zone of this device, in the file of this name.
    pub(crate) fn new(device: &Device, file: &str) -> Self {
        Self {
            mode: device.attribute(file),
            is_known_enabled: false,
        }
    }
}

impl Gate for ZoneMode {
    fn may_be_read(&mut self) -> Result<(), Fault> {
        if !self.is_known_enabled {
            // Linux before 5.9 has no mode of zones whose driver cannot change it.
            if self
                .mode
                .read()
                .is_ok_and(|mode| mode.starts_with(b"disabled"))
            {
                return Err(Fault::Stale);
            }
            self.is_known_enabled = true;
        }
        Ok(())
    }

    fn discover(&mut self) {
        self.is_known_enabled = false;
    }
}

/// The temperature of a drive, read by `drivetemp`, which asks the drive by a command that may restart the timer after
/// which the drive stops its motor. So a drive without I/O is asked every five minutes at most. The command itself is
/// no I/O in the statistics of the disk: the kernel leaves commands that pass through out.
///
/// <https://docs.kernel.org/hwmon/drivetemp.html>
pub(crate) struct DriveActivity {
    /// The name of the disk: `sda`.
    disk: String,
    /// `block/sda/stat`: <https://docs.kernel.org/block/stat.html>.
    stat: Attribute,
    /// The same numbers of all disks: `/proc/diskstats`.
    diskstats: File,
    /// The text of the file, and the moment of the monotonic clock, at the last reading.
    last: Option<(Vec<u8>, Duration)>,
}

/// The shortest time between two readings of a drive without I/O.
const IDLE_INTERVAL: Duration = Duration::from_secs(5 * 60);

impl DriveActivity {
    /// The activity of a disk, whose directory is at this path from that of the device.
    pub(crate) fn new(device: &Device, directory: &str, proc: &Path) -> Self {
        let (_, disk) = directory.rsplit_once('/').unwrap_or(("", directory));
        Self {
            disk: disk.to_owned(),
            stat: device.attribute(&format!("{directory}/stat")),
            diskstats: File::of_lines(proc.join("diskstats")),
            last: None,
        }
    }

    fn may_be_read_at(&mut self, now: Duration) -> Result<(), Fault> {
        let stat = match self.stat.read() {
            Ok(stat) => stat,
            // A disk without statistics is taken to be idle.
            Err(_) => line_of(self.diskstats.read().unwrap_or_default(), &self.disk),
        };
        if let Some((text, moment)) = &mut self.last {
            let is_idle = text == stat;
            if is_idle && now.saturating_sub(*moment) < IDLE_INTERVAL {
                return Err(Fault::Asleep);
            }
            text.clear();
            text.extend_from_slice(stat);
            *moment = now;
        } else {
            self.last = Some((stat.to_vec(), now));
        }
        Ok(())
    }
}

/// The line of a disk in the text of `/proc/diskstats`; empty if there is none.
fn line_of<'a>(text: &'a [u8], disk: &str) -> &'a [u8] {
    let is_of_disk = |line: &&[u8]| parse::fields(line).nth(2) == Some(disk.as_bytes());
    parse::lines(text).find(is_of_disk).unwrap_or_default()
}

impl Gate for DriveActivity {
    fn may_be_read(&mut self) -> Result<(), Fault> {
        self.may_be_read_at(monotonic())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{device::Losses, tests::Tree};

    fn device(tree: &Tree) -> Device {
        Device::new(tree.roots().sys, None, &Losses::default())
    }

    #[test]
    fn a_drive_without_io_is_asked_every_five_minutes() {
        let tree = Tree::new();
        let (disk, stat) = ("block/sda", "block/sda/stat");
        tree.write(stat, "      10 0 80 5 0 0 0 0 0 5 5\n");
        let mut drive = DriveActivity::new(&device(&tree), disk, &tree.root);
        let mut at = |seconds| drive.may_be_read_at(Duration::from_secs(seconds));
        let asleep = Err(Fault::Asleep);
        assert_eq!([at(1000), at(1001), at(1299)], [Ok(()), asleep, asleep]);
        assert_eq!([at(1300), at(1301)], [Ok(()), asleep]);
        tree.write(stat, "      11 0 88 5 0 0 0 0 0 5 5\n");
        assert_eq!([at(1302), at(1303)], [Ok(()), asleep]);
        // Without statistics nothing shows that the drive works.
        std::fs::remove_file(tree.root.join("block/sda/stat")).unwrap();
        let mut unknown = DriveActivity::new(&device(&tree), disk, &tree.root);
        let mut at = |seconds| unknown.may_be_read_at(Duration::from_secs(seconds));
        assert_eq!([at(0), at(299), at(300)], [Ok(()), asleep, Ok(())]);
        let mut listed = DriveActivity::new(&device(&tree), disk, &tree.root);
        let mut at = |seconds, reads| {
            let other = "   8  16 sdb 9 9 9 9 9 9 9 9 9 9 9\n";
            let own = format!("   8   0 sda {reads} 0 0 0 0 0 0 0 0 0 0\n");
            tree.write("diskstats", &(other.to_owned() + &own));
            listed.may_be_read_at(Duration::from_secs(seconds))
        };
        assert_eq!([at(0, 1), at(1, 1), at(2, 2)], [Ok(()), asleep, Ok(())]);
    }

    #[test]
    fn a_disabled_zone_is_not_read_until_it_is_enabled() {
        let tree = Tree::new();
        let mut zone = ZoneMode::new(&device(&tree), "mode");
        assert_eq!(zone.may_be_read(), Ok(()));
        tree.write("mode", "disabled\n");
        // The mode of an enabled zone is read once, until the next discovery.
        assert_eq!(zone.may_be_read(), Ok(()));
        zone.discover();
        assert_eq!(zone.may_be_read(), Err(Fault::Stale));
        tree.write("mode", "enabled\n");
        assert_eq!(zone.may_be_read(), Ok(()));
    }
}
