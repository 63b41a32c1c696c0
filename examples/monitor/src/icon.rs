//! Icons, of which a theme may lack some.

use gtk::gdk;

/// The icon, if the user's theme, one that it inherits from or GTK itself has it. GTK would draw a broken picture in its place.
pub(crate) fn existing(name: &str) -> Option<&str> {
    let display = gdk::Display::default()?;
    gtk::IconTheme::for_display(&display)
        .has_icon(name)
        .then_some(name)
}
