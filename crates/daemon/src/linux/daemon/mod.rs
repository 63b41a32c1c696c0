//! A daemon: its settings, the plan of its start, and its commands.

mod commands;
mod main;
mod path;
mod plan;
mod privileged;
mod process_settings;
mod service;
mod settings;
mod status;

pub use privileged::Privileged;
pub use settings::Daemon;
pub use status::Status;
