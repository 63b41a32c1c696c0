//! Values as a person reads them, from units in UCUM.

/// A value in its unit.
pub fn format(value: f64, unit: &str) -> String {
    format!("{value} {unit}")
}
