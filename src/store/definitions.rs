//! The metrics that the user defines.

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use crate::{
    reading::{Fault, monotonic},
    source::{Definitions, DefinitionsDirectory, DefinitionsSummary, Provider},
};

use super::{Store, entry::Entry, prefetch::DISCOVERY_TIMEOUT};

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

    /// Reads all files of the user's definitions again, also if no caller has needed them, and waits for the result of that
    /// reading. `None` if there are no such files, or their source is switched off.
    pub async fn read_all_definitions(&self) -> Option<DefinitionsDirectory> {
        /// While nothing else says when to look again.
        const LOOK_INTERVAL: Duration = Duration::from_millis(20);
        let (number, path, since) = {
            let inner = &mut *self.lock();
            let number = *inner.definitions.first()?;
            if !inner.is_on(number) {
                return None;
            }
            let read = |source: &Provider| {
                let definitions = source.definitions()?;
                Some((definitions.path().to_owned(), definitions.read_all()))
            };
            let (path, since) = inner.entries.get_mut(number)?.ask(read)??;
            (number, path, since)
        };
        let mut read = None;
        let deadline = monotonic().saturating_add(DISCOVERY_TIMEOUT);
        self.wait(deadline, |inner| {
            let entry = inner.entries.get_mut(number)?;
            read = entry.definitions_since(since);
            let is_pending = read.is_none();
            let until = entry.awaited_until();
            let until = until.or_else(|| Instant::now().checked_add(LOOK_INTERVAL));
            until.filter(|_| is_pending)
        })
        .await;
        let read = read.unwrap_or(Err(Fault::Timeout));
        Some(DefinitionsDirectory { path, read })
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

    /// The result of the last reading of the user's definitions, if it has begun since.
    fn definitions_since(&mut self, since: Duration) -> Option<Result<DefinitionsSummary, Fault>> {
        self.ask(|source| source.definitions()?.read_since(since))
            .flatten()
    }

    /// A descriptor that becomes readable when the user's definitions may have changed.
    pub(super) fn definitions_fd(&mut self) -> Option<OwnedFd> {
        self.ask(|source| source.definitions()?.change_fd())
            .flatten()
    }
}
