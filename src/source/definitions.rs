//! What the user defines, and may define anew at any time.

use std::os::fd::OwnedFd;

/// A family whose members the user defines in files.
pub trait Definitions {
    /// Looks whether something was defined anew, on the blocking pool: [`Family::changed`](super::Family::changed)
    /// says so when that is answered. Without looking `closely`, only if something has shown it, or that was long
    /// ago. Returns whether it looks.
    fn look(&self, closely: bool) -> bool;

    /// A descriptor that can be read when there is something to [look](Self::look) at. It is the same one
    /// for good, once there is one.
    fn news(&self) -> Option<OwnedFd>;
}
