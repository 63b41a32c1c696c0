//! Connected sockets, which do not block. A Unix socket also passes file descriptors.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::SocketAddr,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
};

use nix::{
    errno::Errno,
    sys::socket::{
        self, AddressFamily, Shutdown, SockFlag, SockType, SockaddrStorage, UnixAddr, getsockopt,
        setsockopt, sockopt,
    },
};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use zbus::address::transport::UnixSocket;

/// The kernel's limit of descriptors in one message: `SCM_MAX_FD`.
const MAX_DESCRIPTORS: usize = 253;

/// A socket for an address of the bus.
pub(super) fn unix(address: &UnixSocket) -> io::Result<(OwnedFd, UnixAddr)> {
    let address = match address {
        UnixSocket::File(path) => UnixAddr::new(path.as_os_str())?,
        UnixSocket::Abstract(name) => UnixAddr::new_abstract(name.as_bytes())?,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    Ok((stream_socket(AddressFamily::Unix)?, address))
}

/// Begins to connect to a Unix socket. False if the listener's backlog is full.
pub(super) fn connect_unix(socket: &OwnedFd, address: &UnixAddr) -> io::Result<bool> {
    loop {
        match socket::connect(socket.as_raw_fd(), address) {
            Ok(()) => return Ok(true),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Begins to connect over TCP. The socket is writable once [`error`] is known.
pub(super) fn connect_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let socket = stream_socket(family)?;
    match socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
        // A signal does not end the attempt either.
        Ok(()) | Err(Errno::EINPROGRESS | Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
    Ok(socket)
}

fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket::socket(family, SockType::Stream, flags, None)?)
}

/// Whether the process that listens has a pid in the pid namespace of this one. It has none in a namespace above or
/// beside it.
pub(super) fn sees_peer(socket: &OwnedFd) -> bool {
    getsockopt(socket, sockopt::PeerCredentials).is_ok_and(|peer| peer.pid() > 0)
}

/// The error of an attempt to connect that has ended.
pub(super) fn error(socket: &OwnedFd) -> io::Result<()> {
    match getsockopt(socket, sockopt::SocketError)? {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Reads without waiting, and appends received descriptors. Returns the number of bytes, 0 at the end of the stream, and
/// whether all data was read.
///
/// # Errors
/// `WouldBlock` if there is no data; the errors of recvmsg(2).
pub fn receive(
    socket: impl AsFd,
    buffer: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<(usize, bool)> {
    let length = buffer.len();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(buffer)];
    let received = recvmsg(socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let before = descriptors.len();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    // The kernel ends a read after descriptors, also if there was no room for them, so more data can follow.
    let is_cut = received.flags.contains(ReturnFlags::CTRUNC);
    let is_all = received.bytes < length && descriptors.len() == before && !is_cut;
    Ok((received.bytes, is_all))
}

/// Writes as much as fits into the kernel's send buffer, and sends the descriptors along with the first byte.
///
/// # Errors
/// `WouldBlock` if the buffer is full; `InvalidInput` if there are more descriptors than a message may have; the errors
/// of sendmsg(2).
pub fn send(
    socket: impl AsFd,
    slices: &[IoSlice<'_>],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    loop {
        match sendmsg(&socket, slices, &mut control, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            sent => return Ok(sent?),
        }
    }
}

/// Ends the connection in both directions.
pub(super) fn shut_down(socket: &OwnedFd) -> io::Result<()> {
    socket::shutdown(socket.as_raw_fd(), Shutdown::Both)?;
    Ok(())
}
