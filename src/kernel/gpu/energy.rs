//! Counters of energy.

use super::number_file::parsed;
use crate::{
    reading::{Fault, monotonic},
    source::{Error, device::Attribute, parse},
};

/// A counter of microjoules: `energy1_input`.
///
/// <https://docs.kernel.org/hwmon/sysfs-interface.html>
pub(super) struct EnergyCounter {
    file: Attribute,
    /// The first reading, while the counter has not moved. An active GPU always uses energy: a counter that has never
    /// moved counts nothing.
    first: Option<[u64; 2]>,
    has_moved: bool,
}

/// The counter and the time of its reading in nanoseconds, and the fault while it has never moved.
pub(super) struct EnergyReading {
    pub(super) columns: [u64; 2],
    pub(super) gate: Option<Fault>,
}

impl EnergyCounter {
    pub(super) fn new(file: Attribute) -> Self {
        Self {
            file,
            first: None,
            has_moved: false,
        }
    }

    pub(super) fn read(&mut self) -> Result<EnergyReading, Error> {
        let counter = parsed(&mut self.file, parse::ended_number)?;
        let now = [counter, monotonic().as_nanos() as u64];
        self.has_moved |= self.first.is_some_and(|[first, _]| first != counter);
        Ok(match self.first {
            Some(first) if !self.has_moved => EnergyReading {
                columns: first,
                gate: Some(Fault::Stale),
            },
            _ => {
                self.first.get_or_insert(now);
                EnergyReading {
                    columns: now,
                    gate: None,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{
        device::{Device, Losses},
        tests::Tree,
    };

    #[test]
    fn a_counter_that_never_moves_counts_nothing() {
        let tree = Tree::new();
        tree.write("energy1_input", "5000\n");
        let device = Device::new(tree.roots().sys, None, &Losses::default());
        let mut energy = EnergyCounter::new(device.attribute("energy1_input"));
        let first = energy.read().unwrap();
        assert_eq!((first.columns[0], first.gate), (5000, None));
        let stuck = energy.read().unwrap();
        assert_eq!(stuck.gate, Some(Fault::Stale));
        assert_eq!(stuck.columns, first.columns);
        tree.write("energy1_input", "6000\n");
        assert_eq!(energy.read().unwrap().gate, None);
        // Two readings within one update of the counter.
        assert_eq!(energy.read().unwrap().gate, None);
    }
}
