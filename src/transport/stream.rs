//! A stream socket. A Unix socket also passes file descriptors.

use std::{
    ffi::OsStr,
    fs::OpenOptions,
    io::{self, IoSlice, IoSliceMut, Read},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    },
    time::Duration,
};

#[cfg(feature = "service")]
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::socket::{self, AddressFamily, Shutdown, SockFlag, SockType, UnixAddr},
};
// nix returns received descriptors as numbers, and only unsafe code can own these.
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    net::TcpStream,
};
use zbus::address::transport::{Tcp, UnixSocket};

use super::readable_fd::{self, ReadableFd};

/// The kernel's limit of descriptors in one message: `SCM_MAX_FD`.
const MAX_DESCRIPTORS: usize = 253;

/// A connected socket. It wakes its reader when there is data, and its writer only if the kernel's send buffer was
/// full.
#[derive(Debug)]
pub(crate) struct Stream(ReadableFd);

impl Stream {
    /// Connects to a Unix socket.
    pub(super) async fn connect_unix(address: &UnixSocket) -> io::Result<Self> {
        let address = match address {
            UnixSocket::File(path) => UnixAddr::new(path.as_os_str())?,
            UnixSocket::Abstract(name) => UnixAddr::new_abstract(name.as_bytes())?,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        loop {
            match socket::connect(socket.as_raw_fd(), &address) {
                Ok(()) => return Ok(Self(ReadableFd::new(socket)?)),
                Err(Errno::EINTR) => {}
                // The listener's backlog is full, and no event reports room in it.
                Err(Errno::EAGAIN) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Connects over TCP, which passes no descriptors.
    pub(super) async fn connect_tcp(address: &Tcp) -> io::Result<Self> {
        let stream = TcpStream::connect((address.host(), address.port())).await?;
        stream.set_nodelay(true)?;
        let stream = Self(ReadableFd::new(stream.into_std()?.into())?);
        if let Some(file) = address.nonce_file() {
            // The nonce proves to the bus that both ends see the same files.
            stream.send_all(&nonce(OsStr::from_bytes(file))?).await?;
        }
        Ok(stream)
    }

    /// The pid of the process at the other end, if the kernel knows it.
    #[cfg(feature = "service")]
    pub(crate) fn peer(&self) -> Option<u32> {
        use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
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
        let length = buffer.len();
        self.0.try_read(|socket| {
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut slices = [IoSliceMut::new(&mut *buffer)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            let received = recvmsg(socket, &mut slices, &mut control, flags)?;
            let before = descriptors.len();
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(rights) = message {
                    descriptors.extend(rights);
                }
            }
            // The kernel ends a read after descriptors, also if there was no room for them, so more data can
            // follow.
            let is_cut = received.flags.contains(ReturnFlags::CTRUNC);
            let is_all = received.bytes < length && descriptors.len() == before && !is_cut;
            Ok((received.bytes, is_all))
        })
    }

    /// Waits for data and reads it. 0 is the end of the stream.
    pub(crate) async fn receive_some(
        &self,
        buffer: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> io::Result<usize> {
        loop {
            if let Some(received) = self.receive(buffer, descriptors)? {
                return Ok(received);
            }
            self.readable().await?;
        }
    }

    /// Writes as much as fits into the kernel's send buffer; `None` if it is full.
    pub(crate) fn send(
        &self,
        slices: &[IoSlice<'_>],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<Option<usize>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        loop {
            match sendmsg(
                self.0.descriptor(),
                slices,
                &mut control,
                SendFlags::NOSIGNAL,
            ) {
                Ok(sent) => return Ok(Some(sent)),
                Err(rustix::io::Errno::AGAIN) => return Ok(None),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the bus has read most of the written bytes: the kernel reports a socket as writable when at most a
    /// quarter of its send buffer is in use.
    #[cfg(feature = "service")]
    pub(crate) fn is_drained(&self) -> io::Result<bool> {
        let mut descriptors = [PollFd::new(self.0.descriptor().as_fd(), PollFlags::POLLOUT)];
        Ok(poll(&mut descriptors, PollTimeout::ZERO)? > 0)
    }

    /// Waits until the bus has read most of the written bytes.
    #[cfg(feature = "service")]
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

    /// Writes all bytes, and waits while the kernel's send buffer is full.
    pub(super) async fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.send(&[IoSlice::new(bytes)], &[])? {
                Some(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                None => self.writable().await?,
            }
        }
        Ok(())
    }

    /// Ends the connection in both directions.
    pub(crate) fn shut_down(&self) -> io::Result<()> {
        socket::shutdown(self.0.descriptor().as_raw_fd(), Shutdown::Both)?;
        Ok(())
    }
}

/// Reads the nonce of a file: 16 bytes ("TCP Sockets with nonce" in the specification). Opens with O_NONBLOCK and
/// O_NOCTTY, because the path may be a FIFO or a tty.
fn nonce(path: &OsStr) -> io::Result<Vec<u8>> {
    const LENGTH: u64 = 16;
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)?;
    let mut nonce = Vec::new();
    file.take(LENGTH).read_to_end(&mut nonce)?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixStream, thread, time::Duration};

    use super::*;

    #[test]
    fn a_nonce_is_16_bytes_and_a_fifo_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nonce");
        std::fs::write(&file, "0123456789abcdef and more").unwrap();
        assert_eq!(nonce(file.as_os_str()).unwrap(), b"0123456789abcdef");
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert_eq!(nonce(fifo.as_os_str()).unwrap(), b"");
    }

    #[test]
    fn send_all_waits_for_a_full_socket() {
        let (own, mut other) = UnixStream::pair().unwrap();
        own.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let stream = Stream(ReadableFd::new(own.into()).unwrap());
            let bytes = vec![7; 10 << 20];
            let reader = thread::spawn(move || {
                let mut read = 0;
                let mut buffer = vec![0; 300_000];
                while read < 10 << 20 {
                    thread::sleep(Duration::from_millis(1));
                    read += other.read(&mut buffer).unwrap();
                }
            });
            tokio::time::timeout(Duration::from_secs(20), stream.send_all(&bytes))
                .await
                .unwrap()
                .unwrap();
            reader.join().unwrap();
        });
    }
}
