//! A GPU and the reader of one of its quantities.

use std::sync::{Arc, atomic::Ordering};

use nix::libc;

use super::{
    columns::{COUNTER, GATE, MOMENT},
    device::{Gpu, Gpus},
    quantity::GpuQuantity,
    reader::QuantityReader,
};
use crate::{
    reading::{Fault, Raw, Stamp},
    source::Error,
};

/// A GPU and the reader of its quantity.
pub(super) struct GpuReader {
    pub(super) gpu: Gpu,
    pub(super) reader: QuantityReader,
    quantity: GpuQuantity,
    /// The last reading of a counter, its time, and the moment on all clocks.
    last: Option<([u64; 2], Stamp)>,
}

impl GpuReader {
    /// The reader, if the GPU has the quantity.
    pub(super) fn find(gpus: &Arc<Gpus>, gpu: Gpu, quantity: GpuQuantity) -> Option<Self> {
        if quantity == GpuQuantity::Usage {
            probe_busy_percent(&gpu);
        }
        Some(Self {
            reader: QuantityReader::find(gpus, &gpu, quantity)?,
            gpu,
            quantity,
            last: None,
        })
    }

    /// The same, with the last reading of a reader of the same GPU.
    pub(super) fn after(self, before: &Self) -> Self {
        let is_same = before.reader.is_counter() && self.reader.is_counter();
        Self {
            last: before.last.filter(|_| is_same),
            ..self
        }
    }

    /// Whether the device may be read, or need not be woken for that.
    pub(super) fn may_be_read(&self) -> Result<(), Fault> {
        match self.reader.wakes_nothing() {
            true => Ok(()),
            false => self.gpu.may_be_read(),
        }
    }

    /// Reads the GPU if it may be read. [`Fault::Asleep`] is not an error.
    pub(super) fn read(&mut self, columns: &mut [Raw]) -> Result<(), Error> {
        if let Some(cached) = self.reader.cached() {
            columns[0] = cached;
            return Ok(());
        }
        if let Err(fault) = self.may_be_read() {
            self.hold(fault, columns);
            return Ok(());
        }
        let outcome = self.reader.read(columns);
        // The GPU may have suspended in between, and then drivers answer EPERM.
        if outcome.is_err() && self.may_be_read() == Err(Fault::Asleep) {
            self.hold(Fault::Asleep, columns);
            return Ok(());
        }
        if outcome.is_ok() && self.reader.is_counter() {
            match (&columns[COUNTER], &columns[MOMENT]) {
                (Raw::Counter(counter), Raw::Counter(moment)) => {
                    self.last = Some(([*counter, *moment], Stamp::now()));
                }
                (Raw::Fault(Fault::Timeout), _) => self.hold(Fault::Timeout, columns),
                // The counter grew, and nobody knows by how much.
                _ => self.last = None,
            }
        }
        outcome
    }

    /// Notes that `gpu_busy_percent` is of no use, if the driver says so by this error. Returns whether it does: the clients
    /// tell the usage then.
    pub(super) fn note_unsupported(&self, error: &Error) -> bool {
        let is_busy_percent =
            self.quantity == GpuQuantity::Usage && matches!(self.reader, QuantityReader::Number(_));
        let is_unsupported = is_busy_percent && is_unsupported(error);
        if is_unsupported {
            self.gpu.lacks_busy_percent().store(true, Ordering::Relaxed);
        }
        is_unsupported
    }

    /// The columns while the device is not read: the baseline stays, but not over a suspend of the machine.
    fn hold(&self, fault: Fault, columns: &mut [Raw]) {
        columns.fill(Raw::Fault(fault));
        let last = self.last.filter(|(_, stamp)| !stamp.is_before_suspend());
        if let Some(([counter, moment], _)) = last {
            columns[COUNTER] = Raw::Counter(counter);
            columns[MOMENT] = Raw::Counter(moment);
            columns[GATE] = Raw::Fault(fault);
        }
    }
}

/// Finds out whether `gpu_busy_percent` has a value: the firmware of some GPUs knows none, and the file exists all the
/// same. A GPU that may not be read is left alone.
fn probe_busy_percent(gpu: &Gpu) {
    if let Some(mut file) = gpu.attribute("gpu_busy_percent")
        && gpu.may_be_read().is_ok()
    {
        let fails = match file.read() {
            Err(error @ Error::Io { .. }) => error.fault() != Fault::Gone,
            _ => false,
        };
        gpu.lacks_busy_percent().store(fails, Ordering::Relaxed);
    }
}

/// Whether a driver says by its error that it will never have the value.
fn is_unsupported(error: &Error) -> bool {
    /// ENOTSUPP of linux/errno.h, which drivers let through.
    const ENOTSUPP: i32 = 524;
    let Error::Io { cause, .. } = error else {
        return false;
    };
    matches!(
        cause.raw_os_error(),
        Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL | ENOTSUPP)
    )
}

#[cfg(test)]
mod tests {
    use std::{io, path::Path};

    use super::*;

    #[test]
    fn a_driver_says_that_it_has_no_value_for_good() {
        let check = |number, expected| {
            let error = Error::io(Path::new("/x"), io::Error::from_raw_os_error(number));
            assert_eq!(is_unsupported(&error), expected, "{error}");
        };
        for number in [libc::EOPNOTSUPP, libc::EINVAL, libc::ENOSYS, 524] {
            check(number, true);
        }
        for number in [libc::EPERM, libc::EBUSY, libc::EAGAIN, libc::ENODEV] {
            check(number, false);
        }
        assert!(!is_unsupported(&Error::malformed(Path::new("/x"), "65535")));
    }
}
