//! The client's use of the runtime: readiness of a socket, timers, and a thread for what blocks.
//!
//! The runtime is the one that zbus chooses for a connection: tokio where a runtime of tokio is current, zruntime
//! otherwise. zruntime runs on a thread of its own while no thread is inside its `block_on`, so that its wakers reach
//! any executor.

#[cfg(feature = "tokio")]
mod tokio_socket;

use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    os::fd::OwnedFd,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

#[cfg(feature = "tokio")]
use tokio::runtime::Handle;
use zruntime::{Interest, Shared, SharedRuntime};

#[cfg(feature = "tokio")]
use tokio_socket::TokioSocket;

/// A socket that is registered with the runtime.
#[derive(Debug)]
pub(crate) enum Registration {
    #[cfg(feature = "tokio")]
    Tokio(TokioSocket),
    ZRuntime {
        socket: Arc<OwnedFd>,
        registration: zruntime::Registration<Shared>,
    },
}

impl Registration {
    /// Registers a socket, which must not block.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        #[cfg(feature = "tokio")]
        if let Ok(runtime) = Handle::try_current() {
            return TokioSocket::new(socket, runtime).map(Self::Tokio);
        }
        let socket = Arc::new(socket);
        let registration = SharedRuntime::current()?.register(socket.clone())?;
        Ok(Self::ZRuntime {
            socket,
            registration,
        })
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(socket) => socket.socket(),
            Self::ZRuntime { socket, .. } => socket,
        }
    }

    /// Ends the registration.
    pub(crate) fn into_socket(self) -> io::Result<OwnedFd> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(socket) => Ok(socket.into_socket()),
            Self::ZRuntime {
                socket,
                registration,
            } => {
                drop(registration);
                // The runtime may hold the other reference for a moment.
                Arc::try_unwrap(socket).or_else(|shared| shared.try_clone())
            }
        }
    }

    /// Waits until there is data, and reads it. `read` returns with its result whether it has read all data.
    pub(crate) async fn read<T>(
        &self,
        mut read: impl FnMut(&OwnedFd) -> io::Result<(T, bool)>,
    ) -> io::Result<T> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(socket) => socket.read(read).await,
            Self::ZRuntime {
                socket,
                registration,
            } => {
                let mut read = || match read(socket) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {
                        Err(ErrorKind::WouldBlock.into())
                    }
                    read => read,
                };
                let (done, _) =
                    poll_fn(|cx| registration.poll_io(cx, Interest::Readable, &mut read)).await?;
                Ok(done)
            }
        }
    }

    /// Waits until the kernel's send buffer has room.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(socket) => socket.writable().await,
            Self::ZRuntime { registration, .. } => registration.ready(Interest::Writable).await,
        }
    }
}

/// Waits for this long.
pub(crate) async fn sleep(time: Duration) -> io::Result<()> {
    #[cfg(feature = "tokio")]
    if Handle::try_current().is_ok() {
        tokio::time::sleep(time).await;
        return Ok(());
    }
    SharedRuntime::current()?.sleep(time).await;
    Ok(())
}

/// Waits for the result of a future, at most this long: then the error is `TimedOut`.
pub(crate) async fn timeout<T>(
    limit: Duration,
    future: impl Future<Output = zbus::Result<T>>,
) -> zbus::Result<T> {
    let mut future = pin!(future);
    let mut timer = pin!(sleep(limit));
    poll_fn(|cx| {
        if let Poll::Ready(result) = future.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        let elapsed = |()| io::Error::from(ErrorKind::TimedOut);
        let timer = timer.as_mut().poll(cx);
        timer.map(|slept| Err(slept.map_or_else(|error| error, elapsed).into()))
    })
    .await
}

/// Whether a [`timeout`], or the connection's own timeout for a call, has expired.
pub(crate) fn is_timed_out(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(cause) if cause.kind() == ErrorKind::TimedOut)
}

/// Runs work that blocks on a thread.
pub(crate) async fn unblock<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = Handle::try_current() {
        return runtime.spawn_blocking(work).await?;
    }
    zruntime::unblock(work).await
}
