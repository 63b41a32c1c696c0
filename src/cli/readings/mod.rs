//! The backend that readings come from, and the selectors.

pub(crate) mod backend;
pub(crate) mod selectors;
mod streamed;
