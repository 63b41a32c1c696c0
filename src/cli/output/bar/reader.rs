//! The programs that read the lines: what they interpret, and how they colour.

use super::level::Level;

/// The program that reads the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Waybar's custom module with `return-type: json`: see waybar-custom(5).
    Waybar,
    /// i3blocks with `format=json` and `interval=persist`.
    I3blocks,
    /// Polybar's custom/script with `tail = true`.
    Polybar,
    /// The status line of tmux.
    Tmux,
    /// Anything.
    Plain,
}

impl Reader {
    /// The readers that have a format of their own, by the names of their formats.
    pub(crate) const NAMED: [(&'static str, Self); 4] = [
        ("waybar", Self::Waybar),
        ("i3blocks", Self::I3blocks),
        ("polybar", Self::Polybar),
        ("tmux", Self::Tmux),
    ];

    /// Protects what the reader would interpret. The text of a template is as the user has written it.
    pub(crate) fn quote(self, text: &str) -> String {
        match self {
            // Pango markup.
            Self::Waybar => text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;"),
            // Polybar has no escape for its tags.
            Self::Polybar => text.replace("%{", "% {"),
            Self::Tmux => text.replace('#', "##"),
            Self::I3blocks | Self::Plain => text.to_owned(),
        }
    }

    /// Joins quoted values and the texts between them.
    pub(crate) fn join(self, pieces: &[String]) -> String {
        let mut text = String::new();
        for piece in pieces {
            // `3 %` and `{` make a tag together.
            if self == Self::Polybar && text.ends_with('%') && piece.starts_with('{') {
                text.push(' ');
            }
            text.push_str(piece);
        }
        text
    }
}

impl Level {
    /// The class in the style sheet of a bar.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Yellow and red of GNOME's palette.
    pub(crate) fn colour(self) -> Option<&'static str> {
        match self {
            Self::Normal => None,
            Self::Warning => Some("#f5c211"),
            Self::Critical => Some("#e01b24"),
        }
    }
}
