//! A descriptor of the kernel's that becomes readable: a timer, a socket that tokio has no type for.

use std::{io, os::fd::OwnedFd};

use tokio::io::{Interest, unix::AsyncFd};

/// A descriptor, watched by the runtime. It wakes nobody while nobody waits for it.
pub(crate) struct Readable(AsyncFd<OwnedFd>);

impl Readable {
    /// Watches a descriptor that does not block.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        #[allow(
            unsafe_code,
            reason = "tokio has no safe way to wait for other descriptors"
        )]
        // SAFETY: an `OwnedFd` is open and the same descriptor until it is dropped, and it is
        // dropped with the `AsyncFd` that owns it.
        let descriptor =
            unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
        Ok(Self(descriptor))
    }

    pub(crate) fn descriptor(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    /// Waits until there is something to read, and reads it.
    pub(crate) async fn read<T>(
        &self,
        read: impl FnMut(&OwnedFd) -> rustix::io::Result<T>,
    ) -> io::Result<T> {
        self.read_and(read, false).await
    }

    /// The same, where one read leaves nothing to be read: the next wait need not look first.
    pub(crate) async fn read_all<T>(
        &self,
        read: impl FnMut(&OwnedFd) -> rustix::io::Result<T>,
    ) -> io::Result<T> {
        self.read_and(read, true).await
    }

    async fn read_and<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> rustix::io::Result<T>,
        is_all: bool,
    ) -> io::Result<T> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|descriptor| Ok(read(descriptor.get_ref())?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(done) => {
                    if is_all {
                        ready.clear_ready();
                    }
                    return done;
                }
                // It was readable once, and somebody has read it since.
                Err(_would_block) => {}
            }
        }
    }
}
