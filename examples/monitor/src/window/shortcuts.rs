//! The window of keyboard shortcuts.

/// The window of keyboard shortcuts.
pub(super) fn window() -> gtk::ShortcutsWindow {
    let builder = gtk::Builder::from_string(include_str!("shortcuts.ui"));
    builder
        .object("shortcuts")
        .unwrap_or_else(|| gtk::ShortcutsWindow::builder().modal(true).build())
}
