//! All entries, of which the members of families come and go.

use std::{
    collections::BTreeMap,
    ops::{Index, IndexMut},
};

use crate::source::{Answered, NewMember};

use super::{changes::Changes, entry::Entry};

/// The entries by number. No number is used twice: a selection with a column of an entry that is gone finds no
/// other entry in its place.
#[derive(Default)]
pub(super) struct Entries {
    all: BTreeMap<usize, Entry>,
    next: usize,
}

impl Entries {
    pub(super) fn add(&mut self, entry: Entry) {
        self.all.insert(self.next, entry);
        self.next = self.next.saturating_add(1);
    }

    /// Adds the new members of a family, each after `discover`.
    pub(super) fn add_members(
        &mut self,
        family: usize,
        members: Vec<NewMember>,
        on_answer: &Answered,
        mut discover: impl FnMut(&mut Entry),
    ) {
        for NewMember { provider, presence } in members {
            let mut entry = Entry::new(provider, on_answer);
            entry.membership = Some((family, presence));
            discover(&mut entry);
            self.add(entry);
        }
    }

    /// Drops the members of a family whose devices have gone.
    pub(super) fn drop_gone(&mut self, family: usize, changes: &mut Changes) {
        let is_gone = |entry: &Entry| {
            let membership = entry.membership.as_ref();
            membership.is_some_and(|(of, presence)| *of == family && presence.is_gone())
        };
        let gone = self.all.iter().filter(|(_, entry)| is_gone(entry));
        let gone: Vec<_> = gone.map(|(&number, _)| number).collect();
        for number in gone {
            let Some(entry) = self.all.remove(&number) else {
                continue;
            };
            let metrics = entry.metrics.as_deref().unwrap_or_default();
            changes.gone(metrics, entry.is_custom);
            // `Sources` sums the cost by name, so the family takes over that of a member with its name.
            if let Some(family) = self.all.get_mut(&family)
                && family.name == entry.name
            {
                family.reads = family.reads.saturating_add(entry.reads);
                family.cost = family.cost.saturating_add(entry.cost);
            }
        }
    }

    /// The smallest number of an entry that is at least `number`.
    pub(super) fn at_or_after(&self, number: usize) -> Option<usize> {
        let (&number, _) = self.all.range(number..).next()?;
        Some(number)
    }

    pub(super) fn get(&self, number: usize) -> Option<&Entry> {
        self.all.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Entry> {
        self.all.get_mut(&number)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Entry)> {
        self.all.iter_mut().map(|(&number, entry)| (number, entry))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Entry)> + Clone {
        self.all.iter().map(|(&number, entry)| (number, entry))
    }
}

/// For numbers of entries that are known to exist.
impl Index<usize> for Entries {
    type Output = Entry;

    fn index(&self, number: usize) -> &Entry {
        &self.all[&number]
    }
}

impl IndexMut<usize> for Entries {
    fn index_mut(&mut self, number: usize) -> &mut Entry {
        self.all.get_mut(&number).expect("the entry exists")
    }
}
