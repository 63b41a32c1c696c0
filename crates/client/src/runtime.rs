//! The client's use of the runtime: readiness of a socket, timers, and a thread for what blocks.

use std::{io, os::fd::OwnedFd, time::Duration};

use tokio::{
    io::{Interest, unix::AsyncFd},
    task,
};

pub(crate) use tokio::time::timeout;

/// A socket that is registered with the runtime for reading.
#[derive(Debug)]
pub(crate) struct Registration(AsyncFd<OwnedFd>);

impl Registration {
    /// Registers a socket, which must not block.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        register(socket, Interest::READABLE).map(Self)
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    pub(crate) fn into_socket(self) -> OwnedFd {
        self.0.into_inner()
    }

    /// Waits until there is data, and reads it. `read` returns with its result whether it has read all data: the next
    /// read waits first then.
    pub(crate) async fn read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<(T, bool)>,
    ) -> io::Result<T> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|socket| read(socket.get_ref())) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Ok(Ok((done, is_all))) => {
                    if is_all {
                        ready.clear_ready();
                    }
                    return Ok(done);
                }
                Err(_would_block) => {}
            }
        }
    }

    /// Waits until the kernel's send buffer has room. Registers the socket for this wait only: a lasting registration
    /// would wake the program each time the bus reads.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        let socket = register(self.socket().try_clone()?, Interest::WRITABLE)?;
        let ready = socket.writable().await?;
        drop(ready);
        Ok(())
    }
}

fn register(socket: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[allow(unsafe_code, reason = "tokio has no safe way to register such sockets")]
    // SAFETY: an `OwnedFd` stays open and keeps its number until it is dropped, and the `AsyncFd` that owns it drops
    // it.
    let registered = unsafe { AsyncFd::register_with_interest(socket, interest) };
    Ok(registered?)
}

/// Waits for this long.
pub(crate) async fn sleep(time: Duration) -> io::Result<()> {
    tokio::time::sleep(time).await;
    Ok(())
}

/// Runs work that blocks on a thread.
pub(crate) async fn unblock<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    task::spawn_blocking(work).await?
}
