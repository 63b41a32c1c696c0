//! Colours and emphasis: those of the terminal's own palette, none with NO_COLOR (<https://no-color.org>).

use std::env;

use ratatui::style::{Color, Modifier, Style};

use sampled_pages::Hue;

/// The styles of everything that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    has_colour: bool,
}

impl Theme {
    /// The theme that the environment asks for.
    pub(crate) fn of_environment() -> Self {
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            has_colour: !no_colour,
        }
    }

    /// The line of a graph.
    pub(crate) fn line(self, hue: Hue) -> Style {
        self.coloured(match hue {
            Hue::Blue => Color::Cyan,
            Hue::Brown => Color::Yellow,
            Hue::Green => Color::Green,
            Hue::Orange => Color::LightRed,
            Hue::Purple => Color::Magenta,
            Hue::Red => Color::Red,
            Hue::Yellow => Color::LightYellow,
        })
    }

    /// A title.
    pub(crate) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The style of names, rules and hints.
    pub(crate) fn dim(self) -> Style {
        match self.has_colour {
            true => Style::new().fg(Color::DarkGray),
            false => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// A fault, or a message about one.
    pub(crate) fn fault(self) -> Style {
        self.coloured(Color::Red)
    }

    /// The style of a chosen tab, row or key of a dialog.
    pub(crate) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A filled part of a bar, by its share of the whole.
    pub(crate) fn level(self, share: f64) -> Style {
        self.coloured(match share {
            share if share >= 0.9 => Color::Red,
            share if share >= 0.75 => Color::Yellow,
            _ => Color::Green,
        })
    }

    fn coloured(self, colour: Color) -> Style {
        match self.has_colour {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }
}
