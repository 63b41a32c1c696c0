//! The steps of daemon(7) that change one process: descriptors, environment, umask, directory, user, standard streams.

pub(crate) mod descriptors;
pub(crate) mod directory;
pub(crate) mod environment;
pub(crate) mod identity;
pub(crate) mod stdio;

pub use stdio::Stdio;
