//! The error of a selector that cannot be resolved.

use super::hint::{self, Hint};
use crate::selector::InvalidSelector;

/// The reason why selectors cannot be resolved.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A selector is not well formed.
    #[error(transparent)]
    Invalid(#[from] InvalidSelector),
    /// A selector matches no metric.
    #[error("{}", hint::message(selector, hint, cause.as_deref()))]
    Unknown {
        /// The selector.
        selector: String,
        /// A similar selector, or the names that can be selected.
        hint: Hint,
        /// The problem of the source that may have the metric.
        cause: Option<String>,
    },
}
