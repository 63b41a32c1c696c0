//! The colours of series, by their names in GNOME's palette.

use gtk::{gdk, prelude::*};

use super::Hue;

/// The colours of a widget, from its theme.
#[derive(Clone, Debug)]
pub(super) struct Colours {
    pub(super) text: gdk::RGBA,
    pub(super) dim_text: gdk::RGBA,
    pub(super) grid: gdk::RGBA,
    pub(super) hatch: gdk::RGBA,
    pub(super) label_background: gdk::RGBA,
    style: gtk::StyleContext,
    /// The shade of all series with high contrast: 1 is the lightest, 5 the darkest.
    contrast_shade: Option<u8>,
}

impl Colours {
    pub(super) fn of(widget: &impl IsA<gtk::Widget>) -> Self {
        let widget = widget.upcast_ref();
        let style = widget.style_context();
        let manager = adw::StyleManager::for_display(&widget.display());
        let text = style.color();
        let faint = |alpha: f32| text.with_alpha(text.alpha() * alpha);
        let has_contrast = manager.is_high_contrast();
        Self {
            text,
            dim_text: faint(if has_contrast { 1.0 } else { 0.6 }),
            grid: faint(if has_contrast { 0.4 } else { 0.1 }),
            hatch: faint(if has_contrast { 0.6 } else { 0.2 }),
            label_background: style
                .lookup_color("popover_bg_color")
                .unwrap_or(gdk::RGBA::TRANSPARENT),
            contrast_shade: has_contrast.then_some(if manager.is_dark() { 1 } else { 5 }),
            style,
        }
    }

    /// The colour of a series; that of the text, where the theme does not know it.
    pub(super) fn of_series(&self, hue: Hue) -> gdk::RGBA {
        let shade = self.contrast_shade.unwrap_or(shade(hue));
        let name = format!("{}_{shade}", hue.name());
        self.style.lookup_color(&name).unwrap_or(self.text)
    }
}

/// The shade that can be seen on light and on dark backgrounds.
fn shade(hue: Hue) -> u8 {
    match hue {
        Hue::Green | Hue::Yellow => 5,
        Hue::Orange => 4,
        _ => 3,
    }
}
