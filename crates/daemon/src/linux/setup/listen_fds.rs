//! The sockets that a supervisor passes to a process: see sd_listen_fds(3).
//!
//! Each descriptor becomes an owned value at most once, and only one that no other value owns:
//!
//! - LISTEN_PID is this process, so its numbers 3, 4, … were open when it executed the program. A file that the program
//!   opens later has another number, unless someone has closed one of these.
//! - A descriptor survives exec(2) only without FD_CLOEXEC. One that has the flag now was opened or taken by a value of
//!   this program, since Rust opens all files with it, and is refused. [`keep`] sets the flag itself, and remembers that.
//! - The variables are removed, and what they said is kept in [`PASSED`] until it is taken.

use std::ffi::{OsStr, OsString};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::libc;
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

use crate::linux::error::Error;
use crate::linux::sys;

/// The number of the first descriptor: SD_LISTEN_FDS_START.
const FIRST: RawFd = 3;

/// The names that systemd uses if there is no LISTEN_FDNAMES.
const UNNAMED: &str = "unknown";

const VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// A socket, or another file, that the supervisor has opened for this process: see [`listen_fds`].
///
/// `TryFrom` makes a `TcpListener`, a `UnixListener`, a `UdpSocket` or a `UnixDatagram` of it, if it is one;
/// `OwnedFd::from` is for all others, such as a FIFO or a file of systemd's descriptor store.
#[derive(Debug)]
pub struct ListenFd {
    name: String,
    fd: OwnedFd,
}

impl ListenFd {
    /// Its name: `FileDescriptorName=` of the socket unit, by default the name of that unit.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl AsFd for ListenFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<ListenFd> for OwnedFd {
    fn from(socket: ListenFd) -> Self {
        socket.fd
    }
}

/// The sockets of socket activation, each as an owned descriptor with its name: see sd_listen_fds(3). Empty if there are
/// none, and at every call after the first.
///
/// ```no_run
/// # use std::net::TcpListener;
/// # use sampled_daemon::{Error, listen_fds};
/// # fn listener() -> Result<TcpListener, Box<dyn std::error::Error>> {
/// match listen_fds()?.into_iter().find(|socket| socket.name() == "web.socket") {
///     Some(socket) => Ok(socket.try_into()?),
///     None => Ok(TcpListener::bind("[::]:8080")?),
/// }
/// # }
/// ```
///
/// They are close-on-exec, and `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` are removed: no child takes them for its
/// own. Sockets for another process (`LISTEN_PID`) are not taken. In a daemon of [`start`](crate::Daemon::start) they are
/// those that the supervisor has passed to the process that called it.
///
/// Call it early in `main`, in [`privileged`](crate::Daemon::privileged) or early in the service.
///
/// # Errors
/// [`Error::Threads`] if the variables are set and there is more than one thread, since the environment belongs to all
/// of them. [`Error::ListenFds`] if the variables contradict the open descriptors, or if a value of this program owns
/// one of them already, for example because another library has taken the sockets.
pub fn listen_fds() -> Result<Vec<ListenFd>, Error> {
    remember();
    for name in VARIABLES {
        if std::env::var_os(name).is_some() {
            sys::variables::remove(OsStr::new(name))?;
        }
    }
    let taken = passed().take();
    taken.map_or(Ok(Vec::new()), Passed::into_sockets)
}

/// The content of the variables, until the sockets are taken.
static PASSED: Mutex<Option<Passed>> = Mutex::new(None);

fn passed() -> MutexGuard<'static, Option<Passed>> {
    PASSED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Passed {
    /// LISTEN_FDS.
    count: OsString,
    /// LISTEN_FDNAMES.
    names: Option<OsString>,
    /// The descriptors on which [`keep`] has set FD_CLOEXEC.
    kept: Vec<RawFd>,
}

/// Reads the variables, if they are for this process, before they are removed. To be called before a fork, because
/// LISTEN_PID is the process id of this process and not of its child.
pub(crate) fn remember() {
    let process = std::env::var("LISTEN_PID")
        .ok()
        .and_then(|pid| pid.parse().ok());
    if process != Some(std::process::id()) {
        return;
    }
    if let Some(count) = std::env::var_os("LISTEN_FDS") {
        *passed() = Some(Passed {
            count,
            names: std::env::var_os("LISTEN_FDNAMES"),
            kept: Vec::new(),
        });
    }
}

/// Sets FD_CLOEXEC on the sockets that are remembered, so that they stay open in the daemon.
pub(crate) fn keep() -> Result<(), Error> {
    let mut passed = passed();
    let Some(passed) = passed.as_mut() else {
        return Ok(());
    };
    for fd in passed.numbers().unwrap_or(FIRST..FIRST) {
        match sys::fd::descriptor_flags(fd) {
            // A value of this program owns it.
            Ok(flags) if flags & libc::FD_CLOEXEC != 0 => {}
            Ok(_) => {
                sys::fd::set_close_on_exec(fd).map_err(Error::call("fcntl"))?;
                passed.kept.push(fd);
            }
            // No further descriptors are open.
            Err(Errno::EBADF) => break,
            Err(errno) => return Err(Error::call("fcntl")(errno)),
        }
    }
    Ok(())
}

impl Passed {
    fn numbers(&self) -> Option<std::ops::Range<RawFd>> {
        let count: RawFd = self.count.to_str()?.parse().ok()?;
        Some(FIRST..FIRST.checked_add(count)?).filter(|_| count >= 0)
    }

    fn into_sockets(self) -> Result<Vec<ListenFd>, Error> {
        let refused = |reason: String| Error::ListenFds {
            variable: "LISTEN_FDS",
            value: self.count.to_string_lossy().into_owned(),
            reason,
        };
        let numbers = self.numbers();
        let numbers = numbers.ok_or_else(|| refused("is no number of descriptors".to_owned()))?;
        // All are checked before the first one is owned.
        for fd in numbers.clone() {
            match sys::fd::descriptor_flags(fd) {
                Err(_) => return Err(refused(format!("descriptor {fd} is not open"))),
                Ok(flags) if flags & libc::FD_CLOEXEC != 0 && !self.kept.contains(&fd) => {
                    return Err(refused(format!(
                        "descriptor {fd} is in use by this program"
                    )));
                }
                Ok(_) => {}
            }
        }
        let names = self.names(numbers.len())?;
        let sockets = numbers.zip(names).map(|(fd, name)| {
            sys::fd::set_close_on_exec(fd).map_err(Error::call("fcntl"))?;
            let fd = sys::fd::own_inherited(fd);
            Ok(ListenFd { name, fd })
        });
        sockets.collect()
    }

    fn names(&self, count: usize) -> Result<Vec<String>, Error> {
        let Some(names) = &self.names else {
            return Ok(vec![UNNAMED.to_owned(); count]);
        };
        let names = names.to_string_lossy();
        let split: Vec<_> = names.split(':').map(str::to_owned).collect();
        match split.len() == count {
            true => Ok(split),
            false => Err(Error::ListenFds {
                variable: "LISTEN_FDNAMES",
                value: names.into_owned(),
                reason: format!("does not name {count} descriptors"),
            }),
        }
    }
}

/// The socket as a `T`, if it is of the kind.
fn into_socket<T: From<OwnedFd>>(
    socket: ListenFd,
    expected: &'static str,
    families: &[AddressFamily],
    kind: SocketType,
    listens: bool,
) -> Result<T, Error> {
    // ENOTSOCK if it is no socket.
    let is_expected = socket_domain(&socket.fd).is_ok_and(|family| families.contains(&family))
        && socket_type(&socket.fd) == Ok(kind)
        && socket_acceptconn(&socket.fd) == Ok(listens);
    match is_expected {
        true => Ok(T::from(socket.fd)),
        false => Err(Error::ListenFds {
            variable: "FileDescriptorName",
            value: socket.name,
            reason: format!("is no {expected}"),
        }),
    }
}

const INTERNET: [AddressFamily; 2] = [AddressFamily::INET, AddressFamily::INET6];
const LOCAL: [AddressFamily; 1] = [AddressFamily::UNIX];

impl TryFrom<ListenFd> for TcpListener {
    type Error = Error;

    fn try_from(socket: ListenFd) -> Result<Self, Error> {
        into_socket(
            socket,
            "listening TCP socket",
            &INTERNET,
            SocketType::STREAM,
            true,
        )
    }
}

impl TryFrom<ListenFd> for UdpSocket {
    type Error = Error;

    fn try_from(socket: ListenFd) -> Result<Self, Error> {
        into_socket(socket, "UDP socket", &INTERNET, SocketType::DGRAM, false)
    }
}

impl TryFrom<ListenFd> for UnixListener {
    type Error = Error;

    fn try_from(socket: ListenFd) -> Result<Self, Error> {
        into_socket(
            socket,
            "listening Unix socket",
            &LOCAL,
            SocketType::STREAM,
            true,
        )
    }
}

impl TryFrom<ListenFd> for UnixDatagram {
    type Error = Error;

    fn try_from(socket: ListenFd) -> Result<Self, Error> {
        into_socket(
            socket,
            "Unix datagram socket",
            &LOCAL,
            SocketType::DGRAM,
            false,
        )
    }
}
