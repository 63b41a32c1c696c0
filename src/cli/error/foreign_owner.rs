//! A program that has the name of the service and is not sampled, or not this user's.

use std::{fmt, io, path::PathBuf};

use nix::unistd::{Uid, User};

use sampled::wire::NAME;

/// Why an owner of the name gets no signal.
#[derive(Debug, thiserror::Error)]
#[error("{NAME} belongs to process {pid}{why}")]
pub(crate) struct Stranger {
    pub(crate) pid: u32,
    pub(crate) why: NotOurs,
}

/// What is known of it.
#[derive(Debug)]
pub(crate) enum NotOurs {
    User(Uid),
    Program(PathBuf),
    Unreadable(String, io::Error),
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(uid) => match User::from_uid(*uid) {
                Ok(Some(user)) => write!(f, " of the user {}", user.name),
                _ => write!(f, " of the user {uid}"),
            },
            Self::Program(path) => write!(f, " ({}), which is not sampled", path.display()),
            Self::Unreadable(file, cause) => write!(
                f,
                ", which may be another program than sampled ({file}: {cause})"
            ),
        }
    }
}
