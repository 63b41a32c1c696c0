//! Other processes: opened by a pidfd, signalled, ended alone or with their session.

mod handle;
pub(crate) mod session;
mod stop;

pub use handle::Process;
pub use stop::{KillMode, Stop};
