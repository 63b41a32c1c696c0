//! A correct Unix daemon for anybody's program: detach, pidfile, readiness, start, stop, restart, status.
mod control;
mod detach;
mod error;
mod identity;
mod lock;
mod look;
mod notify;
mod pidfile;
mod process;
mod ready;
mod settings;
mod start;
mod stdio;
#[allow(
    unsafe_code,
    reason = "fork, signal actions, descriptors by number and the environment have no safe form"
)]
mod sys;
mod word;

pub use control::{Status, Stop};
pub use detach::{detach, settle};
pub use error::Error;
pub use notify::Notify;
pub use pidfile::Pidfile;
pub use ready::Ready;
pub use settings::Daemon;
pub use start::Start;
pub use stdio::Stdio;
