//! A daemon: its settings, the plan of its start, and the verbs that act on it.

mod path;
mod plan;
mod service;
mod settings;
mod status;
mod verbs;

pub use settings::Daemon;
pub use status::Status;
