//! The defaults of a definition: the unit, the description, the formula in words, the direction of the limits.

use std::fmt;

use crate::{
    custom::extract::Form,
    metric::{Kind, Limits, unit},
};

use super::ValueOrigin;

/// The unit of a metric of this kind.
pub(super) fn unit(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => unit::NONE,
        Kind::Rate => unit::PER_SECOND,
        Kind::Gauge | Kind::Total => unit::ONE,
    }
}

/// A sentence on the origin.
pub(super) fn description(origin: &ValueOrigin) -> String {
    match origin {
        ValueOrigin::File { .. } => "Value from a file.".to_owned(),
        ValueOrigin::Command { command, .. } => {
            format!("Value from the command {}.", command.name)
        }
        ValueOrigin::Expression(_) => "Value computed from other metrics.".to_owned(),
    }
}

/// The limits. The normal values are above them if the critical value is the lower one.
pub(super) fn limits(warning: Option<f64>, critical: Option<f64>) -> Limits {
    match warning.zip(critical) {
        Some((warning_value, critical_value)) if critical_value < warning_value => {
            Limits::lower(warning, critical)
        }
        _ => Limits::upper(warning, critical),
    }
}

/// The file, the command or the expression, and what is made of its number.
impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self {
            Self::File { path, part } => {
                f.write_str(&path.0)?;
                part
            }
            Self::Command { command, part } => {
                write!(f, "command {}", command.name)?;
                part
            }
            Self::Expression(expression) => return expression.fmt(f),
        };
        let (scale, offset) = match part.extract.form {
            Form::Number { scale, offset } => (scale, offset),
            Form::Counter { scale } => (scale, 0.0),
            Form::Text => (1.0, 0.0),
        };
        if scale != 1.0 {
            write!(f, " × {scale}")?;
        }
        match offset {
            0.0 => Ok(()),
            offset if offset < 0.0 => write!(f, " − {}", offset.abs()),
            offset => write!(f, " + {offset}"),
        }
    }
}
