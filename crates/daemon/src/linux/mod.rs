mod control;
mod daemon;
mod descriptors;
mod detach;
mod environment;
mod error;
mod foreground;
mod holder;
mod identity;
mod launcher;
mod lock;
mod notify;
mod pidfile;
mod plan;
mod probe;
mod proc;
mod process;
mod readiness;
mod ready;
mod session;
mod start;
mod status;
mod stdio;
mod supersede;
#[allow(
    unsafe_code,
    reason = "fork, signal actions, descriptors by number and the environment have no safe form"
)]
mod sys;
mod threads;

pub use control::{KillMode, Stop};
pub use daemon::Daemon;
pub use detach::detach;
pub use error::{Death, Error};
pub use foreground::{seclude, settle};
pub use notify::Notify;
pub use pidfile::Pidfile;
pub use process::Process;
pub use ready::Ready;
pub use start::Start;
pub use status::Status;
pub use stdio::Stdio;
