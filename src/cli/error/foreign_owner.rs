//! A process that owns the service's name and is not sampled, or belongs to another user.

use std::{fmt, io, path::PathBuf};

use nix::unistd::{Uid, User};

use sampled::wire::NAME;

/// An owner of the name that gets no signal from us.
#[derive(Debug, thiserror::Error)]
#[error("{NAME} belongs to {}{why}", process(*pid))]
pub(crate) struct ForeignOwner {
    /// `None` if it is unknown here.
    pub(crate) pid: Option<u32>,
    pub(crate) why: ForeignReason,
}

/// Why it gets no signal.
#[derive(Debug)]
pub(crate) enum ForeignReason {
    User(Uid),
    Program(PathBuf),
    Unreadable(String, io::Error),
    /// Its pid, or a /proc with its facts, is not known here.
    Elsewhere,
}

fn process(pid: Option<u32>) -> String {
    pid.map_or("a process".to_owned(), |pid| format!("process {pid}"))
}

impl fmt::Display for ForeignReason {
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
            Self::Elsewhere => f.write_str(
                " without a known pid (it, the bus or /proc is in another pid namespace)",
            ),
        }
    }
}
