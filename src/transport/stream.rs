//! The service's socket to the bus.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{self, Shutdown, getsockopt, sockopt::PeerCredentials},
};
use sampled_client::transport;
use tokio::io::{Interest, unix::AsyncFd};

use super::readable_fd::{self, ReadableFd};

/// A connected socket. It wakes its reader when there is data, and its writer only if the kernel's send buffer was
/// full.
#[derive(Debug)]
pub(crate) struct Stream(ReadableFd);

impl Stream {
    /// Registers a connected socket, which does not block.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self(ReadableFd::new(socket)?))
    }

    /// The pid of the process at the other end, if the kernel knows it.
    pub(crate) fn peer(&self) -> Option<u32> {
        let peer = getsockopt(self.0.descriptor(), PeerCredentials).ok()?;
        // The pid is 0 for a process in another pid namespace, and over TCP.
        u32::try_from(peer.pid()).ok().filter(|&pid| pid > 0)
    }

    /// Waits until there is data.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.0.wait().await
    }

    /// Reads without waiting; `None` if there is no data. Appends received descriptors.
    pub(crate) fn receive(
        &self,
        buffer: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> io::Result<Option<usize>> {
        self.0
            .try_read(|socket| transport::receive(socket, buffer, descriptors))
    }

    /// Writes as much as fits into the kernel's send buffer; `None` if it is full.
    pub(crate) fn send(
        &self,
        slices: &[IoSlice<'_>],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<Option<usize>> {
        match transport::send(self.0.descriptor(), slices, descriptors) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            sent => sent.map(Some),
        }
    }

    /// Whether the bus has read most of the written bytes: the kernel reports a socket as writable when at most a
    /// quarter of its send buffer is in use.
    pub(crate) fn is_drained(&self) -> io::Result<bool> {
        let mut descriptors = [PollFd::new(self.0.descriptor().as_fd(), PollFlags::POLLOUT)];
        Ok(poll(&mut descriptors, PollTimeout::ZERO)? > 0)
    }

    /// Waits until the bus has read most of the written bytes.
    pub(crate) async fn drained(&self) -> io::Result<()> {
        while !self.is_drained()? {
            self.writable().await?;
        }
        Ok(())
    }

    /// Waits until the kernel's send buffer has room. Registers the socket for this wait only: a lasting
    /// registration would wake the service each time the bus reads.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        let socket = self.0.descriptor().as_fd().try_clone_to_owned()?;
        let writable: AsyncFd<OwnedFd> = readable_fd::register(socket, Interest::WRITABLE)?;
        let ready = writable.writable().await?;
        drop(ready);
        Ok(())
    }

    /// Ends the connection in both directions.
    pub(crate) fn shut_down(&self) -> io::Result<()> {
        socket::shutdown(self.0.descriptor().as_raw_fd(), Shutdown::Both)?;
        Ok(())
    }
}
