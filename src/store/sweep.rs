//! Discovering the entries again that are due, in steps: a machine may have thousands of devices.

use std::time::Instant;

use tokio::task::yield_now;

use super::{Inner, Store, changes::Changes, discovery::STEP};

impl Store {
    /// Counts the changes of the metrics that can be selected.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Discovers again the entries that are due, in steps between which other calls have their turn. One task does so at a
    /// time, and returns the changes for the others, too. What a task has not finished that was dropped, the next one does.
    pub(super) async fn sweep(&self) -> Changes {
        let _turn = self.sweep.lock().await;
        loop {
            if let Some(changes) = self.lock().sweep_step() {
                return changes;
            }
            yield_now().await;
        }
    }
}

impl Inner {
    /// Discovers again some of the entries that are due. Returns the changes when none is left.
    fn sweep_step(&mut self) -> Option<Changes> {
        let begin = Instant::now();
        while let Some((&number, &since)) = self.due.first_key_value() {
            let entry = self.entries.get_mut(number);
            if !entry.is_some_and(|entry| entry.prepare_discovery(since)) {
                self.due.remove(&number);
                let mut changes = std::mem::take(&mut self.changes);
                self.rediscover_entry(number, &mut changes);
                self.changes = changes;
            }
            if begin.elapsed() >= STEP {
                return None;
            }
        }
        let changes = std::mem::take(&mut self.changes);
        if !changes.is_empty() {
            self.forget_resolved();
        }
        Some(changes)
    }
}
