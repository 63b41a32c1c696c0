//! All memo cells, of which those of a family come and go.

use std::{
    collections::BTreeMap,
    ops::{Index, IndexMut},
};

use crate::source::{Answered, NewMember};

use super::{cell::Cell, changes::Changes};

/// The cells, by numbers that are never used again: who has selected something of a cell that is gone does not
/// find another in its place.
#[derive(Default)]
pub(super) struct Cells {
    all: BTreeMap<usize, Cell>,
    next: usize,
}

impl Cells {
    pub(super) fn add(&mut self, cell: Cell) {
        self.all.insert(self.next, cell);
        self.next = self.next.saturating_add(1);
    }

    /// Adds the cells of the members of a family.
    pub(super) fn add_members(
        &mut self,
        family: usize,
        members: Vec<NewMember>,
        tell: &Answered,
        mut look: impl FnMut(&mut Cell),
    ) {
        for NewMember { provider, presence } in members {
            let mut cell = Cell::new(provider, tell);
            cell.membership = Some((family, presence));
            look(&mut cell);
            self.add(cell);
        }
    }

    /// Drops the members of a family whose devices have gone.
    pub(super) fn drop_gone(&mut self, family: usize, changes: &mut Changes) {
        let is_gone = |cell: &Cell| {
            let membership = cell.membership.as_ref();
            membership.is_some_and(|(of, presence)| *of == family && presence.is_gone())
        };
        let gone = self.all.iter().filter(|(_, cell)| is_gone(cell));
        let gone: Vec<_> = gone.map(|(&at, _)| at).collect();
        for at in gone {
            let Some(cell) = self.all.remove(&at) else {
                continue;
            };
            changes.gone(cell.metrics.as_deref().unwrap_or_default(), cell.is_custom);
            // What it has cost stays known, by the name that it had.
            if let Some(family) = self.all.get_mut(&family)
                && family.name == cell.name
            {
                family.reads = family.reads.saturating_add(cell.reads);
                family.cost = family.cost.saturating_add(cell.cost);
            }
        }
    }

    /// The first number of a cell that is not smaller than this one.
    pub(super) fn at_or_after(&self, at: usize) -> Option<usize> {
        let (&at, _) = self.all.range(at..).next()?;
        Some(at)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Cell> {
        self.all.get(&at)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Cell> {
        self.all.get_mut(&at)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Cell)> {
        self.all.iter_mut().map(|(&at, cell)| (at, cell))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Cell)> + Clone {
        self.all.iter().map(|(&at, cell)| (at, cell))
    }
}

/// A cell that is known to be there.
impl Index<usize> for Cells {
    type Output = Cell;

    fn index(&self, at: usize) -> &Cell {
        &self.all[&at]
    }
}

impl IndexMut<usize> for Cells {
    fn index_mut(&mut self, at: usize) -> &mut Cell {
        self.all.get_mut(&at).expect("the cell is there")
    }
}
