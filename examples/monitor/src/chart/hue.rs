//! The colours of series, by their names in GNOME's palette.

use gtk::{gdk, prelude::*};

/// A colour of GNOME's palette. The theme says what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    /// Processors.
    Blue,
    /// Memory, and what arrives.
    Green,
    /// Power.
    Yellow,
    /// Data that is sent or written.
    Orange,
    /// Temperatures.
    Red,
    /// GPUs.
    Purple,
    /// Disks.
    Brown,
}

impl Hue {
    /// All colours, in the order for series that have none of their own.
    pub const ALL: [Self; 7] = [
        Self::Blue,
        Self::Orange,
        Self::Green,
        Self::Purple,
        Self::Red,
        Self::Yellow,
        Self::Brown,
    ];

    /// Its name in GNOME's palette.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
            Self::Purple => "purple",
            Self::Brown => "brown",
        }
    }

    /// The colour of the series with this index.
    pub fn nth(index: usize) -> Self {
        let place = index.checked_rem(Self::ALL.len()).unwrap_or(0);
        Self::ALL[place]
    }

    /// The shade that can be seen on light and on dark backgrounds.
    fn shade(self) -> u8 {
        match self {
            Self::Green | Self::Yellow => 5,
            Self::Orange => 4,
            _ => 3,
        }
    }
}

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
        let shade = self.contrast_shade.unwrap_or(hue.shade());
        let name = format!("{}_{shade}", hue.name());
        self.style.lookup_color(&name).unwrap_or(self.text)
    }
}
