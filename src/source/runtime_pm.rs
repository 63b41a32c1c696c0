//! Runtime power management: pauses in reading, so that a device can autosuspend.
//!
//! A reading resumes a suspended device. Of a GPU that is active, drivers also restart the autosuspend delay at each
//! reading (`amdgpu_pm_put_access`, `xe_pm_runtime_put`), so that a reader with an interval of one second would keep
//! it active for ever. So readings pause now and then for a little longer than that delay. If the device is still
//! active afterwards, something else uses it.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    reading::{Fault, monotonic},
    regular_file,
    source::{file::File, parse},
};

/// The power state of every device that is read, by its directory. The sources share it, because a device suspends
/// only if none of them reads it.
#[derive(Clone, Default)]
pub(crate) struct PowerStates(Arc<Mutex<HashMap<PathBuf, Arc<PowerState>>>>);

impl PowerStates {
    /// The power state of the device with this directory, a real path.
    pub(crate) fn of(&self, device: &Path) -> Arc<PowerState> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A device that was registered again has other files.
        if let Some(power) = all.get(device)
            && power.inode == inode(device)
        {
            return power.clone();
        }
        // An entry that only this map holds is of a device that has gone.
        all.retain(|_, power| Arc::strong_count(power) > 1);
        let power = PowerState::new(device);
        all.insert(device.to_owned(), power.clone());
        power
    }
}

/// The power state of a device, and the pauses in reading it.
pub(crate) struct PowerState {
    inode: Option<u64>,
    state: Mutex<State>,
}

struct State {
    status: File,
    pauses: Pauses,
}

impl PowerState {
    pub(crate) fn new(device: &Path) -> Arc<Self> {
        Arc::new(Self {
            inode: inode(device),
            state: Mutex::new(State {
                status: File::attribute(device.join("power/runtime_status")),
                pauses: Pauses::new(device),
            }),
        })
    }

    /// Whether the device may be read: [`Fault::Asleep`] if it is suspended, and [`Fault::Stale`] during a pause.
    pub(crate) fn may_be_read(&self) -> Result<(), Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { status, pauses } = &mut *state;
        match status.read() {
            Ok(status) if status.starts_with(b"suspend") => {
                pauses.suspended();
                Err(Fault::Asleep)
            }
            Ok(_) => pauses.may_be_read(monotonic()),
            // A kernel without power management.
            Err(error) if error.fault() == Fault::Gone => Ok(()),
            Err(error) => Err(error.fault()),
        }
    }

    /// Makes the next reading due for a pause.
    #[cfg(test)]
    pub(crate) fn make_pause_due(&self) {
        let mut state = self.state.lock().unwrap();
        let now = monotonic();
        state.pauses.reading_since = Some(now.saturating_sub(FIRST));
        state.pauses.last = now;
        state.pauses.longest_gap = Duration::ZERO;
    }
}

/// The inode number of a directory; sysfs gives each device another one.
fn inode(directory: &Path) -> Option<u64> {
    Some(fs::metadata(directory).ok()?.ino())
}

/// The pauses in reading a device: the last one and the next one.
struct Pauses {
    path: PathBuf,
    /// The moment of the monotonic clock of the first reading since the last pause or suspend.
    reading_since: Option<Duration>,
    /// The moment of the last reading.
    last: Duration,
    /// The longest time between two readings since `reading_since`.
    longest_gap: Duration,
    /// The moment at which the present pause ends.
    paused_until: Option<Duration>,
    /// The time for which the device is read before the next pause.
    read_for: Duration,
}

/// The time for which a device is read before the first pause. Each pause in which it does not suspend doubles that
/// time, up to the last.
const FIRST: Duration = Duration::from_secs(30);
const LAST: Duration = Duration::from_secs(16 * 60);

/// The time for which a pause exceeds the autosuspend delay of the device.
const MARGIN: Duration = Duration::from_secs(2);

/// The same for a device whose driver has a library that keeps it active until the library is released.
const LIBRARY_MARGIN: Duration = Duration::from_secs(12);

/// The driver with a library.
pub(crate) const NVIDIA: &str = "nvidia";

/// A device with a longer autosuspend delay is meant to stay active: there is no pause for it.
const LONGEST: Duration = Duration::from_secs(30);

impl Pauses {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            reading_since: None,
            last: Duration::ZERO,
            longest_gap: Duration::ZERO,
            paused_until: None,
            read_for: FIRST,
        }
    }

    /// The device is suspended. When it resumes, something else has resumed it.
    fn suspended(&mut self) {
        self.reading_since = None;
        self.paused_until = None;
        self.read_for = FIRST;
    }

    /// Whether an active device may be read at this moment; [`Fault::Stale`] during a pause.
    fn may_be_read(&mut self, now: Duration) -> Result<(), Fault> {
        if let Some(until) = self.paused_until {
            if now < until {
                return Err(Fault::Stale);
            }
            self.paused_until = None;
            self.reading_since = None;
            self.read_for = LAST.min(self.read_for.saturating_mul(2));
        }
        let since = *self.reading_since.get_or_insert(now);
        if since < now {
            self.longest_gap = self.longest_gap.max(now.saturating_sub(self.last));
        }
        if now.saturating_sub(since) >= self.read_for {
            self.reading_since = None;
            let gap = std::mem::take(&mut self.longest_gap);
            // Readings with long intervals leave the device time to suspend.
            if let Some(pause) = self.pause().filter(|pause| gap < *pause) {
                self.paused_until = Some(now.saturating_add(pause));
                return Err(Fault::Stale);
            }
        }
        self.last = now;
        Ok(())
    }

    /// The length of a pause in which the device can suspend; none if it must not suspend, or cannot because it
    /// drives a display.
    fn pause(&self) -> Option<Duration> {
        let power = self.path.join("power");
        if File::attribute(power.join("control")).read().ok()? != b"auto\n"
            || drives_display(&self.path)
        {
            return None;
        }
        let driver = fs::read_link(self.path.join("driver")).unwrap_or_default();
        let has_library = driver.ends_with(NVIDIA);
        // The delay is negative if the device must not autosuspend. A read fails if there is no delay.
        let delay = match File::attribute(power.join("autosuspend_delay_ms")).read() {
            Ok(text) => parse::ended_number(text)?,
            Err(_) if has_library => 0,
            // The device suspends as soon as a reading has ended, so that readings do not keep it active.
            Err(_) => return None,
        };
        let delay = Duration::from_millis(delay);
        let margin = if has_library { LIBRARY_MARGIN } else { MARGIN };
        (delay <= LONGEST).then_some(delay.saturating_add(margin))
    }
}

/// Whether a connector of the device drives a display: `drm/card0/card0-DP-1/enabled`. The kernel answers from
/// memory, without the device.
pub(crate) fn drives_display(path: &Path) -> bool {
    let inside = |path: PathBuf| {
        let entries = regular_file::entries(&path).into_iter().flatten();
        entries.map(|entry| entry.path())
    };
    inside(path.join("drm")).flat_map(inside).any(|connector| {
        matches!(
            File::attribute(connector.join("enabled")).read(),
            Ok(b"enabled\n")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::Tree;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Reads a device every so many seconds up to `end`; the seconds at which a pause forbids it.
    #[track_caller]
    fn check(files: &[(&str, &str)], every: usize, end: u64, expected: &[u64]) {
        let tree = Tree::new();
        for (path, text) in files {
            tree.write(path, text);
        }
        let mut pauses = Pauses::new(&tree.roots().sys);
        let paused: Vec<_> = (0..end)
            .step_by(every)
            .filter(|&second| pauses.may_be_read(seconds(1000 + second)).is_err())
            .collect();
        assert_eq!(paused, expected);
    }

    const AUTO: (&str, &str) = ("power/control", "auto\n");
    const FIVE: (&str, &str) = ("power/autosuspend_delay_ms", "5000\n");

    #[test]
    fn pauses_become_rarer() {
        let pauses: Vec<_> = (30..37).chain(97..104).collect();
        check(&[AUTO, FIVE], 1, 220, &pauses);
    }

    #[test]
    fn a_driver_with_a_library_needs_a_longer_pause() {
        let tree = Tree::new();
        tree.write(AUTO.0, AUTO.1);
        tree.link("driver", "bus/pci/drivers/nvidia");
        let mut pauses = Pauses::new(&tree.roots().sys);
        let paused = (0..60).filter(|&second| pauses.may_be_read(seconds(second)).is_err());
        assert!(paused.eq(30..42));
    }

    #[test]
    fn readings_with_long_intervals_are_never_refused() {
        check(&[AUTO, FIVE], 7, 2000, &[]);
        check(&[AUTO, FIVE], 3600, 100_000, &[]);
    }

    #[test]
    fn a_device_that_does_not_autosuspend_gets_no_pause() {
        let never = |files| check(files, 1, 100, &[]);
        never(&[]);
        never(&[AUTO]);
        never(&[("power/control", "on\n"), FIVE]);
        never(&[AUTO, ("power/autosuspend_delay_ms", "-1\n")]);
        never(&[AUTO, ("power/autosuspend_delay_ms", "600000\n")]);
        const DISPLAY: &str = "drm/card0/card0-DP-1/enabled";
        never(&[AUTO, FIVE, (DISPLAY, "enabled\n")]);
        let idle = [AUTO, FIVE, (DISPLAY, "disabled\n")];
        check(&idle, 1, 36, &[30, 31, 32, 33, 34, 35]);
    }

    #[test]
    fn a_suspend_starts_the_schedule_again() {
        let tree = Tree::new();
        tree.write(AUTO.0, AUTO.1);
        tree.write(FIVE.0, FIVE.1);
        let mut pauses = Pauses::new(&tree.roots().sys);
        let first = |pauses: &mut Pauses, begin: u64| {
            (begin..).find(|&second| pauses.may_be_read(seconds(second)).is_err())
        };
        assert_eq!(first(&mut pauses, 0), Some(30));
        pauses.suspended();
        assert_eq!(first(&mut pauses, 31), Some(61));
    }
}
