//! The steps of daemon(7) that change one process: descriptors, environment, umask, directory, user, standard streams;
//! limits, privileges, and the sockets of a supervisor.

pub(crate) mod descriptors;
pub(crate) mod directory;
pub(crate) mod environment;
pub(crate) mod identity;
mod journal;
pub(crate) mod limits;
pub(crate) mod listen_fds;
mod log_file;
pub(crate) mod privileges;
pub(crate) mod stdio;

pub use listen_fds::{ListenFd, listen_fds};
pub use stdio::Stdio;
