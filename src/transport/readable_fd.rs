//! A descriptor of the kernel's that becomes readable: a timer, a socket that tokio has no type for.

use std::{
    io,
    os::fd::OwnedFd,
    task::{Context, Poll, Waker},
};

use tokio::io::{Interest, unix::AsyncFd};

/// A descriptor, watched by the runtime. It wakes nobody while nobody waits for it.
#[derive(Debug)]
pub(crate) struct ReadableFd(AsyncFd<OwnedFd>);

/// Has the runtime watch a descriptor that does not block.
pub(super) fn register(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[allow(
        unsafe_code,
        reason = "tokio has no safe way to wait for other descriptors"
    )]
    // SAFETY: an `OwnedFd` is open and the same descriptor until it is dropped, and it is
    // dropped with the `AsyncFd` that owns it.
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    Ok(registered?)
}

impl ReadableFd {
    /// Watches a descriptor that does not block.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        register(descriptor, Interest::READABLE).map(Self)
    }

    pub(crate) fn descriptor(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    /// Waits until there may be something to read.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }

    /// Reads without waiting; nothing where there is nothing. `read` says with what it has read whether
    /// that was all there was.
    pub(crate) fn try_read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<(T, bool)>,
    ) -> io::Result<Option<T>> {
        loop {
            // Nobody is to be woken: who waits calls `wait`.
            let mut context = Context::from_waker(Waker::noop());
            let mut ready = match self.0.poll_read_ready(&mut context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(None),
            };
            match ready.try_io(|descriptor| read(descriptor.get_ref())) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Ok(Ok((done, is_all))) => {
                    if is_all {
                        ready.clear_ready();
                    }
                    return Ok(Some(done));
                }
                // It was readable once, and somebody has read it since.
                Err(_would_block) => return Ok(None),
            }
        }
    }

    /// Waits until there is something to read, and reads it.
    #[cfg(feature = "service")]
    pub(crate) async fn read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<T>,
    ) -> io::Result<T> {
        self.read_and(|descriptor| Ok((read(descriptor)?, false)))
            .await
    }

    /// The same, where one read leaves nothing to be read: the next wait need not look first.
    #[cfg(feature = "service")]
    pub(crate) async fn read_all<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<T>,
    ) -> io::Result<T> {
        self.read_and(|descriptor| Ok((read(descriptor)?, true)))
            .await
    }

    #[cfg(feature = "service")]
    async fn read_and<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<(T, bool)>,
    ) -> io::Result<T> {
        loop {
            self.wait().await?;
            if let Some(done) = self.try_read(&mut read)? {
                return Ok(done);
            }
        }
    }
}
