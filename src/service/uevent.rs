//! What the kernel says of devices that come and go: kobject uevents, over netlink.
//!
//! The service listens while somebody has a session, so nothing wakes it otherwise.

use std::{io, os::fd::AsRawFd};

use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, socket,
};

use crate::transport::readable_fd::ReadableFd;

/// A socket on which the kernel multicasts uevents.
pub(crate) struct Uevents(ReadableFd);

/// The multicast group of the kernel itself; udev sends to the second one.
const KERNEL: u32 = 1;

/// A uevent is at most as large: `UEVENT_BUFFER_SIZE` of the kernel, and its header.
const LARGEST: usize = 8192;

impl Uevents {
    /// Begins to listen. No privilege is needed.
    pub(crate) fn listen() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let protocol = SockProtocol::NetlinkKObjectUEvent;
        let socket = socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, KERNEL))?;
        Ok(Self(ReadableFd::new(socket)?))
    }

    /// The subsystem of the next device that comes, goes or changes: `block`, `net`, `hwmon`. None
    /// where so many came that the kernel has dropped some: any may be meant.
    pub(crate) async fn next(&self) -> io::Result<Option<String>> {
        loop {
            let mut text = [0; LARGEST];
            let received = self.0.read(|socket| {
                // One byte more would be left out silently: a uevent that fills it all is cut.
                Ok(recvfrom(socket.as_raw_fd(), &mut text)?)
            });
            match received.await {
                Ok((length, Some(sender))) if is_kernel(&sender) => {
                    if let Some(subsystem) = subsystem(&text[..length.min(LARGEST)]) {
                        return Ok(Some(subsystem));
                    }
                }
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Other processes may send to the group too; they have a port number.
fn is_kernel(sender: &NetlinkAddr) -> bool {
    sender.pid() == 0
}

/// `ACTION@DEVPATH`, then `KEY=VALUE` each, all ended by NUL.
fn subsystem(uevent: &[u8]) -> Option<String> {
    let mut fields = uevent.split(|&byte| byte == 0);
    let value = fields.find_map(|field| field.strip_prefix(b"SUBSYSTEM="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subsystem_of_a_uevent() {
        let check = |text: &[u8], expected: Option<&str>| {
            assert_eq!(subsystem(text).as_deref(), expected);
        };
        let add = b"add@/devices/virtual/net/veth0\0ACTION=add\0SUBSYSTEM=net\0SEQNUM=1\0";
        check(add, Some("net"));
        check(b"libudev\0\xfe\xed\xca\xfe", None);
        check(b"", None);
    }
}
