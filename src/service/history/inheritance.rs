//! The history of a predecessor, and that for a successor.

use std::io;

use tracing::{debug, warn};

use crate::{
    reading::Stamp, service::runtime_directory::RuntimeDirectory, source::Roots, store::Store,
};

use super::{
    History,
    file::{self, Origin},
    microseconds,
    record::a_break,
    snapshots,
};

/// The file, in the runtime directory.
const FILE: &str = "history";

/// Whether the history of a predecessor is taken over, and one is to be left.
#[derive(Debug, Default)]
pub(super) struct Inheritance {
    /// The roots of a service; without them there is no file.
    roots: Option<Roots>,
    is_taken_over: bool,
    pub(super) has_new_records: bool,
}

impl History {
    /// Lets the history go on from one service to the next, of those with these roots.
    pub(crate) fn keep_across_services(&mut self, roots: &Roots) {
        self.inheritance.roots = Some(roots.clone());
    }

    /// Takes over the records of a predecessor, and its last counters as baselines, unless that was done before. To be called
    /// before the first record is added. A file that is damaged, or of another service, is ignored.
    pub(crate) fn take_over(&mut self, store: &Store) {
        if self.inheritance.is_taken_over || self.settings.span.is_zero() {
            return;
        }
        self.inheritance.is_taken_over = true;
        let Some(origin) = self.origin() else {
            return;
        };
        let limit = self.settings.bytes.saturating_mul(2);
        let limit = limit.saturating_add(snapshots::MAX_BYTES) as u64;
        let read = RuntimeDirectory::open().and_then(|directory| directory.read(FILE, limit));
        let now = Stamp::now();
        let moment = microseconds(now.boottime);
        let content = match read {
            Ok(content) => file::decode(&content, &origin, moment, self.settings.bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => Err(error.to_string()),
        };
        match content {
            Ok(content) => {
                store.inherit_counters(&content.counters);
                (self.table, self.ring) = (content.table, content.ring);
                // A tick that is under way may record the moment at which it began, before this one.
                let end = a_break(content.newest, now.realtime);
                self.ring.push(&end, self.settings.bytes);
                self.drop_excess(now);
            }
            Err(error) => warn!("the history of an earlier service is ignored: {FILE}: {error}"),
        }
    }

    /// Leaves the history to a successor, because the service ends. Without new records, what a predecessor has left
    /// stays.
    pub(crate) fn leave(&mut self, store: &Store) {
        let Some(origin) = self.origin().filter(|_| self.inheritance.has_new_records) else {
            return;
        };
        self.drop_excess(Stamp::now());
        let content = file::encode(&origin, &self.table, &self.ring, &store.last_counters());
        let written =
            RuntimeDirectory::open().and_then(|directory| directory.replace(FILE, &content));
        if let Err(error) = written {
            debug!("the history is not left to a successor: {error}");
        }
    }

    fn origin(&self) -> Option<Origin> {
        Origin::of_process(self.inheritance.roots.as_ref()?)
    }
}
