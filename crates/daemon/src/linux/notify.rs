use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use super::Error;
use super::setup::environment;
use super::sys::{threads, wait};

/// The messages of a service to its supervisor, by sd_notify(3). Without a supervisor every call does nothing.
///
/// No call waits long for a supervisor that is stopped or busy: if its queue is full, the message is retried for 100
/// ms, and then the call fails with `EAGAIN` ([`Error::would_block`]).
#[derive(Debug)]
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, and removes them and `LISTEN_PID`, `LISTEN_FDS` and
    /// `LISTEN_FDNAMES` from the environment, so that no child sends messages in the name of this process.
    ///
    /// The watchdog of another process is ignored: dbus-daemon, for example, passes its own variables on to the
    /// services that it starts.
    ///
    /// # Errors
    /// [`Error::Threads`] if there is more than one thread, since the environment belongs to all of them: call it
    /// early in `main`. [`Error::NotifyAddress`] if the socket is of another kind than `AF_UNIX`.
    pub fn from_env() -> Result<Self, Error> {
        threads::require_single()?;
        let address = std::env::var_os("NOTIFY_SOCKET");
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let ours = std::env::var_os("WATCHDOG_PID").is_none()
            || number("WATCHDOG_PID") == Some(std::process::id().into());
        let period = number("WATCHDOG_USEC").filter(|&period| period > 0 && ours);
        environment::remove_supervisor_variables()?;
        let socket = address.map(connect).transpose()?;
        // Without a socket the watchdog messages could not be sent.
        let watchdog = period
            .filter(|_| socket.is_some())
            .map(Duration::from_micros);
        Ok(Self { socket, watchdog })
    }

    /// Sends `READY=1`: the service works.
    ///
    /// # Errors
    /// [`Error::Call`] if the message cannot be sent, here and below.
    pub fn ready(&self) -> Result<(), Error> {
        self.send("READY=1", SEND_TIMEOUT)
    }

    /// Sends `READY=1` with a single attempt, for a caller that retries later.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready); [`Error::would_block`] is true if the queue of the supervisor is full.
    pub fn try_ready(&self) -> Result<(), Error> {
        self.send("READY=1", Duration::ZERO)
    }

    /// Sends `STOPPING=1`: the service is about to end.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn stopping(&self) -> Result<(), Error> {
        self.send("STOPPING=1", SEND_TIMEOUT)
    }

    /// Sends `RELOADING=1`: the service reads its configuration again. [`ready`](Self::ready) must follow. The message
    /// holds the time, which systemd requires for `Type=notify-reload`.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn reloading(&self) -> Result<(), Error> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_err(Error::call("clock_gettime"))?;
        let now = Duration::from(now).as_micros();
        let message = format!("RELOADING=1\nMONOTONIC_USEC={now}");
        self.send(&message, SEND_TIMEOUT)
    }

    /// Sends `STATUS=`: a line that `systemctl status` shows.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn status(&self, text: &str) -> Result<(), Error> {
        // A line feed would begin another assignment.
        let message = format!("STATUS={}", text.replace('\n', " "));
        self.send(&message, Duration::ZERO)
    }

    /// Sends `WATCHDOG=1`: the service is alive. Does nothing without a watchdog.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn watchdog(&self) -> Result<(), Error> {
        match self.watchdog {
            Some(_) => self.send("WATCHDOG=1", Duration::ZERO),
            None => Ok(()),
        }
    }

    /// The time without a message after which the supervisor kills the process; `None` without a watchdog. Call
    /// [`watchdog`](Self::watchdog) twice as often, as sd_watchdog_enabled(3) recommends.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }

    fn send(&self, message: &str, timeout: Duration) -> Result<(), Error> {
        let Some((socket, address)) = &self.socket else {
            return Ok(());
        };
        let start = Instant::now();
        loop {
            // Retried, because poll(2) always reports an unconnected socket as writable.
            match socket.send_to_addr(message.as_bytes(), address) {
                Ok(_) => return Ok(()),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause)
                    if cause.kind() == ErrorKind::WouldBlock && start.elapsed() < timeout =>
                {
                    wait::before_retry();
                }
                Err(cause) => return Err(Error::call("sendto")(cause)),
            }
        }
    }
}

/// The time for which a message that must not be lost is retried.
const SEND_TIMEOUT: Duration = Duration::from_millis(100);

/// The socket is not connected, so that messages reach a supervisor that has been restarted at the same address.
fn connect(text: OsString) -> Result<(UnixDatagram, SocketAddr), Error> {
    let refused = |_| Error::NotifyAddress {
        address: text.to_string_lossy().into_owned(),
    };
    let address = parse(&text).map_err(refused)?;
    let socket = UnixDatagram::unbound().map_err(Error::call("socket"))?;
    socket.set_nonblocking(true).map_err(Error::call("fcntl"))?;
    Ok((socket, address))
}

/// An absolute path; or an abstract name, written with `@` instead of the kernel's NUL.
fn parse(text: &OsStr) -> std::io::Result<SocketAddr> {
    match text.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(text),
        _ => Err(std::io::ErrorKind::InvalidInput.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_a_full_queue_fails_after_the_timeout() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let supervisor = UnixDatagram::bind(&path).unwrap();
        let notify = Notify {
            socket: Some(connect(path.into()).unwrap()),
            watchdog: Some(Duration::from_secs(1)),
        };
        while notify.watchdog().is_ok() {}
        let start = Instant::now();
        assert!(notify.ready().unwrap_err().would_block());
        assert!(start.elapsed() >= SEND_TIMEOUT);
        supervisor.recv(&mut [0; 64]).unwrap();
        notify.ready().unwrap();
        assert!(notify.stopping().unwrap_err().would_block());
        drop(supervisor);
        assert!(!notify.stopping().unwrap_err().would_block());
    }

    #[test]
    fn a_path_and_an_abstract_name_are_addresses() {
        let path = parse(OsStr::new("/run/systemd/notify")).unwrap();
        assert_eq!(path.as_pathname(), Some("/run/systemd/notify".as_ref()));
        let name = parse(OsStr::new("@/org/x")).unwrap();
        assert_eq!(name.as_abstract_name(), Some(&b"/org/x"[..]));
        assert!(parse(OsStr::new("vsock:2:1")).is_err());
        assert!(parse(OsStr::new("")).is_err());
    }
}
