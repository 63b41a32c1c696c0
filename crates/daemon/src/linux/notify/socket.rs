//! The socket of the supervisor.

use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, sendmsg_addr, socket_with,
};

use crate::linux::error::Error;
use crate::linux::sys::wait;

/// Not connected, so that messages reach a supervisor that has been restarted at the same address.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    address: SocketAddrUnix,
}

impl Socket {
    /// `NOTIFY_SOCKET`.
    pub(super) fn new(text: &OsStr) -> Result<Self, Error> {
        let address = parse(text).map_err(|_| Error::NotifyAddress {
            address: text.to_string_lossy().into_owned(),
        })?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None);
        let fd = fd.map_err(|errno| Error::call("socket")(io::Error::from(errno)))?;
        Ok(Self { fd, address })
    }

    /// Sends a message with descriptors. Retries for `timeout` if the queue of the supervisor is full.
    pub(super) fn send(
        &self,
        message: &str,
        fds: &[BorrowedFd<'_>],
        timeout: Duration,
    ) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            // Retried, because poll(2) always reports an unconnected socket as writable.
            match self.try_send(message, fds) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if start.elapsed() < timeout => wait::before_retry(),
                Err(errno) => return Err(Error::call("sendmsg")(io::Error::from(errno))),
            }
        }
    }

    fn try_send(&self, message: &str, fds: &[BorrowedFd<'_>]) -> Result<usize, Errno> {
        let rights = SendAncillaryMessage::ScmRights(fds);
        let mut space = vec![MaybeUninit::uninit(); rights.size()];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(rights);
        }
        let message = [IoSlice::new(message.as_bytes())];
        let flags = SendFlags::NOSIGNAL;
        sendmsg_addr(&self.fd, &self.address, &message, &mut control, flags)
    }
}

/// An absolute path; or an abstract name, written with `@` instead of the kernel's NUL.
fn parse(text: &OsStr) -> Result<SocketAddrUnix, Errno> {
    match text.as_bytes() {
        [b'@', name @ ..] => SocketAddrUnix::new_abstract_name(name),
        [b'/', ..] => SocketAddrUnix::new(text),
        _ => Err(Errno::INVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_an_abstract_name_are_addresses() {
        let path = parse(OsStr::new("/run/systemd/notify")).unwrap();
        assert_eq!(path.path_bytes(), Some(&b"/run/systemd/notify"[..]));
        let name = parse(OsStr::new("@/org/x")).unwrap();
        assert_eq!(name.abstract_name(), Some(&b"/org/x"[..]));
        assert!(parse(OsStr::new("vsock:2:1")).is_err());
        assert!(parse(OsStr::new("")).is_err());
    }
}
