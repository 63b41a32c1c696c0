//! Custom metrics: the definitions in sources.d, through the program and the library.

mod check;
mod commands;
mod files;
pub(crate) mod fixture;
mod reload;
mod service;
mod unwatched;
mod watch;
