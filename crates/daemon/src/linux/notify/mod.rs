mod socket;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::pipe2;

use self::socket::Socket;
use super::Error;
use super::setup::environment;
use super::sys::{threads, wait};

/// The messages of a service to its supervisor, by sd_notify(3). Without a supervisor every call does nothing.
///
/// No call waits long for a supervisor that is stopped or busy: if its queue is full, the message is retried for 100
/// ms, and then the call fails with `EAGAIN` ([`Error::would_block`]).
#[derive(Debug)]
pub struct Notify {
    socket: Option<Socket>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, and removes them and `LISTEN_PID`, `LISTEN_FDS` and
    /// `LISTEN_FDNAMES` from the environment, so that no child sends messages in the name of this process.
    /// [`listen_fds`](crate::listen_fds()) still returns the sockets.
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
        let socket = address.as_deref().map(Socket::new).transpose()?;
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

    /// Sends `EXTEND_TIMEOUT_USEC=`: the service needs this much more time to get ready, to reload or to stop. To be sent
    /// again before that time is over, for as long as it goes on; the timeout of the unit applies to the first message.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn extend_timeout(&self, time: Duration) -> Result<(), Error> {
        let message = format!("EXTEND_TIMEOUT_USEC={}", time.as_micros());
        self.send(&message, SEND_TIMEOUT)
    }

    /// Sends `MAINPID=`: another process is the main process of the service from now on, for example the new program of
    /// an upgrade that keeps its clients. systemd accepts a process of the unit, and with `NotifyAccess=all` that process
    /// may send messages, too.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn main_pid(&self, pid: i32) -> Result<(), Error> {
        self.send(&format!("MAINPID={pid}"), SEND_TIMEOUT)
    }

    /// Sends `FDSTORE=1` with duplicates of these descriptors: the supervisor keeps them until the unit stops, and passes
    /// them to the next start under this name, after a crash, too: see [`listen_fds`](crate::listen_fds()). The unit needs
    /// `FileDescriptorStoreMax=`; beyond that number systemd closes them.
    ///
    /// # Errors
    /// [`Error::FdName`] for a name that systemd would ignore, [`Error::Call`] for no descriptor or more than 253, and as
    /// for [`ready`](Self::ready).
    pub fn store_fds(&self, name: &str, fds: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let message = format!("FDSTORE=1\nFDNAME={}", fd_name(name)?);
        if fds.is_empty() {
            return Err(Error::call("sendmsg")(Errno::EINVAL));
        }
        self.send_with(&message, fds, SEND_TIMEOUT)
    }

    /// Sends `FDSTOREREMOVE=1`: the supervisor closes the stored descriptors of this name.
    ///
    /// # Errors
    /// [`Error::FdName`], and as for [`ready`](Self::ready).
    pub fn remove_stored_fds(&self, name: &str) -> Result<(), Error> {
        let message = format!("FDSTOREREMOVE=1\nFDNAME={}", fd_name(name)?);
        self.send(&message, SEND_TIMEOUT)
    }

    /// Sends `BARRIER=1`, and waits until the supervisor has processed all messages that were sent before. For a process
    /// that ends right after a message: systemd cannot find the unit of a sender that is gone.
    ///
    /// # Errors
    /// [`Error::BarrierTimedOut`], and as for [`ready`](Self::ready).
    pub fn barrier(&self, timeout: Duration) -> Result<(), Error> {
        if self.socket.is_none() {
            return Ok(());
        }
        let start = Instant::now();
        // The supervisor closes the write end.
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(Error::call("pipe2"))?;
        self.send_with("BARRIER=1", &[writer.as_fd()], timeout)?;
        drop(writer);
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            match wait::poll_readable(&[reader.as_fd()], left)? {
                true => return Ok(()),
                false if left.is_zero() => return Err(Error::BarrierTimedOut { after: timeout }),
                false => {}
            }
        }
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
        self.send_with(message, &[], timeout)
    }

    fn send_with(
        &self,
        message: &str,
        fds: &[BorrowedFd<'_>],
        timeout: Duration,
    ) -> Result<(), Error> {
        match &self.socket {
            Some(socket) => socket.send(message, fds, timeout),
            None => Ok(()),
        }
    }
}

/// The time for which a message that must not be lost is retried.
const SEND_TIMEOUT: Duration = Duration::from_millis(100);

/// The name, if systemd accepts it: see `FDNAME=` in sd_notify(3).
fn fd_name(name: &str) -> Result<&str, Error> {
    let is_valid = |byte: u8| byte != b':' && (b' '..=b'~').contains(&byte);
    match (1..=255).contains(&name.len()) && name.bytes().all(is_valid) {
        true => Ok(name),
        false => Err(Error::FdName {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_message_to_a_full_queue_fails_after_the_timeout() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let supervisor = UnixDatagram::bind(&path).unwrap();
        let notify = Notify {
            socket: Some(Socket::new(path.as_ref()).unwrap()),
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
    fn a_name_that_systemd_would_ignore_is_refused() {
        let check = |name: &str, valid| assert_eq!(fd_name(name).is_ok(), valid, "{name:?}");
        check("listener", true);
        check("a b~", true);
        check("", false);
        check("a:b", false);
        check("a\nREADY=1", false);
        check("ä", false);
        check(&"a".repeat(256), false);
    }
}
