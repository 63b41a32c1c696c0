//! The metrics that the user defines.

use std::os::fd::OwnedFd;

use crate::source::{Definitions, Provider};

use super::{Store, entry::Entry};

impl Store {
    /// Whether a source has custom metrics.
    pub fn has_custom(&self) -> bool {
        self.lock().entries.iter().any(|(_, entry)| entry.is_custom)
    }

    /// Has all files of the user's definitions read again, if a caller has needed them. A later frame or call has the
    /// metrics.
    pub fn read_definitions_again(&self) {
        let inner = &mut *self.lock();
        for &number in &inner.definitions {
            if let Some(entry) = inner.entries.get_mut(number) {
                entry.read_definitions_again();
            }
        }
    }

    /// A descriptor that becomes readable when the user's definitions may have changed. `None` while no caller has
    /// needed them.
    pub fn definitions_fd(&self) -> Option<OwnedFd> {
        let inner = &mut *self.lock();
        let mut definitions = inner.definitions.iter();
        definitions.find_map(|&number| inner.entries.get_mut(number)?.definitions_fd())
    }
}

impl Entry {
    /// Begins to probe the user's definitions, if the source has any. Returns whether an answer will come later.
    pub(super) fn probe_definitions(&mut self, closely: bool) -> bool {
        let probe = |source: &Provider| source.definitions().is_some_and(|all| all.probe(closely));
        self.ask(probe).unwrap_or(false)
    }

    /// Has the files of the user's definitions read again, if the source has any.
    pub(super) fn read_definitions_again(&mut self) {
        self.ask(|source| source.definitions().map(Definitions::read_again));
    }

    /// A descriptor that becomes readable when the user's definitions may have changed.
    pub(super) fn definitions_fd(&mut self) -> Option<OwnedFd> {
        self.ask(|source| source.definitions()?.change_fd())
            .flatten()
    }
}
