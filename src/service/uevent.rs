//! Kobject uevents, which the kernel sends over netlink when devices come and go.
//!
//! The socket is open only while there is a session, so that uevents wake no idle service.

use std::{io, os::fd::AsRawFd};

use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, socket,
};

use crate::transport::readable_fd::ReadableFd;

/// A netlink socket in the kernel's uevent multicast group.
pub(crate) struct Uevents(ReadableFd);

/// The multicast group of the kernel; udev sends to group 2.
const KERNEL: u32 = 1;

/// The maximum size of a uevent: the kernel's `UEVENT_BUFFER_SIZE` (2048) and a header, with room to spare.
const LARGEST: usize = 8192;

impl Uevents {
    /// Opens the socket. This needs no privilege.
    pub(crate) fn listen() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let protocol = SockProtocol::NetlinkKObjectUEvent;
        let socket = socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, KERNEL))?;
        Ok(Self(ReadableFd::new(socket)?))
    }

    /// Waits for the next uevent and returns its subsystem: `block`, `net`, `hwmon`. `None` means that the
    /// kernel has dropped uevents (ENOBUFS), of any subsystem.
    pub(crate) async fn next(&self) -> io::Result<Option<String>> {
        loop {
            let received = self.0.read(|socket| {
                let mut text = [0; LARGEST];
                // The kernel truncates a longer uevent silently.
                let (length, sender) = recvfrom::<NetlinkAddr>(socket.as_raw_fd(), &mut text)?;
                let sender = sender.filter(is_kernel);
                Ok(sender.and_then(|_| subsystem(&text[..length.min(LARGEST)])))
            });
            match received.await {
                Ok(None) => {}
                Ok(subsystem) => return Ok(subsystem),
                Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether the kernel has sent it. Other processes can send to the group too, from a port number that is not 0.
fn is_kernel(sender: &NetlinkAddr) -> bool {
    sender.pid() == 0
}

/// Parses a uevent: `ACTION@DEVPATH`, then `KEY=VALUE` fields, each terminated by NUL.
fn subsystem(uevent: &[u8]) -> Option<String> {
    let mut fields = uevent.split(|&byte| byte == 0);
    let value = fields.find_map(|field| field.strip_prefix(b"SUBSYSTEM="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subsystem_is_parsed() {
        let check = |text: &[u8], expected: Option<&str>| {
            assert_eq!(subsystem(text).as_deref(), expected);
        };
        let add = b"add@/devices/virtual/net/veth0\0ACTION=add\0SUBSYSTEM=net\0SEQNUM=1\0";
        check(add, Some("net"));
        check(b"libudev\0\xfe\xed\xca\xfe", None);
        check(b"", None);
    }
}
