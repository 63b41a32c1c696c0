//! The kernel's lists of devices, to see whether a source has to be discovered again.

use std::time::Duration;

use crate::source::last_probe::LastProbe;

/// The lists do not show every change of a device (a label, a file that a driver makes later): a source is
/// discovered again when its last probe is older than this, also where the lists are equal.
const MAX_AGE: Duration = Duration::from_secs(10);

/// The kernel's lists of the subsystems of one source, at the last probe for a caller of `List`.
pub(super) struct KnownDevices {
    /// The subsystems. A source without devices has none.
    subsystems: &'static [&'static str],
    /// The hashes of the lists; `None` if one was not readable.
    hashes: Option<Vec<u64>>,
    last_probe: LastProbe,
}

impl KnownDevices {
    pub(super) fn new(subsystems: &'static [&'static str]) -> Self {
        Self {
            subsystems,
            hashes: None,
            last_probe: LastProbe::default(),
        }
    }

    /// The kernel subsystems of the devices.
    pub(super) fn subsystems(&self) -> &'static [&'static str] {
        self.subsystems
    }

    /// Whether the devices may be others than at the last probe: the lists differ, the source has a problem, or the
    /// probe is old. If so, the caller probes now. `listed` gives the hash of the list of a subsystem.
    pub(super) fn may_differ(
        &mut self,
        listed: &mut impl FnMut(&'static str) -> Option<u64>,
        has_problem: bool,
        now: Duration,
    ) -> bool {
        if self.subsystems.is_empty() {
            return false;
        }
        let hashes = self.listed(listed);
        let is_other = hashes.is_none() || hashes != self.hashes || has_problem;
        let is_due = self.last_probe.again(now, MAX_AGE, || is_other);
        if is_due {
            // The lists were read before the probe, so a device that comes during it shows the next time.
            self.hashes = hashes;
        }
        is_due
    }

    /// Whether the lists differ from those at the last probe. If so, the caller probes now.
    pub(super) fn differ(&mut self, listed: &mut impl FnMut(&'static str) -> Option<u64>) -> bool {
        if self.subsystems.is_empty() {
            return false;
        }
        let hashes = self.listed(listed);
        let is_other = hashes.is_none() || hashes != self.hashes;
        self.hashes = hashes;
        is_other
    }

    fn listed(&self, listed: &mut impl FnMut(&'static str) -> Option<u64>) -> Option<Vec<u64>> {
        self.subsystems.iter().map(|name| listed(name)).collect()
    }
}
