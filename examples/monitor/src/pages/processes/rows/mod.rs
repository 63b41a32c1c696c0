//! The rows of the table, as a list and as a tree. They change by differences.

use std::collections::{HashMap, HashSet};

use gtk::{gio, prelude::*};

use super::item::{Field, Item, Key};

/// The rows of the table.
pub(super) struct Rows {
    items: HashMap<Key, Item>,
    /// The processes that live.
    by_pid: HashMap<u32, Item>,
    list: gio::ListStore,
    roots: gio::ListStore,
}

/// A row as it was read.
pub(super) struct Reading {
    pub(super) key: Key,
    /// The pid of the parent; 0 if there is none.
    pub(super) parent: u32,
    pub(super) fields: Vec<Field>,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self {
            items: HashMap::new(),
            by_pid: HashMap::new(),
            list: gio::ListStore::new::<Item>(),
            roots: gio::ListStore::new::<Item>(),
        }
    }

    /// All rows.
    pub(super) fn list(&self) -> gio::ListStore {
        self.list.clone()
    }

    /// The rows without a parent. Each row has its children.
    pub(super) fn roots(&self) -> gio::ListStore {
        self.roots.clone()
    }

    pub(super) fn item(&self, key: &Key) -> Option<&Item> {
        self.items.get(key)
    }

    /// Removes rows, then adds or changes others.
    pub(super) fn change(&mut self, gone: &[Key], readings: Vec<Reading>) {
        let gone = self.remove(gone);
        let mut came = Vec::new();
        let mut moved = Vec::new();
        let mut changed = Vec::new();
        for reading in readings {
            match self.items.get(&reading.key) {
                Some(item) => {
                    if item.parent() != reading.parent {
                        self.detach(item);
                        item.set_parent(reading.parent);
                        moved.push(item.clone());
                    }
                    changed.push((item.clone(), reading.fields));
                }
                None => {
                    let item = Item::new(reading.key.clone(), reading.parent, reading.fields);
                    if item.pid() != 0 {
                        self.by_pid.insert(item.pid(), item.clone());
                    }
                    self.items.insert(reading.key, item.clone());
                    came.push(item);
                }
            }
        }
        self.replace(&gone, &came);
        came.append(&mut moved);
        self.attach(came);
        // Now, because a sorted list puts new rows among those that it takes to be in order.
        for (item, fields) in changed {
            item.set_fields(fields);
        }
    }

    /// Keeps the rows with these keys alone.
    pub(super) fn retain(&mut self, keys: &HashSet<Key>) {
        let gone = self.items.keys().filter(|key| !keys.contains(key));
        let gone: Vec<Key> = gone.cloned().collect();
        let gone = self.remove(&gone);
        self.replace(&gone, &[]);
    }

    /// Replaces items of the list by others with one signal: after each one, a view binds all the rows that it has.
    fn replace(&self, gone: &HashSet<Item>, came: &[Item]) {
        let items: Vec<Item> = self.list.iter().flatten().collect();
        let first = items.iter().position(|item| gone.contains(item));
        let last = items.iter().rposition(|item| gone.contains(item));
        let start = first.unwrap_or(items.len());
        let end = match last {
            Some(last) if came.is_empty() => last.saturating_add(1),
            _ => items.len(),
        };
        let range = items.get(start..end).unwrap_or_default();
        let kept = range.iter().filter(|item| !gone.contains(*item));
        let new: Vec<Item> = kept.chain(came).cloned().collect();
        let place = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        if !range.is_empty() || !new.is_empty() {
            self.list.splice(place(start), place(range.len()), &new);
        }
    }

    /// Takes rows out of the tree. They are still in the list.
    fn remove(&mut self, keys: &[Key]) -> HashSet<Item> {
        let mut items = HashSet::new();
        for key in keys {
            let Some(item) = self.items.remove(key) else {
                continue;
            };
            if self.by_pid.get(&item.pid()) == Some(&item) {
                self.by_pid.remove(&item.pid());
            }
            items.insert(item);
        }
        let mut orphans = Vec::new();
        for item in &items {
            let children = item.children().iter::<Item>().flatten();
            orphans.extend(children.filter(|child| !items.contains(child)));
            item.children().remove_all();
        }
        for item in &items {
            self.detach(item);
        }
        self.attach(orphans);
        items
    }

    /// The list that has an item: the children of its parent, or the roots.
    fn siblings(&self, item: &Item) -> gio::ListStore {
        let parent = self
            .by_pid
            .get(&item.parent())
            .filter(|parent| *parent != item);
        parent.map_or_else(|| self.roots(), |parent| parent.children().clone())
    }

    fn detach(&self, item: &Item) {
        for siblings in [self.siblings(item), self.roots()] {
            if let Some(place) = siblings.find(item) {
                siblings.remove(place);
                break;
            }
        }
        self.show_whether_expandable(item.parent());
    }

    /// Puts items below their parents.
    fn attach(&self, items: Vec<Item>) {
        let mut by_parent: HashMap<u32, Vec<Item>> = HashMap::new();
        for item in items {
            let has_parent =
                self.by_pid.contains_key(&item.parent()) && item.parent() != item.pid();
            let parent = if has_parent { item.parent() } else { 0 };
            by_parent.entry(parent).or_default().push(item);
        }
        for (parent, items) in by_parent {
            let parent_item = self.by_pid.get(&parent);
            let siblings = parent_item.map_or_else(|| self.roots(), |item| item.children().clone());
            let was_empty = siblings.n_items() == 0;
            siblings.splice(siblings.n_items(), 0, &items);
            if was_empty {
                self.show_whether_expandable(parent);
            }
        }
    }

    /// Puts an item into its list again: a tree asks only new rows whether they have children.
    fn show_whether_expandable(&self, pid: u32) {
        let Some(item) = self.by_pid.get(&pid) else {
            return;
        };
        if item.children().n_items() > 1 {
            return;
        }
        let siblings = self.siblings(item);
        if let Some(place) = siblings.find(item) {
            siblings.splice(place, 1, std::slice::from_ref(item));
        }
    }
}

#[cfg(test)]
mod tests;
