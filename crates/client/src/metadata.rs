//! The metadata of metrics.

use std::collections::HashMap;

use zbus::OwnedVariant;

use crate::variants::take;

/// The metadata of a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// A short name for a person, in English, without the name of the object.
    pub name: String,
    /// The same in two words at most, for a panel. Empty from a service of an earlier version.
    pub short: String,
    /// The meaning of the value, in a sentence.
    pub description: String,
    /// The kernel's file, or another origin, and the formula in words.
    pub formula: String,
    /// The title of its object: `Samsung SSD 980`. Two objects may have the same title.
    pub object: String,
    /// The part of the machine: `processor`, `memory`, `disks`, `network`, `graphics`, `sensors`, `power`, `system`
    /// or `custom`.
    pub group: String,
    /// The unit, in UCUM; empty for a text.
    pub unit: String,
    /// `gauge`, `rate`, `total` or `text`.
    pub kind: String,
    /// The source that reads it.
    pub source: String,
    /// The number of decimals to display in this unit; none for a text.
    pub precision: Option<u32>,
    /// The lower end of the scale, if known.
    pub minimum: Option<f64>,
    /// The upper end of the scale, if known.
    pub maximum: Option<f64>,
    /// The value that deserves attention, if known.
    pub warning: Option<f64>,
    /// The value at which the hardware protects itself or takes damage, if known.
    pub critical: Option<f64>,
    /// Whether the normal values are above `warning` and `critical`, as those of a fan are.
    pub lower_limits: bool,
    /// Whether its object is a network interface without hardware that `network/all` does not count: `lo`, an `ifb`, the
    /// end of a `veth` pair that leads to a container.
    pub is_virtual: bool,
}

impl Metadata {
    pub(crate) fn new(mut properties: HashMap<String, OwnedVariant>) -> Self {
        Self {
            name: take(&mut properties, "name").unwrap_or_default(),
            short: take(&mut properties, "short").unwrap_or_default(),
            description: take(&mut properties, "description").unwrap_or_default(),
            formula: take(&mut properties, "formula").unwrap_or_default(),
            object: take(&mut properties, "object").unwrap_or_default(),
            group: take(&mut properties, "group").unwrap_or_default(),
            unit: take(&mut properties, "unit").unwrap_or_default(),
            kind: take(&mut properties, "kind").unwrap_or_default(),
            source: take(&mut properties, "source").unwrap_or_default(),
            precision: take(&mut properties, "precision"),
            minimum: take(&mut properties, "minimum"),
            maximum: take(&mut properties, "maximum"),
            warning: take(&mut properties, "warning"),
            critical: take(&mut properties, "critical"),
            lower_limits: take(&mut properties, "lower_limits").unwrap_or_default(),
            is_virtual: take(&mut properties, "virtual").unwrap_or_default(),
        }
    }
}
