//! The index from ids to entries: finding an id takes the same time however many entries there are.

use std::{collections::HashMap, sync::Arc};

use crate::{metric::Metric, selector::Selector};

use super::{Inner, discovery::Discovery, matches::Matches, visibility::Visibility};

/// The ids of the entries that are switched on. Valid until an entry is discovered again.
pub(super) struct Index {
    /// For each id the number of its entry and its position among the metrics there.
    ids: HashMap<Arc<str>, (usize, usize)>,
    /// The entries without a successful discovery.
    undiscovered: Vec<usize>,
}

impl Inner {
    /// Finds the metric of an id. Discovers, one after the other, the entries that may have it and were not
    /// discovered before.
    pub(super) fn find_id(
        &mut self,
        id: &str,
        visibility: Visibility,
        discovery: &mut Discovery,
    ) -> Matches {
        let mut matches = Matches::default();
        let Ok(selector) = Selector::parse(id) else {
            return matches;
        };
        let mut asked = Vec::new();
        loop {
            if let Some((number, metric)) = self.indexed(id, visibility) {
                matches.is_any = true;
                matches.metrics.push((number, metric));
                return matches;
            }
            // The discovery of a family adds its members as entries, so the list is read again each time.
            let undiscovered = self.index().undiscovered.clone();
            let next = undiscovered.into_iter().find(|number| {
                let entry = &mut self.entries[*number];
                !asked.contains(number)
                    && visibility.includes(entry.is_custom)
                    && entry.may_have(&selector)
            });
            let Some(number) = next else {
                return matches;
            };
            asked.push(number);
            self.discover_for(&mut matches, number, discovery);
            if matches.is_unfinished {
                return matches;
            }
        }
    }

    fn indexed(&mut self, id: &str, visibility: Visibility) -> Option<(usize, Arc<Metric>)> {
        let (number, position) = *self.index().ids.get(id)?;
        // A custom metric cannot have the id of another source, so there is no visible metric with this id.
        if !visibility.includes(self.entries[number].is_custom) {
            return None;
        }
        let metric = self.entries[number].metrics.as_ref()?.get(position)?;
        Some((number, metric.clone()))
    }

    fn index(&mut self) -> &Index {
        let index = self.index.take().unwrap_or_else(|| self.make_index());
        self.index.insert(index)
    }

    fn make_index(&self) -> Index {
        let mut index = Index {
            ids: HashMap::new(),
            undiscovered: Vec::new(),
        };
        for (number, entry) in self.entries.iter() {
            match &entry.metrics {
                _ if !self.is_on(number) => {}
                None => index.undiscovered.push(number),
                Some(metrics) => {
                    for (position, metric) in metrics.iter().enumerate() {
                        // The first entry with an id serves it.
                        index
                            .ids
                            .entry(metric.id.clone())
                            .or_insert((number, position));
                    }
                }
            }
        }
        index
    }
}
