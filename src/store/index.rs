//! Which cell has an id: found at once, however many cells there are.

use std::{collections::HashMap, sync::Arc};

use crate::{metric::Metric, selector::Selector};

use super::{Inner, choice::Found, visibility::Visibility};

/// The ids of the cells that are on, as long as no cell is asked anew what it has.
pub(super) struct Index {
    /// The cell of each id, and the place among its metrics.
    ids: HashMap<Arc<str>, (usize, usize)>,
    /// The cells that have not said yet what they have.
    unknown: Vec<usize>,
}

impl Inner {
    /// Finds the metric of an id. Cells that have not said yet what they have are asked, one after the
    /// other, as far as they may have it.
    pub(super) fn find_id(&mut self, id: &str, view: Visibility, may_wait: bool) -> Found {
        let mut found = Found::default();
        let Ok(selector) = Selector::parse(id) else {
            return found;
        };
        let mut asked = Vec::new();
        loop {
            if let Some((at, metric)) = self.indexed(id, view) {
                found.is_any = true;
                found.metrics.push((at, metric));
                return found;
            }
            // Asking makes the members of a family, which are cells of their own.
            let unknown = self.index().unknown.clone();
            let next = unknown.into_iter().find(|at| {
                let cell = &mut self.cells[*at];
                !asked.contains(at) && view.shows(cell.is_custom) && cell.may_have(&selector)
            });
            let Some(at) = next else {
                return found;
            };
            asked.push(at);
            if may_wait && self.cells[at].is_discovery_awaited() {
                found.is_awaited = true;
                continue;
            }
            self.discover(at);
            let cell = &self.cells[at];
            found.complete &= cell.metrics.is_some();
            found.cause = found.cause.or_else(|| cell.trouble().cloned());
        }
    }

    fn indexed(&mut self, id: &str, view: Visibility) -> Option<(usize, Arc<Metric>)> {
        let (at, place) = *self.index().ids.get(id)?;
        // No id of a user is one that another source may have.
        if !view.shows(self.cells[at].is_custom) {
            return None;
        }
        let metric = self.cells[at].metrics.as_ref()?.get(place)?;
        Some((at, metric.clone()))
    }

    fn index(&mut self) -> &Index {
        let index = self.index.take().unwrap_or_else(|| self.make_index());
        self.index.insert(index)
    }

    fn make_index(&self) -> Index {
        let mut index = Index {
            ids: HashMap::new(),
            unknown: Vec::new(),
        };
        for (at, cell) in self.cells.iter() {
            match &cell.metrics {
                _ if !self.is_on(at) => {}
                None => index.unknown.push(at),
                Some(metrics) => {
                    for (place, metric) in metrics.iter().enumerate() {
                        // The first that has it is asked for it.
                        index.ids.entry(metric.id.clone()).or_insert((at, place));
                    }
                }
            }
        }
        index
    }
}
