//! A daemon: its settings, the plan of its start, and its commands.

mod commands;
mod path;
mod plan;
mod service;
mod settings;
mod status;

pub use settings::Daemon;
pub use status::Status;
