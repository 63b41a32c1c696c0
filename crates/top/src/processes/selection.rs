//! The selected row, and the part of the table on the screen.

use super::{Key, Row, Table};

impl Table {
    /// The first row on the screen, for a table of so many rows. The selected row stays visible.
    pub(crate) fn scroll_to_fit(&mut self, height: usize) -> usize {
        self.height = height;
        if self.selected.is_some() {
            let least = self.cursor.saturating_add(1).saturating_sub(height);
            self.top = self.top.clamp(least, self.cursor.max(least));
        }
        self.top = self.top.min(self.rows.len().saturating_sub(height));
        self.top
    }

    /// Moves the selection by so many rows, or begins it on the screen.
    pub(crate) fn select_by(&mut self, rows: isize) {
        let to = match self.selected {
            Some(_) => self.cursor.saturating_add_signed(rows),
            None => self.top,
        };
        self.select(to);
    }

    /// Moves the selection by so many screens.
    pub(crate) fn select_by_page(&mut self, forward: bool) {
        let height = isize::try_from(self.height.max(1)).unwrap_or(isize::MAX);
        let from = if self.selected.is_none() {
            self.top
        } else {
            self.cursor
        };
        let rows = if forward {
            height
        } else {
            height.saturating_neg()
        };
        self.select(from.saturating_add_signed(rows));
    }

    /// Selects a row by its place. A place beyond the rows that are known waits for them.
    pub(crate) fn select(&mut self, place: usize) {
        self.is_at_end = false;
        self.cursor = place.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(self.cursor).map(|row| row.key.clone());
    }

    /// Selects the last row of all, which may have to be asked for.
    pub(crate) fn select_last(&mut self) {
        self.select(usize::MAX);
        self.is_at_end = true;
    }

    /// Ends the selection.
    pub(crate) fn select_nothing(&mut self) {
        self.is_at_end = false;
        self.selected = None;
    }

    /// Shows the first rows, unless the selected one is among those that are known: another order has others.
    pub(super) fn begin_unless_selected(&mut self) {
        let is_known = |key: &Key| self.rows.iter().any(|row| row.key == *key);
        if !self.selected.as_ref().is_some_and(is_known) {
            self.select_nothing();
            self.top = 0;
        }
    }

    /// Moves what the screen shows by so many rows.
    pub(crate) fn scroll_by(&mut self, rows: isize) {
        match self.selected {
            Some(_) => self.select_by(rows),
            None => self.top = self.top.saturating_add_signed(rows),
        }
    }

    /// The selected row.
    pub(crate) fn selected(&self) -> Option<&Row> {
        let key = self.selected.as_ref()?;
        self.rows.get(self.cursor).filter(|row| row.key == *key)
    }
}
