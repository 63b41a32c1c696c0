//! A member of the family: one quantity, of one GPU or of all.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    SUBSYSTEMS,
    columns::{COUNTER, GATE},
    device::{Gpu, Gpus},
    gpu_reader::GpuReader,
    memory_sizes::MemorySizes,
    quantity::{GpuQuantity, USED},
    reader::QuantityReader,
};
use crate::{
    metric::{Group, Kind, Metric, Object},
    rate::{Formula, RowOwner},
    reading::{Fault, Raw},
    source::{About, Deferred, Error, Source, property::Range, rows::Devices},
};

/// One quantity, of one GPU or of all.
pub(super) struct Member {
    gpus: Arc<Gpus>,
    target: Target,
    quantity: GpuQuantity,
    /// The GPUs that are present and have the quantity, by the numbers of their registrations.
    readers: Devices<u64, GpuReader>,
    /// The scale and the limits of one GPU. Kept for when it may not be read.
    range: Range,
    /// The size of the memory. Kept like the range.
    total: Option<f64>,
    /// The sizes of all of which it is the sum.
    sizes: MemorySizes,
    /// The readers that were asked in this discovery whether their GPU has the quantity.
    queried: Vec<QuantityReader>,
    changed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    All,
    One(usize),
}

impl Member {
    pub(super) fn new(gpus: Arc<Gpus>, target: Target, quantity: GpuQuantity) -> Self {
        Self {
            gpus,
            target,
            quantity,
            readers: Devices::default(),
            range: Range::default(),
            total: None,
            sizes: MemorySizes::default(),
            queried: Vec::new(),
            changed: false,
        }
    }

    /// The GPUs of the target.
    fn find(&self) -> Result<Vec<Gpu>, Error> {
        let mut gpus = self.gpus.find()?;
        gpus.retain(|gpu| match self.target {
            Target::All => !gpu.is_part,
            Target::One(number) => gpu.number == number,
        });
        Ok(gpus)
    }

    /// Finds the limits that its metrics have.
    fn find_limits(&mut self) {
        let readers = self.readers.iter_mut().flatten();
        let mut readers = readers.map(|row| &mut row.state).peekable();
        match (self.target, readers.peek_mut()) {
            (Target::One(_), Some(each))
                if self.quantity.has_range() && each.gpu.may_be_read().is_ok() =>
            {
                self.range = each.reader.range();
                self.total = each.reader.memory_size().or(self.total);
            }
            (Target::All, _) if self.quantity == GpuQuantity::Memory => {
                self.sizes.read(readers);
                self.total = self.sizes.sum();
            }
            _ => {}
        }
    }

    fn readers(&self) -> impl Iterator<Item = &GpuReader> {
        let rows = self.readers.iter().flatten();
        rows.map(|row| &row.state)
    }

    fn metrics(&self) -> Vec<Metric> {
        let Some(each) = self.readers().next() else {
            return Vec::new();
        };
        let (id, object) = match self.target {
            Target::All => ("all".to_owned(), Object::new("All GPUs", Group::Graphics)),
            Target::One(number) => (format!("gpu{number}"), each.gpu.object(&self.gpus.roots)),
        };
        let width = self.quantity.width();
        let properties = self.quantity.properties().iter().enumerate();
        properties
            .map(|(column, property)| {
                let formula = match self.target {
                    Target::One(_) => each.reader.formula(column),
                    Target::All if self.readers().any(|each| each.reader.is_counter()) => {
                        let first = width.saturating_add(1);
                        Formula::Mean {
                            owner: width,
                            first: first.saturating_add(COUNTER),
                            gate: first.saturating_add(GATE),
                            step: first,
                        }
                    }
                    Target::All => Formula::Level(column),
                };
                let mut metric = property.of("gpu", id.as_bytes(), &object, formula);
                if metric.formula.needs_baseline() {
                    metric.kind = Kind::Rate;
                }
                self.range.apply(&mut metric);
                if column == USED {
                    metric.maximum = self.total.or(metric.maximum);
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
        let reader = |gpu| GpuReader::find(&self.gpus, gpu, self.quantity);
        let found = self.find()?.into_iter().filter_map(reader);
        let found = found.map(|reader| (reader.gpu.owner, reader));
        self.readers.arrange(found, |before, reader| match before {
            Some(before) => reader.after(&before),
            None => reader,
        });
        self.find_limits();
        self.queried.clear();
        self.changed = false;
        Ok(self.metrics())
    }

    fn read(&mut self, columns: &mut Vec<Raw>) -> Result<(), Error> {
        let width = self.quantity.width();
        columns.resize(width, Raw::Fault(Fault::Gone));
        match self.target {
            Target::One(_) => {
                let Some(row) = self.readers.iter_mut().flatten().next() else {
                    return Ok(());
                };
                let each = &mut row.state;
                let outcome = each.read(columns);
                // The hwmon directory may have another number now.
                let is_gone = |error: &Error| error.fault() == Fault::Gone;
                let is_other = |error| is_gone(error) || each.note_unsupported(error);
                self.changed = outcome.as_ref().is_err_and(is_other);
                outcome
            }
            Target::All => {
                for row in self.readers.iter_mut() {
                    let Some(row) = row else {
                        let end = columns.len().saturating_add(width).saturating_add(1);
                        columns.resize(end, Raw::Fault(Fault::Gone));
                        continue;
                    };
                    let each = &mut row.state;
                    // The owner of the row: at the next reading, other GPUs may be present.
                    columns.push(RowOwner::new(each.gpu.owner, 0).column());
                    let first = columns.len();
                    columns.resize(first.saturating_add(width), Raw::Fault(Fault::Gone));
                    let columns = &mut columns[first..];
                    if let Err(error) = each.read(columns) {
                        self.changed |= each.note_unsupported(&error);
                        columns.fill(Raw::Fault(error.fault()));
                    }
                }
                let (all, rows) = columns.split_at_mut(width);
                self.quantity.sum(rows, all);
                if self.quantity == GpuQuantity::Memory {
                    let rows = rows.chunks_exact(width.saturating_add(1));
                    self.changed |= self.sizes.are_fewer_than(rows);
                }
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
        // Discovery reports the error.
        for gpu in self.find().unwrap_or_default() {
            if let Some(reader) = QuantityReader::find(&self.gpus, &gpu, self.quantity)
                && reader.is_nvml()
                && gpu.may_be_read().is_ok()
            {
                reader.begin(since);
                self.queried.push(reader);
            }
        }
    }

    fn begin(&mut self, since: Duration) {
        for each in self.readers() {
            if each.may_be_read().is_ok() {
                each.reader.begin(since);
            }
        }
    }

    fn awaited_until(&self) -> Option<Instant> {
        let found = self.readers().map(|each| &each.reader);
        let readers = found.chain(&self.queried);
        readers.filter_map(QuantityReader::awaited_until).min()
    }

    #[cfg(test)]
    fn is_pending(&self) -> bool {
        self.readers().any(|each| each.reader.is_pending())
    }
}
