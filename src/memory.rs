//! Memory that a peak has taken, given back.

/// Has the allocator give back to the kernel what is free: it keeps it otherwise, for another peak.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        #[allow(
            unsafe_code,
            reason = "the allocator of the C library is reached by a call"
        )]
        // SAFETY: malloc_trim takes the allocator's own locks and touches free memory only.
        unsafe {
            nix::libc::malloc_trim(0);
        }
    }
}
