//! The allocator of the C library.

/// Gives free memory back to the kernel: malloc_trim(3). After a peak, the allocator would keep it for the next one.
pub(crate) fn trim() {
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
