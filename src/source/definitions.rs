//! Members that the user defines.

use std::os::fd::OwnedFd;

/// A family whose members the user defines in files, which may change at any time.
pub trait Definitions {
    /// Starts a probe for changed definitions on the blocking pool, and returns whether it did.
    /// [`Family::changed`](super::Family::changed) has the result. Without `force`, the probe starts only if
    /// something has shown a change or the last probe is long ago.
    fn probe(&self, force: bool) -> bool;

    /// A descriptor that is readable when there is something to [probe](Self::probe). Once there is one, it stays
    /// the same.
    fn change_fd(&self) -> Option<OwnedFd>;
}
