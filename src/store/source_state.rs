//! The states of the sources, for the method `Sources`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use super::Store;

/// The state of a source: that of all its entries together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The name of the source.
    pub name: Arc<str>,
    /// `off`, `unused` (no caller has needed it), `failing` (an entry has a problem) or `ok`.
    pub state: &'static str,
    /// The number of its metrics.
    pub metrics: u32,
    /// The number of reads of its entries.
    pub reads: u64,
    /// The time that these reads took.
    pub cost: Duration,
    /// The problems that are not cleared yet, one a line; empty if there is none.
    pub error: String,
    /// Whether its metrics are custom.
    pub is_custom: bool,
    /// The directory of the user's definitions, if the source is their family.
    pub path: Option<PathBuf>,
}

impl Store {
    /// The state of each source, sorted by name.
    pub fn sources(&self) -> Vec<SourceState> {
        let inner = self.lock();
        let mut sources = BTreeMap::<&str, SourceState>::new();
        for (number, entry) in inner.entries.iter() {
            let is_on = inner.is_on(number);
            let source = sources.entry(&entry.name).or_insert_with(|| SourceState {
                name: entry.name.clone(),
                state: if is_on { "unused" } else { "off" },
                metrics: 0,
                reads: 0,
                cost: Duration::ZERO,
                error: String::new(),
                is_custom: entry.is_custom,
                path: None,
            });
            if let Some(definitions) = entry.source.definitions() {
                source.path = Some(definitions.path().to_owned());
            }
            let metrics = entry.metrics.as_ref().map_or(0, Vec::len);
            let metrics = u32::try_from(metrics).unwrap_or(u32::MAX);
            source.metrics = source.metrics.saturating_add(metrics);
            source.reads = source.reads.saturating_add(entry.reads);
            source.cost = source.cost.saturating_add(entry.cost);
            if !is_on {
                continue;
            }
            if let Some(problem) = entry.problem() {
                source.state = "failing";
                if !source.error.contains(problem) {
                    let separator = if source.error.is_empty() { "" } else { "\n" };
                    source.error.push_str(separator);
                    source.error.push_str(problem);
                }
            } else if entry.metrics.is_some() && source.state == "unused" {
                source.state = "ok";
            }
        }
        sources.into_values().collect()
    }
}
