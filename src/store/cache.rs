//! The cache of resolved lists of selectors.

use std::{collections::HashMap, sync::Arc};

use super::{selection::Selection, visibility::Visibility};

/// The limits of the cache: the lists, the bytes of the selectors of one list, and the columns of all.
const MAX_LISTS: usize = 64;
const MAX_LIST_BYTES: usize = 4096;
const MAX_COLUMNS: usize = 16384;

/// A list of selectors, and the conditions under which it is resolved.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) selectors: &'a [&'a str],
    pub(super) visibility: Visibility,
    pub(super) is_optional: bool,
}

/// Selections by their selectors.
#[derive(Default)]
pub(super) struct Cache {
    lists: HashMap<Key, Arc<Selection>>,
    columns: usize,
}

/// The conditions, and the selectors joined by NUL, a byte that no D-Bus string contains.
type Key = (Visibility, bool, String);

impl Cache {
    pub(super) fn get(&self, list: &List<'_>) -> Option<Arc<Selection>> {
        let is_short = is_short(list.selectors);
        is_short.then(|| self.lists.get(&list.key()).cloned())?
    }

    /// Adds a selection if it is within the limits. A full cache is emptied first.
    pub(super) fn insert(&mut self, list: &List<'_>, selection: &Arc<Selection>) {
        let columns = selection.weight();
        if !is_short(list.selectors) || columns > MAX_COLUMNS {
            return;
        }
        if self.lists.len() >= MAX_LISTS || self.columns.saturating_add(columns) > MAX_COLUMNS {
            *self = Self::default();
        }
        self.columns = self.columns.saturating_add(columns);
        self.lists.insert(list.key(), selection.clone());
    }
}

impl List<'_> {
    fn key(&self) -> Key {
        (self.visibility, self.is_optional, self.selectors.join("\0"))
    }
}

fn is_short(selectors: &[&str]) -> bool {
    let bytes: usize = selectors.iter().map(|selector| selector.len()).sum();
    bytes.saturating_add(selectors.len()) <= MAX_LIST_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn selection(columns: usize) -> Arc<Selection> {
        let store = Store::new(crate::sources::all(&crate::source::Roots::default()));
        let one = store.resolve(&["memory/physical/total"]).unwrap();
        let columns = std::iter::repeat_n(one.columns[0].clone(), columns);
        let mut selection = Selection::default();
        selection.columns.extend(columns);
        Arc::new(selection)
    }

    fn list<'a>(selectors: &'a [&'a str], visibility: Visibility) -> List<'a> {
        List {
            selectors,
            visibility,
            is_optional: false,
        }
    }

    fn all<'a>(selectors: &'a [&'a str]) -> List<'a> {
        list(selectors, Visibility::All)
    }

    #[test]
    fn the_cache_has_limits() {
        let mut cache = Cache::default();
        let small = selection(1);
        let long = "x".repeat(MAX_LIST_BYTES);
        cache.insert(&all(&[&long]), &small);
        assert!(cache.get(&all(&[&long])).is_none());
        cache.insert(&all(&["cpu"]), &small);
        assert!(cache.get(&all(&["cpu"])).is_some());
        assert!(cache.get(&list(&["cpu"], Visibility::BuiltIn)).is_none());
        let optional = List {
            is_optional: true,
            ..all(&["cpu"])
        };
        assert!(cache.get(&optional).is_none());
        for number in 0..10 * MAX_LISTS {
            cache.insert(&all(&[&number.to_string()]), &small);
            assert!(cache.lists.len() <= MAX_LISTS);
        }
        let large = selection(MAX_COLUMNS / 2);
        for number in 0..10 {
            cache.insert(&all(&[&number.to_string()]), &large);
            let columns = cache.lists.values().map(|list| list.columns.len());
            assert!(columns.sum::<usize>() <= MAX_COLUMNS);
        }
    }
}
