//! The colours of series, by their names in GNOME's palette.

/// A colour of GNOME's palette. The theme says what it looks like; light and dark themes use different shades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    /// Processors.
    Blue,
    /// Memory, and what arrives.
    Green,
    /// Power.
    Yellow,
    /// What is sent or written.
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

    /// The colour of the series with this index.
    pub fn nth(index: usize) -> Self {
        let place = index.checked_rem(Self::ALL.len()).unwrap_or(0);
        Self::ALL[place]
    }
}
