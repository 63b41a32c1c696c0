//! What a pidfile says of its daemon.

use super::lock::Stage;

/// The pidfile's state.
#[derive(Debug)]
pub(crate) enum PidfileState {
    Absent,
    /// A file that nobody holds. `empty` is what a daemon leaves that has ended in order but has no right to
    /// remove the file any more.
    Free {
        empty: bool,
    },
    Held(Holder),
}

/// The daemon that has the pidfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: i32,
    pub(crate) stage: Stage,
    pub(crate) proof: Proof,
    /// The user the file belongs to.
    pub(crate) owner: u32,
}

/// How the holder's process id is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// From the kernel, by the record lock.
    RecordLock { own_session: bool },
    /// From the file's text, and the process of that number shows in its fdinfo that it took the locks: a daemon of
    /// version 0.1.0, which took no record lock, or one that lost it by closing its own pidfile.
    Fdinfo,
}
