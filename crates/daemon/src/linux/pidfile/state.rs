//! The state of a pidfile, and the daemon that holds it.

use super::lock::Stage;

/// The pidfile's state.
#[derive(Debug)]
pub(crate) enum PidfileState {
    Absent,
    /// A file that no process holds. A daemon that ended in order but may not remove the file any more leaves it
    /// `empty`.
    Free {
        empty: bool,
    },
    Held(Holder),
}

/// The daemon that holds the pidfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: i32,
    pub(crate) stage: Stage,
    pub(crate) proof: Proof,
    /// The user id of the file's owner.
    pub(crate) owner: u32,
}

/// The source of the holder's process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The kernel, by F_GETLK on the record lock.
    RecordLock { own_session: bool },
    /// The text of the file, verified by the locks in the fdinfo of that process: a daemon of version 0.1.0, which took
    /// no record lock, or a daemon that lost it by closing its own pidfile.
    Fdinfo,
}
