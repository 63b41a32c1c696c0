//! The window of keyboard shortcuts.

/// Its description.
pub(crate) const SHORTCUTS: &str = include_str!("shortcuts.ui");

/// The window of keyboard shortcuts.
pub(super) fn window() -> gtk::ShortcutsWindow {
    let builder = gtk::Builder::from_string(SHORTCUTS);
    builder
        .object("shortcuts")
        .unwrap_or_else(|| gtk::ShortcutsWindow::builder().modal(true).build())
}
