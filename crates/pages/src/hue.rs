//! The colours of lines.

/// A colour of a line. The program says what it looks like.
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
}
