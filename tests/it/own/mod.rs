//! Sources of the user's own: what he defines in sources.d, as the program takes it.

mod check;
mod commands;
mod files;
pub(crate) mod place;
mod reload;
mod service;
