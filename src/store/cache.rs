//! The cache of resolved lists of selectors.

use std::{collections::HashMap, sync::Arc};

use super::{selection::Selection, visibility::Visibility};

/// The limits of the cache: the lists, the bytes of the selectors of one list, and the columns of all.
const MAX_LISTS: usize = 64;
const MAX_LIST_BYTES: usize = 4096;
const MAX_COLUMNS: usize = 16384;

/// Selections by their selectors.
#[derive(Default)]
pub(super) struct Cache {
    /// The selectors are joined by NUL, a byte that no D-Bus string contains.
    lists: HashMap<(Visibility, String), Arc<Selection>>,
    columns: usize,
}

impl Cache {
    pub(super) fn get(&self, selectors: &[&str], visibility: Visibility) -> Option<Arc<Selection>> {
        let list = || (visibility, selectors.join("\0"));
        is_short(selectors).then(|| self.lists.get(&list()).cloned())?
    }

    /// Adds a selection if it is within the limits. A full cache is emptied first.
    pub(super) fn insert(
        &mut self,
        selectors: &[&str],
        visibility: Visibility,
        selection: &Arc<Selection>,
    ) {
        let columns = selection.weight();
        if !is_short(selectors) || columns > MAX_COLUMNS {
            return;
        }
        if self.lists.len() >= MAX_LISTS || self.columns.saturating_add(columns) > MAX_COLUMNS {
            *self = Self::default();
        }
        self.columns = self.columns.saturating_add(columns);
        let list = (visibility, selectors.join("\0"));
        self.lists.insert(list, selection.clone());
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

    #[test]
    fn the_cache_has_limits() {
        let mut cache = Cache::default();
        let small = selection(1);
        let long = "x".repeat(MAX_LIST_BYTES);
        cache.insert(&[&long], Visibility::All, &small);
        assert!(cache.get(&[&long], Visibility::All).is_none());
        cache.insert(&["cpu"], Visibility::All, &small);
        assert!(cache.get(&["cpu"], Visibility::All).is_some());
        assert!(cache.get(&["cpu"], Visibility::BuiltIn).is_none());
        for number in 0..10 * MAX_LISTS {
            cache.insert(&[&number.to_string()], Visibility::All, &small);
            assert!(cache.lists.len() <= MAX_LISTS);
        }
        let large = selection(MAX_COLUMNS / 2);
        for number in 0..10 {
            cache.insert(&[&number.to_string()], Visibility::All, &large);
            let columns = cache.lists.values().map(|list| list.columns.len());
            assert!(columns.sum::<usize>() <= MAX_COLUMNS);
        }
    }
}
