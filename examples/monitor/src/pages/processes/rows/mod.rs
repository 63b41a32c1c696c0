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
        self.remove(gone);
        let mut came = Vec::new();
        let mut moved = Vec::new();
        for reading in readings {
            match self.items.get(&reading.key) {
                Some(item) => {
                    if item.parent() != reading.parent {
                        self.detach(item);
                        item.set_parent(reading.parent);
                        moved.push(item.clone());
                    }
                    item.set_fields(reading.fields);
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
        if !came.is_empty() {
            let list = self.list();
            list.splice(list.n_items(), 0, &came);
        }
        came.append(&mut moved);
        self.attach(came);
    }

    /// Keeps the rows with these keys alone.
    pub(super) fn retain(&mut self, keys: &HashSet<Key>) {
        let gone = self.items.keys().filter(|key| !keys.contains(key));
        let gone: Vec<Key> = gone.cloned().collect();
        self.remove(&gone);
    }

    fn remove(&mut self, keys: &[Key]) {
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
        if items.is_empty() {
            return;
        }
        let list = self.list();
        for place in (0..list.n_items()).rev() {
            if list
                .item(place)
                .and_downcast::<Item>()
                .is_some_and(|item| items.contains(&item))
            {
                list.remove(place);
            }
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
