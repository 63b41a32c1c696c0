//! The style sheet.

use gtk::gdk;

use crate::chart::Hue;

/// Adds the style sheet to the display, and follows the setting for high contrast.
pub(crate) fn add() {
    let Some(display) = gdk::Display::default() else {
        return;
    };
    let add = |provider: &gtk::CssProvider, above: u32| {
        let priority = gtk::STYLE_PROVIDER_PRIORITY_APPLICATION.saturating_add(above);
        gtk::style_context_add_provider_for_display(&display, provider, priority);
    };
    let provider = gtk::CssProvider::new();
    provider.load_from_data(include_str!("style.css"));
    add(&provider, 0);
    let legend = gtk::CssProvider::new();
    add(&legend, 1);
    let update = move |manager: &adw::StyleManager| {
        let css = match manager.is_high_contrast() {
            true => legend_of_high_contrast(manager.is_dark()),
            false => String::new(),
        };
        legend.load_from_data(&css);
    };
    let manager = adw::StyleManager::default();
    update(&manager);
    manager.connect_high_contrast_notify(update.clone());
    manager.connect_dark_notify(update);
}

/// The colours that charts have with high contrast.
fn legend_of_high_contrast(is_dark: bool) -> String {
    let shade = if is_dark { 1 } else { 5 };
    let rule = |hue: Hue| {
        let name = hue.name();
        format!(".legend.{name} {{ color: @{name}_{shade}; }}")
    };
    Hue::ALL.map(rule).join("\n")
}
