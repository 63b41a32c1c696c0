//! A stream socket that is registered with the runtime.

use std::{
    ffi::OsStr,
    fs::OpenOptions,
    io::{self, IoSlice, Read},
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    },
    time::Duration,
};

use nix::fcntl::OFlag;
use zbus::address::transport::{Tcp, UnixSocket};

use super::socket;
use crate::runtime::{self, Registration};

/// The time between two attempts to connect to a listener whose backlog is full: no event reports room in it.
const BACKLOG_INTERVAL: Duration = Duration::from_millis(10);

/// A connected socket. It wakes its reader when there is data, and its writer only if the kernel's send buffer was
/// full.
#[derive(Debug)]
pub(super) struct Stream(Registration);

impl Stream {
    /// Connects to a Unix socket.
    pub(super) async fn connect_unix(address: &UnixSocket) -> io::Result<Self> {
        let (socket, address) = socket::unix(address)?;
        while !socket::connect_unix(&socket, &address)? {
            runtime::sleep(BACKLOG_INTERVAL).await?;
        }
        Ok(Self(Registration::new(socket)?))
    }

    /// Connects over TCP, which passes no descriptors.
    pub(super) async fn connect_tcp(address: &Tcp) -> io::Result<Self> {
        let stream = Self::connect_to_any(address).await?;
        if let Some(file) = address.nonce_file() {
            // The nonce proves to the bus that both ends see the same files.
            stream.send_all(&nonce(OsStr::from_bytes(file))?).await?;
        }
        Ok(stream)
    }

    /// Connects to the first address of the host that lets it.
    async fn connect_to_any(address: &Tcp) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in resolve(address.host(), address.port()).await? {
            match Self::connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(address: SocketAddr) -> io::Result<Self> {
        let stream = Self(Registration::new(socket::connect_tcp(address)?)?);
        stream.0.writable().await?;
        socket::error(stream.0.socket())?;
        Ok(stream)
    }

    /// The socket, without its registration.
    pub(super) fn into_socket(self) -> io::Result<OwnedFd> {
        self.0.into_socket()
    }

    /// Waits for data and reads it. 0 is the end of the stream. Appends received descriptors.
    pub(super) async fn receive(
        &self,
        buffer: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> io::Result<usize> {
        let read = |socket: &OwnedFd| socket::receive(socket, buffer, descriptors);
        self.0.read(read).await
    }

    /// Writes as much as fits into the kernel's send buffer, and waits while it is full.
    pub(super) async fn send(
        &self,
        slices: &[IoSlice<'_>],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        loop {
            match socket::send(self.0.socket(), slices, descriptors) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return sent,
            }
            self.0.writable().await?;
        }
    }

    /// Writes all bytes, and waits while the kernel's send buffer is full.
    pub(super) async fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = self.send(&[IoSlice::new(bytes)], &[]).await?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Whether the process that listens has a pid here.
    pub(super) fn sees_peer(&self) -> bool {
        socket::sees_peer(self.0.socket())
    }

    /// Ends the connection in both directions.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        socket::shut_down(self.0.socket())
    }
}

/// The addresses of a host. A name may take a while to look up, so a thread does it.
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    runtime::unblock(move || Ok((host, port).to_socket_addrs()?.collect())).await
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

    /// Sends more than fits into the socket, to a reader that is slower.
    async fn fill_a_socket() {
        let (own, mut other) = UnixStream::pair().unwrap();
        own.set_nonblocking(true).unwrap();
        let stream = Stream(Registration::new(own.into()).unwrap());
        let bytes = vec![7; 10 << 20];
        let reader = thread::spawn(move || {
            let mut read = 0;
            let mut buffer = vec![0; 300_000];
            while read < 10 << 20 {
                thread::sleep(Duration::from_millis(1));
                read += other.read(&mut buffer).unwrap();
            }
        });
        let sent = async { Ok(stream.send_all(&bytes).await?) };
        let sent = runtime::timeout(Duration::from_secs(20), sent).await;
        sent.unwrap();
        reader.join().unwrap();
        // Without its registration, the socket can be registered again.
        let again = Registration::new(stream.into_socket().unwrap()).unwrap();
        again.writable().await.unwrap();
    }

    #[test]
    fn send_all_waits_for_a_full_socket() {
        zruntime::block_on(fill_a_socket());
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn send_all_waits_for_a_full_socket_on_tokio() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(fill_a_socket());
    }

    #[test]
    fn a_timeout_ends_a_wait() {
        let never = std::future::pending::<zbus::Result<()>>();
        let limit = Duration::from_millis(20);
        let error = zruntime::block_on(runtime::timeout(limit, never)).unwrap_err();
        assert!(runtime::is_timed_out(&error), "{error}");
    }
}
