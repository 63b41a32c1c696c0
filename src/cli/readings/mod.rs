//! Where readings come from, and which metrics are meant.

pub(crate) mod origin;
pub(crate) mod selectors;
