//! The statistics of the queues of a whole GPU: `gpu_stats` of v3d.

use std::sync::{Arc, Mutex, PoisonError};

use super::number_file::malformed;
use crate::source::{Error, device::Attribute, parse};

/// The queues of a GPU, with the work of all clients.
///
/// Documentation/ABI has no page of it: see `gpu_stats_show` in drivers/gpu/drm/v3d/v3d_sysfs.c.
pub(super) struct QueueStats {
    file: Attribute,
    counter: Arc<Mutex<QueueCounter>>,
}

/// The sum over the readings of the file by all callers.
#[derive(Default)]
pub(super) struct QueueCounter {
    before: Vec<QueueRecord>,
    busy: u64,
}

/// A line of the file.
///
/// ```text
/// queue    timestamp    jobs    runtime
/// bin    239043069420    22620    17438164056
/// render    239043069420    22619    27284814161
/// ```
#[derive(Clone, Debug, PartialEq)]
struct QueueRecord {
    queue: Vec<u8>,
    /// The time of the reading, in nanoseconds.
    timestamp: u64,
    /// The nanoseconds for which the queue was busy.
    runtime: u64,
}

impl QueueStats {
    pub(super) fn new(file: Attribute, counter: &Arc<Mutex<QueueCounter>>) -> Self {
        Self {
            file,
            counter: counter.clone(),
        }
    }

    /// The time for which the busiest queue worked, summed over the intervals between readings, and the time of this
    /// reading, both in nanoseconds.
    pub(super) fn busy(&mut self) -> Result<[u64; 2], Error> {
        let queues = queues(self.file.read()?);
        let Some(moment) = queues.first().map(|queue| queue.timestamp) else {
            return Err(malformed(&self.file));
        };
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        let QueueCounter { before, busy } = &mut *counter;
        let growth = |queue: &QueueRecord| {
            let before = before.iter().find(|known| known.queue == queue.queue)?;
            Some(queue.runtime.saturating_sub(before.runtime))
        };
        let busiest = queues.iter().filter_map(growth).max().unwrap_or(0);
        *busy = busy.saturating_add(busiest);
        *before = queues;
        Ok([*busy, moment])
    }
}

/// The lines with numbers.
fn queues(text: &[u8]) -> Vec<QueueRecord> {
    let records = parse::ended_lines(text).filter(|(_, ended)| *ended);
    let records = records.filter_map(|(line, _)| {
        let (queue, rest) = parse::word(line);
        let mut numbers = parse::numbers(rest);
        Some(QueueRecord {
            queue: queue.to_vec(),
            timestamp: numbers.next()?,
            runtime: numbers.nth(1)?,
        })
    });
    records.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{
        device::{Device, Losses},
        tests::Tree,
    };

    #[test]
    fn the_busiest_queue_counts() {
        let tree = Tree::new();
        let write = |timestamp: u64, bin: u64, render: u64| {
            let text = format!(
                "queue\ttimestamp\tjobs\truntime\nbin\t{timestamp}\t1\t{bin}\nrender\t{timestamp}\t2\t{render}\n"
            );
            tree.write("gpu_stats", &text);
        };
        write(1000, 100, 500);
        let device = Device::new(tree.roots().sys, None, &Losses::default());
        let mut stats = QueueStats::new(device.attribute("gpu_stats"), &Arc::default());
        assert_eq!(stats.busy().unwrap(), [0, 1000]);
        write(2000, 800, 600);
        assert_eq!(stats.busy().unwrap(), [700, 2000]);
        write(3000, 850, 900);
        assert_eq!(stats.busy().unwrap(), [1000, 3000]);
        tree.write("gpu_stats", "queue\ttimestamp\tjobs\truntime\n");
        assert!(stats.busy().is_err());
    }
}
