use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::{Error, environment, threads};

/// The messages of a service to its supervisor, by sd_notify(3). Without a supervisor every call does nothing.
#[derive(Debug)]
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, and removes them and `LISTEN_PID`, `LISTEN_FDS` and
    /// `LISTEN_FDNAMES` from the environment, so that no program started from here speaks in our name.
    ///
    /// A watchdog that is meant for another process is ignored: D-Bus, for one, passes its own on to what it
    /// starts.
    ///
    /// # Errors
    /// [`Error::Threads`] if there is more than one thread, since the environment belongs to all of them: call it
    /// early in `main`. [`Error::NotifyAddress`] if the socket is of another kind than `AF_UNIX`.
    pub fn from_env() -> Result<Self, Error> {
        threads::require_one()?;
        let address = std::env::var_os("NOTIFY_SOCKET");
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let ours = std::env::var_os("WATCHDOG_PID").is_none()
            || number("WATCHDOG_PID") == Some(std::process::id().into());
        let period = number("WATCHDOG_USEC").filter(|&period| period > 0 && ours);
        environment::remove_supervision()?;
        let socket = address.map(connect).transpose()?;
        // Nobody could hear it without a socket.
        let watchdog = period
            .filter(|_| socket.is_some())
            .map(Duration::from_micros);
        Ok(Self { socket, watchdog })
    }

    /// "The service works."
    ///
    /// # Errors
    /// [`Error::Call`] if the message cannot be sent, here and below.
    pub fn ready(&self) -> Result<(), Error> {
        self.send("READY=1")
    }

    /// "It is about to end."
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn stopping(&self) -> Result<(), Error> {
        self.send("STOPPING=1")
    }

    /// "It reads its configuration again." To be followed by [`ready`](Self::ready). Carries the time, which
    /// systemd wants for `Type=notify-reload`.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn reloading(&self) -> Result<(), Error> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_err(Error::call("clock_gettime"))?;
        let now = Duration::from(now).as_micros();
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}"))
    }

    /// A line for people, shown by `systemctl status`.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn status(&self, text: &str) -> Result<(), Error> {
        // A second line would be another message.
        self.send(&format!("STATUS={}", text.replace('\n', " ")))
    }

    /// "It is alive." Nothing is sent if nobody watches this process.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn watchdog(&self) -> Result<(), Error> {
        match self.watchdog {
            Some(_) => self.send("WATCHDOG=1"),
            None => Ok(()),
        }
    }

    /// After how much silence the process is killed, if it is watched. Call [`watchdog`](Self::watchdog) twice as
    /// often, as sd_watchdog_enabled(3) recommends.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }

    fn send(&self, message: &str) -> Result<(), Error> {
        match &self.socket {
            Some((socket, address)) => socket
                .send_to_addr(message.as_bytes(), address)
                .map(drop)
                .map_err(Error::call("sendto")),
            None => Ok(()),
        }
    }
}

/// The socket is not connected, so that a supervisor which comes back at the same address is heard again.
fn connect(text: OsString) -> Result<(UnixDatagram, SocketAddr), Error> {
    let refused = |_| Error::NotifyAddress {
        address: text.to_string_lossy().into_owned(),
    };
    let address = parse(&text).map_err(refused)?;
    let socket = UnixDatagram::unbound().map_err(Error::call("socket"))?;
    Ok((socket, address))
}

/// An absolute path; or an abstract name, which has an `@` where the kernel has a NUL.
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
    fn two_kinds_of_address() {
        let path = parse(OsStr::new("/run/systemd/notify")).unwrap();
        assert_eq!(path.as_pathname(), Some("/run/systemd/notify".as_ref()));
        let name = parse(OsStr::new("@/org/x")).unwrap();
        assert_eq!(name.as_abstract_name(), Some(&b"/org/x"[..]));
        assert!(parse(OsStr::new("vsock:2:1")).is_err());
        assert!(parse(OsStr::new("")).is_err());
    }
}
