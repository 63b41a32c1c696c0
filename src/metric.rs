//! The metadata of metrics: id, texts for a person, unit, kind, scale, limits, and the formula of the readings.

use std::{borrow::Cow, sync::Arc};

use crate::rate::Formula;

/// The kind of quantity of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A level at the moment of reading.
    Gauge,
    /// A change per second or a share of the time, between two reads of a counter.
    Rate,
    /// The count since the kernel or the device has started the counter.
    Total,
    /// A text.
    Text,
}

impl Kind {
    /// The name of the kind on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::Total => "total",
            Self::Text => "text",
        }
    }
}

/// Units, written in the case-sensitive form of [UCUM](https://ucum.org/ucum).
pub mod unit {
    /// A pure number: a count, a load average.
    pub const ONE: &str = "1";
    /// Per cent.
    pub const PERCENT: &str = "%";
    /// Bytes.
    pub const BYTES: &str = "By";
    /// Bytes a second.
    pub const BYTES_PER_SECOND: &str = "By/s";
    /// Bits a second.
    pub const BITS_PER_SECOND: &str = "bit/s";
    /// Bits.
    pub const BITS: &str = "bit";
    /// Events a second.
    pub const PER_SECOND: &str = "/s";
    /// Seconds.
    pub const SECONDS: &str = "s";
    /// Milliseconds.
    pub const MILLISECONDS: &str = "ms";
    /// Microseconds.
    pub const MICROSECONDS: &str = "us";
    /// Degrees Celsius.
    pub const CELSIUS: &str = "Cel";
    /// Revolutions a minute.
    pub const PER_MINUTE: &str = "/min";
    /// Volts.
    pub const VOLTS: &str = "V";
    /// Amperes.
    pub const AMPERES: &str = "A";
    /// Watts.
    pub const WATTS: &str = "W";
    /// Joules.
    pub const JOULES: &str = "J";
    /// Watt-hours.
    pub const WATT_HOURS: &str = "W.h";
    /// Megahertz.
    pub const MEGAHERTZ: &str = "MHz";
    /// The unit of a text.
    pub const NONE: &str = "";

    /// The number of decimals that are usual for a unit. A quantity that needs others has its own precision.
    pub fn precision(unit: &str) -> u8 {
        match unit {
            PERCENT | PER_SECOND | CELSIUS | WATTS | WATT_HOURS => 1,
            AMPERES | MILLISECONDS => 2,
            VOLTS => 3,
            _ => 0,
        }
    }
}

/// The part of the machine to which a metric belongs: a page of a system monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// The processor: usage, frequency, temperature, load.
    Processor,
    /// Memory, swap and paging.
    Memory,
    /// Disks and file systems.
    Disks,
    /// Network interfaces.
    Network,
    /// Graphics processors.
    Graphics,
    /// Sensors of chips: temperatures, fans, voltages.
    Sensors,
    /// Batteries, power supplies and energy counters.
    Power,
    /// The operating system, its processes and users.
    System,
    /// Metrics that the user defines.
    Custom,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 9] = [
        Self::Processor,
        Self::Memory,
        Self::Disks,
        Self::Network,
        Self::Graphics,
        Self::Sensors,
        Self::Power,
        Self::System,
        Self::Custom,
    ];

    /// The name of the group on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Memory => "memory",
            Self::Disks => "disks",
            Self::Network => "network",
            Self::Graphics => "graphics",
            Self::Sensors => "sensors",
            Self::Power => "power",
            Self::System => "system",
            Self::Custom => "custom",
        }
    }
}

/// The object of a metric, as a person knows it. The metrics of an object share the title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The title: `Samsung SSD 980`, `Core 3`. Two objects may have the same title.
    pub title: Arc<str>,
    /// The group.
    pub group: Group,
    /// Whether it is a network interface without hardware that `network/all` does not count.
    pub is_virtual: bool,
}

impl Object {
    /// The largest number of characters of a title.
    pub const LONGEST_TITLE: usize = 64;

    /// An object with a title that may come from a device.
    pub fn new(title: &str, group: Group) -> Self {
        Self {
            title: plain_text(title, Self::LONGEST_TITLE).into(),
            group,
            is_virtual: false,
        }
    }
}

/// A text of a device for display: each run of blanks and control characters becomes one blank, and a text of more than
/// `longest` characters ends with an ellipsis.
pub(crate) fn plain_text(text: &str, longest: usize) -> String {
    let separators = |c: char| c.is_whitespace() || c.is_control();
    let words = text.split(separators).filter(|word| !word.is_empty());
    let mut plain = words.collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = plain.char_indices().nth(longest) {
        let last = plain[..end].char_indices().next_back();
        plain.truncate(last.map_or(0, |(last, _)| last));
        plain.push('…');
    }
    plain
}

/// Values outside of the normal range, as the hardware, its driver or the user states them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// The value that deserves attention.
    pub warning: Option<f64>,
    /// The value at which the hardware protects itself or takes damage.
    pub critical: Option<f64>,
    /// Whether the normal values are above the limits, as those of a fan are.
    pub are_lower: bool,
}

impl Limits {
    /// Limits that normal values are below. A warning above the critical value makes no sense and is left out.
    pub fn upper(warning: Option<f64>, critical: Option<f64>) -> Self {
        let is_sound = |warning: &f64| critical.is_none_or(|critical| *warning <= critical);
        Self {
            warning: warning.filter(is_sound),
            critical,
            are_lower: false,
        }
    }

    /// Limits that normal values are above. A warning below the critical value makes no sense and is left out.
    pub fn lower(warning: Option<f64>, critical: Option<f64>) -> Self {
        let is_sound = |warning: &f64| critical.is_none_or(|critical| *warning >= critical);
        Self {
            warning: warning.filter(is_sound),
            critical,
            are_lower: warning.or(critical).is_some(),
        }
    }
}

/// A metric: its metadata, and the formula of its readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `source/object/property`, in ASCII, the same on every boot.
    pub id: Arc<str>,
    /// A short English name for display, without the name of the object.
    pub name: Cow<'static, str>,
    /// A name of two words, if [`name`](Self::name) has more.
    pub short: Option<Cow<'static, str>>,
    /// A sentence for a tooltip: the meaning of the value.
    pub description: Cow<'static, str>,
    /// The kernel's file, or another origin, and the formula in words.
    pub formula_text: Cow<'static, str>,
    /// The object.
    pub object: Object,
    /// One of [`mod@unit`], or another UCUM unit; empty for a text.
    pub unit: Cow<'static, str>,
    /// The kind of quantity.
    pub kind: Kind,
    /// The number of decimals to display in this unit; none for a text.
    pub precision: Option<u8>,
    /// The lower end of the scale, if it has one.
    pub minimum: Option<f64>,
    /// The upper end of the scale, if it has one.
    pub maximum: Option<f64>,
    /// The limits of normal values.
    pub limits: Limits,
    /// The formula that makes the reading from the source's columns.
    pub formula: Formula,
}

impl Metric {
    /// A metric without texts, scale and limits, with the usual precision of its unit.
    pub fn new(
        id: impl Into<Arc<str>>,
        object: Object,
        unit: impl Into<Cow<'static, str>>,
        kind: Kind,
        formula: Formula,
    ) -> Self {
        let unit = unit.into();
        Self {
            id: id.into(),
            name: Cow::Borrowed(""),
            short: None,
            description: Cow::Borrowed(""),
            formula_text: Cow::Borrowed(""),
            object,
            precision: (kind != Kind::Text).then(|| unit::precision(&unit)),
            unit,
            kind,
            minimum: None,
            maximum: None,
            limits: Limits::default(),
            formula,
        }
    }

    /// The name in two words at most.
    pub fn short(&self) -> &str {
        self.short.as_deref().unwrap_or(&self.name)
    }
}

/// The first two words of a name; `None` if it has no more.
pub(crate) fn two_words(name: &str) -> Option<String> {
    let mut words = name.split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    words.next().map(|_| format!("{first} {second}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(title: &str, expected: &str) {
        assert_eq!(&*Object::new(title, Group::Disks).title, expected);
    }

    #[test]
    fn titles_are_plain_text_of_a_limited_length() {
        check("Samsung SSD 980", "Samsung SSD 980");
        check("  WDC\tRed \u{1b}[31m\u{9b}1m\n", "WDC Red [31m 1m");
        check("\0", "");
        let longest = "ä".repeat(Object::LONGEST_TITLE);
        check(&longest, &longest);
        let cut = "ä".repeat(Object::LONGEST_TITLE - 1) + "…";
        check(&(longest + "ä"), &cut);
    }
}
