//! A socket that is registered with tokio.

use std::{
    io::{self, ErrorKind},
    os::fd::OwnedFd,
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    runtime::Handle,
};

/// A socket that is registered for reading.
#[derive(Debug)]
pub(crate) struct TokioSocket {
    socket: AsyncFd<OwnedFd>,
    runtime: Handle,
}

impl TokioSocket {
    pub(super) fn new(socket: OwnedFd, runtime: Handle) -> io::Result<Self> {
        let socket = register(socket, Interest::READABLE, &runtime)?;
        Ok(Self { socket, runtime })
    }

    pub(super) fn socket(&self) -> &OwnedFd {
        self.socket.get_ref()
    }

    pub(super) fn into_socket(self) -> OwnedFd {
        self.socket.into_inner()
    }

    /// Waits until there is data, and reads it. If `read` has read all data, the next wait does not poll the socket
    /// first.
    pub(super) async fn read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<(T, bool)>,
    ) -> io::Result<T> {
        loop {
            let mut ready = self.socket.readable().await?;
            match ready.try_io(|socket| read(socket.get_ref())) {
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
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
    pub(super) async fn writable(&self) -> io::Result<()> {
        let socket = self.socket().try_clone()?;
        let socket = register(socket, Interest::WRITABLE, &self.runtime)?;
        let ready = socket.writable().await?;
        drop(ready);
        Ok(())
    }
}

/// Registers a socket with a runtime. A connection of it may be used where no runtime is current.
fn register(socket: OwnedFd, interest: Interest, runtime: &Handle) -> io::Result<AsyncFd<OwnedFd>> {
    let _current = runtime.enter();
    #[allow(unsafe_code, reason = "tokio has no safe way to register such sockets")]
    // SAFETY: an `OwnedFd` stays open and keeps its number until it is dropped, and the `AsyncFd` that owns it drops
    // it.
    let registered = unsafe { AsyncFd::register_with_interest(socket, interest) };
    Ok(registered?)
}
