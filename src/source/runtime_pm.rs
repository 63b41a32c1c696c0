//! Leaving a device alone, so that it can fall asleep.
//!
//! A reading does not only wake a device that sleeps. Of a GPU that is awake, drivers begin to count
//! the time until it may sleep anew (`amdgpu_pm_put_access`, `xe_pm_runtime_put`), so that who
//! reads every second keeps it awake for ever. So it is left alone now and then, for a little
//! longer than that time; if it is awake afterwards, somebody else needs it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    reading::{Fault, monotonic},
    regular_file,
    source::{file::File, parse},
};

/// The power of every device that is read, by its directory. The sources share it: one device sleeps
/// only if none of them reads it.
#[derive(Clone, Default)]
pub(crate) struct PowerStates(Arc<Mutex<HashMap<PathBuf, Arc<PowerState>>>>);

impl PowerStates {
    /// The power of the device with this directory, a real path.
    pub(crate) fn of(&self, device: &Path) -> Arc<PowerState> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(power) = all.get(device) {
            return power.clone();
        }
        // Of devices that have gone there is nobody left who would ask.
        all.retain(|_, power| Arc::strong_count(power) > 1);
        let power = PowerState::new(device);
        all.insert(device.to_owned(), power.clone());
        power
    }
}

/// Whether a device is awake, and may be read.
pub(crate) struct PowerState {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    status: File,
    pauses: Pauses,
}

impl PartialEq for PowerState {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl PowerState {
    pub(crate) fn new(device: &Path) -> Arc<Self> {
        Arc::new(Self {
            path: device.to_owned(),
            state: Mutex::new(State {
                status: File::attribute(device.join("power/runtime_status")),
                pauses: Pauses::new(device),
            }),
        })
    }

    /// Whether the device may be read: [`Fault::Asleep`] if it sleeps, and [`Fault::Stale`] while it
    /// is left alone so that it can fall asleep.
    ///
    /// The power management answers this itself and does not ask the device
    /// (Documentation/ABI/testing/sysfs-devices-power).
    pub(crate) fn may_be_read(&self) -> Result<(), Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { status, pauses } = &mut *state;
        match status.read() {
            Ok(status) if status.starts_with(b"suspend") => {
                pauses.suspended();
                Err(Fault::Asleep)
            }
            Ok(_) => pauses.may_be_read(),
            // A kernel without power management.
            Err(error) if error.fault() == Fault::Gone => Ok(()),
            Err(error) => Err(error.fault()),
        }
    }

    /// Has it been read for long enough that it is to pauses.
    #[cfg(test)]
    pub(crate) fn make_pause_due(&self) {
        let mut state = self.state.lock().unwrap();
        let now = monotonic();
        state.pauses.since = Some(now.saturating_sub(FIRST));
        state.pauses.last = now;
        state.pauses.gap = Duration::ZERO;
    }
}

/// When a device was left alone last, and will be next.
struct Pauses {
    path: PathBuf,
    /// The moment of the monotonic clock of the first reading since it last rested or slept.
    since: Option<Duration>,
    /// The moment of the last reading, and the longest time without one since then.
    last: Duration,
    gap: Duration,
    /// The moment at which the present rest ends.
    until: Option<Duration>,
    /// How long it is read before it is left alone.
    work: Duration,
}

/// How long a device is read before its first pauses. Each rest that it does not use to fall asleep
/// makes it twice as long until the next, up to the last.
const FIRST: Duration = Duration::from_secs(30);
const LAST: Duration = Duration::from_secs(16 * 60);

/// How much longer than the device's own delay it is left alone; and where the library of its
/// driver keeps it awake, until that is released.
const MARGIN: Duration = Duration::from_secs(2);
const LIBRARY: Duration = Duration::from_secs(12);

/// The driver with a library.
pub(crate) const NVIDIA: &str = "nvidia";

/// A delay longer than this is not waited for: the device is meant to stay awake.
const LONGEST: Duration = Duration::from_secs(30);

impl Pauses {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            since: None,
            last: Duration::ZERO,
            gap: Duration::ZERO,
            until: None,
            work: FIRST,
        }
    }

    /// The device sleeps: when it wakes, it is for somebody else.
    fn suspended(&mut self) {
        self.since = None;
        self.until = None;
        self.work = FIRST;
    }

    /// Whether a device that is awake may be read now; [`Fault::Stale`] while it rests.
    fn may_be_read(&mut self) -> Result<(), Fault> {
        self.at(monotonic())
    }

    fn at(&mut self, now: Duration) -> Result<(), Fault> {
        if let Some(until) = self.until {
            if now < until {
                return Err(Fault::Stale);
            }
            self.until = None;
            self.since = None;
            self.work = LAST.min(self.work.saturating_mul(2));
        }
        let since = *self.since.get_or_insert(now);
        if since < now {
            self.gap = self.gap.max(now.saturating_sub(self.last));
        }
        if now.saturating_sub(since) >= self.work {
            self.since = None;
            let gap = std::mem::take(&mut self.gap);
            // Who reads seldom leaves it alone anyway.
            if let Some(delay) = self.delay().filter(|delay| gap < *delay) {
                self.until = Some(now.saturating_add(delay));
                return Err(Fault::Stale);
            }
        }
        self.last = now;
        Ok(())
    }

    /// How long the device must be left alone until it sleeps; none if it may not sleep at all, or
    /// cannot because it shows a picture.
    fn delay(&self) -> Option<Duration> {
        let power = self.path.join("power");
        if File::attribute(power.join("control")).read().ok()? != b"auto\n" || shows(&self.path) {
            return None;
        }
        let driver = fs::read_link(self.path.join("driver")).unwrap_or_default();
        let has_library = driver.ends_with(NVIDIA);
        // Negative if it is never to sleep by itself; an error if there is no delay.
        let delay = match File::attribute(power.join("autosuspend_delay_ms")).read() {
            Ok(text) => parse::ended_number(text)?,
            Err(_) if has_library => 0,
            // It sleeps as soon as a reading has ended: none keeps it awake.
            Err(_) => return None,
        };
        let delay = Duration::from_millis(delay);
        let margin = if has_library { LIBRARY } else { MARGIN };
        (delay <= LONGEST).then_some(delay.saturating_add(margin))
    }
}

/// Whether a connector of the device drives a display: `drm/card0/card0-DP-1/enabled`, which says
/// what the kernel remembers.
fn shows(path: &Path) -> bool {
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

    /// A device that is read every so many seconds, up to a moment: those at which it is not.
    #[track_caller]
    fn check(files: &[(&str, &str)], every: usize, end: u64, expected: &[u64]) {
        let tree = Tree::new();
        for (path, text) in files {
            tree.write(path, text);
        }
        let mut pauses = Pauses::new(&tree.roots().sys);
        let rested: Vec<_> = (0..end)
            .step_by(every)
            .filter(|&second| pauses.at(seconds(1000 + second)).is_err())
            .collect();
        assert_eq!(rested, expected);
    }

    const AUTO: (&str, &str) = ("power/control", "auto\n");
    const FIVE: (&str, &str) = ("power/autosuspend_delay_ms", "5000\n");

    #[test]
    fn it_is_left_alone_ever_more_seldom() {
        let rests: Vec<_> = (30..37).chain(97..104).collect();
        check(&[AUTO, FIVE], 1, 220, &rests);
    }

    #[test]
    fn a_library_takes_longer() {
        let tree = Tree::new();
        tree.write(AUTO.0, AUTO.1);
        tree.link("driver", "bus/pci/drivers/nvidia");
        let mut pauses = Pauses::new(&tree.roots().sys);
        let rested = (0..60).filter(|&second| pauses.at(seconds(second)).is_err());
        assert!(rested.eq(30..42));
    }

    #[test]
    fn who_reads_seldom_is_never_refused() {
        check(&[AUTO, FIVE], 7, 2000, &[]);
        check(&[AUTO, FIVE], 3600, 100_000, &[]);
    }

    #[test]
    fn what_does_not_sleep_anyway_needs_no_rest() {
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
    fn sleep_begins_anew() {
        let tree = Tree::new();
        tree.write(AUTO.0, AUTO.1);
        tree.write(FIVE.0, FIVE.1);
        let mut pauses = Pauses::new(&tree.roots().sys);
        let first = |pauses: &mut Pauses, begin: u64| {
            (begin..).find(|&second| pauses.at(seconds(second)).is_err())
        };
        assert_eq!(first(&mut pauses, 0), Some(30));
        pauses.suspended();
        assert_eq!(first(&mut pauses, 31), Some(61));
    }
}
