//! The error of a query.

use crate::process::{Field, UnknownField};

/// The reason why a query is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No field has this name.
    #[error(transparent)]
    UnknownField(#[from] UnknownField),
    /// A condition without a pattern.
    #[error("{0}: a filter is field=pattern")]
    NoPattern(String),
    /// The field is a number, but the pattern is not.
    #[error("{field}={pattern}: the pattern of a number is like 42, >=42 or <42")]
    InvalidPattern {
        /// The field.
        field: Field,
        /// The invalid pattern.
        pattern: String,
    },
    /// A sum of this field over several processes makes no sense.
    #[error("{0}: this field cannot be summed up")]
    NotSummable(Field),
    /// Processes cannot be grouped by this.
    #[error("{0}: processes are summed up by application, unit or user")]
    UnknownGroup(String),
}
