//! Members that the user defines.

use std::{os::fd::OwnedFd, path::Path};

/// A family whose members the user defines in files, which may change at any time.
pub trait Definitions {
    /// The directory of the files.
    fn path(&self) -> &Path;

    /// Starts a probe for changed definitions on the blocking pool, and returns whether it did.
    /// [`Family::changed`](super::Family::changed) has the result. Without `force`, the probe starts only if
    /// something has shown a change or the last probe is long ago.
    fn probe(&self, force: bool) -> bool;

    /// Has all files read again on the blocking pool, if they were read before: the user has asked for it. Some changes
    /// have no events, such as those of a file that a link behind a link leads to.
    fn read_again(&self);

    /// A descriptor that is readable when there is something to [probe](Self::probe). Once there is one, it stays
    /// the same.
    fn change_fd(&self) -> Option<OwnedFd>;
}
