//! Graphics processors: what amdgpu, i915, xe, nouveau and others tell in sysfs, DRM in fdinfo, and
//! NVIDIA's driver through its library.
//!
//! Nothing wakes a GPU. Whether one sleeps is read first, and of one that does nothing else; its
//! device in `/dev` is never opened; and one that is awake is left alone now and then, because it
//! would not fall asleep otherwise.

mod clients;
mod device;
#[cfg(feature = "nvml")]
mod nvml;
mod pci;
mod probe;
mod quantity;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use device::{Gpu, Gpus};
use probe::Probe;
use quantity::Quantity;

use crate::{
    metric::{Kind, Metric},
    rate::Formula,
    reading::{Fault, Raw},
    source::{
        self, About, Answered, Deferred, Error, NewMember, Roots, Source, family::Members,
        pool::Pool, runtime_pm::PowerStates,
    },
};

/// The family of the GPUs. It has a member for each quantity of each GPU, so that who asks for a
/// temperature makes no GPU tell its load.
pub(super) struct Family {
    gpus: Arc<Gpus>,
    pool: Pool,
    members: Members<(Whose, Quantity)>,
}

impl Family {
    pub(super) fn new(roots: &Roots, pool: &Pool, powers: PowerStates) -> Self {
        Self {
            gpus: Gpus::new(roots, pool, powers),
            pool: pool.clone(),
            members: Members::default(),
        }
    }
}

impl source::Family for Family {
    fn about(&self) -> About<'_> {
        About::new("gpu", &["gpu/*/*"]).of_devices(SUBSYSTEMS)
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        let gpus = self.gpus.find()?;
        let all = (!gpus.is_empty()).then_some(Whose::All);
        let each = gpus.iter().map(|gpu| Whose::One(gpu.number));
        let mut probe = self.members.probe();
        for whose in all.into_iter().chain(each) {
            let all = Quantity::ALL.into_iter();
            for quantity in all.filter(|quantity| whose != Whose::All || quantity.is_summed()) {
                probe.find(&(whose, quantity), || {
                    Box::new(Member::new(self.gpus.clone(), whose, quantity))
                });
            }
        }
        Ok(probe.finish())
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

/// Its members are, and share its pool.
impl Deferred for Family {
    fn when_answered(&mut self, tell: Answered) {
        self.pool.when_answered(tell);
    }
}

const SUBSYSTEMS: &[&str] = &["drm"];

/// One quantity, of one GPU or of all.
struct Member {
    gpus: Arc<Gpus>,
    whose: Whose,
    quantity: Quantity,
    /// Those that are there and have it.
    rows: Vec<Row>,
    /// What is asked whether they have it.
    asked: Vec<Probe>,
    changed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    All,
    One(usize),
}

/// A GPU and where it has the quantity.
struct Row {
    gpu: Gpu,
    probe: Probe,
}

impl Member {
    fn new(gpus: Arc<Gpus>, whose: Whose, quantity: Quantity) -> Self {
        Self {
            gpus,
            whose,
            quantity,
            rows: Vec::new(),
            asked: Vec::new(),
            changed: false,
        }
    }

    /// The GPUs that it is about.
    fn find(&self) -> Result<Vec<Gpu>, Error> {
        let mut gpus = self.gpus.find()?;
        gpus.retain(|gpu| match self.whose {
            Whose::All => true,
            Whose::One(number) => gpu.number == number,
        });
        Ok(gpus)
    }

    fn metrics(&self) -> Vec<Metric> {
        let Some(row) = self.rows.first() else {
            return Vec::new();
        };
        let (object, whose) = match self.whose {
            Whose::All => ("all".to_owned(), "GPUs,".to_owned()),
            Whose::One(number) => {
                let Gpu { driver, .. } = &row.gpu;
                let whose = format!("GPU {number} ({driver} {})", row.gpu.address());
                (format!("gpu{number}"), whose)
            }
        };
        let width = self.quantity.width();
        let properties = self.quantity.properties().iter().enumerate();
        properties
            .map(|(place, property)| {
                let formula = match self.whose {
                    Whose::One(_) => row.probe.formula(place),
                    Whose::All if self.rows.iter().any(|row| row.probe.is_counted()) => {
                        Formula::Mean {
                            owner: width,
                            first: width.saturating_add(1),
                            step: width.saturating_add(1),
                        }
                    }
                    Whose::All => Formula::Level(place),
                };
                let mut metric = property.of("gpu", object.as_bytes(), &whose, formula);
                if metric.formula.needs_baseline() {
                    metric.kind = Kind::Rate;
                }
                if self.quantity == Quantity::Temperature {
                    metric.minimum = None;
                }
                metric
            })
            .collect()
    }
}

impl Source for Member {
    fn about(&self) -> About<'_> {
        About::new("gpu", self.quantity.scope()).of_devices(SUBSYSTEMS)
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let row = |gpu| {
            Some(Row {
                probe: Probe::find(&self.gpus, &gpu, self.quantity)?,
                gpu,
            })
        };
        self.rows = self.find()?.into_iter().filter_map(row).collect();
        self.asked.clear();
        self.changed = false;
        Ok(self.metrics())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let width = self.quantity.width();
        columns.resize(width, Raw::Fault(Fault::Gone));
        match self.whose {
            Whose::One(_) => {
                let Some(row) = self.rows.first_mut() else {
                    return Ok(());
                };
                let outcome = row.read(columns);
                // Perhaps its sensors have another number now.
                let is_gone = |error: &Error| error.fault() == Fault::Gone;
                self.changed = outcome.as_ref().is_err_and(is_gone);
                outcome
            }
            Whose::All => {
                for row in &mut self.rows {
                    // Whose the row is, for the GPUs that are there may be others the next time.
                    columns.push(Raw::Counter(row.gpu.number as u64));
                    let first = columns.len();
                    columns.resize(first.saturating_add(width), Raw::Fault(Fault::Gone));
                    let columns = &mut columns[first..];
                    if let Err(error) = row.read(columns) {
                        columns.fill(Raw::Fault(error.fault()));
                    }
                }
                let (all, rows) = columns.split_at_mut(width);
                self.quantity.sum(rows, all);
                Ok(())
            }
        }
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }
}

impl Deferred for Member {
    fn begin_discovery(&mut self, since: Duration) {
        if !self.gpus.has_nvidia() {
            return;
        }
        // What is wrong here is found out by discovery.
        for gpu in self.find().unwrap_or_default() {
            if let Some(probe) = Probe::find(&self.gpus, &gpu, self.quantity)
                && probe.is_of_library()
                && gpu.may_be_read().is_ok()
            {
                probe.begin(since);
                self.asked.push(probe);
            }
        }
    }

    fn begin(&mut self, since: Duration) {
        for row in &self.rows {
            if row.gpu.may_be_read().is_ok() {
                row.probe.begin(since);
            }
        }
    }

    fn awaited_until(&self) -> Option<Instant> {
        let rows = self.rows.iter().map(|row| &row.probe);
        let probes = rows.chain(&self.asked);
        probes.filter_map(Probe::awaited_until).min()
    }
}

impl Row {
    /// Reads the GPU if it is awake; [`Fault::Asleep`] is no failure.
    fn read(&mut self, columns: &mut [Raw]) -> Result<(), Error> {
        if let Some(known) = self.probe.known() {
            columns[0] = known;
            return Ok(());
        }
        let outcome = match self.gpu.may_be_read() {
            Ok(()) => self.probe.read(columns),
            Err(fault) => {
                columns.fill(Raw::Fault(fault));
                return Ok(());
            }
        };
        // It may have fallen asleep in between, and then drivers answer EPERM.
        if outcome.is_err() && self.gpu.may_be_read() == Err(Fault::Asleep) {
            columns.fill(Raw::Fault(Fault::Asleep));
            return Ok(());
        }
        outcome
    }
}
