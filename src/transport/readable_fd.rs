//! File descriptors that become readable and for which tokio has no type: timerfds, sockets.

use std::{
    io,
    os::fd::OwnedFd,
    task::{Context, Poll, Waker},
};

use tokio::io::{Interest, unix::AsyncFd};

/// A file descriptor that is registered with the runtime. Wakes no task unless one waits for it.
#[derive(Debug)]
pub(crate) struct ReadableFd(AsyncFd<OwnedFd>);

/// Registers a non-blocking descriptor with the runtime.
pub(super) fn register(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[allow(
        unsafe_code,
        reason = "tokio has no safe way to register such descriptors"
    )]
    // SAFETY: an `OwnedFd` stays open and keeps its number until it is dropped, and the `AsyncFd`
    // that owns it drops it.
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    Ok(registered?)
}

impl ReadableFd {
    /// Registers a non-blocking descriptor.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        register(descriptor, Interest::READABLE).map(Self)
    }

    pub(crate) fn descriptor(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    /// Waits until the descriptor may be readable.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }

    /// Reads without waiting; `None` if there is no data. `read` returns with its result whether it has read all
    /// data.
    pub(crate) fn try_read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<(T, bool)>,
    ) -> io::Result<Option<T>> {
        loop {
            // Registers no waker: tasks that wait call `wait`.
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
                // Another reader was faster since the descriptor became readable.
                Err(_would_block) => return Ok(None),
            }
        }
    }

    /// Waits until there is data, and reads it.
    pub(crate) async fn read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<T>,
    ) -> io::Result<T> {
        self.read_and(|descriptor| Ok((read(descriptor)?, false)))
            .await
    }

    /// Like [`read`](Self::read), for reads that take all data: the next wait does not poll the descriptor first.
    pub(crate) async fn read_all<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<T>,
    ) -> io::Result<T> {
        self.read_and(|descriptor| Ok((read(descriptor)?, true)))
            .await
    }

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
