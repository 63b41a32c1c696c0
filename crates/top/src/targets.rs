//! The places on the screen that a click means something at.

use ratatui::layout::{Position, Rect};

use crate::{pages::Page, processes::columns::Column};

/// The target of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Tab(Page),
    Header(Column),
    /// The place of a row in the table.
    Row(usize),
}

/// The parts of the screen that a click means something to.
#[derive(Debug, Default)]
pub(crate) struct Targets(Vec<(Rect, Target)>);

impl Targets {
    /// The target at a place.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<Target> {
        let position = Position::new(column, row);
        let found = self.0.iter().find(|(area, _)| area.contains(position));
        found.map(|(_, target)| *target)
    }

    /// Adds a target.
    pub(crate) fn add(&mut self, area: Rect, target: Target) {
        self.0.push((area, target));
    }
}
