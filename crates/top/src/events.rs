//! The events of the terminal: keys, clicks, pasted text, another size, and its end.

use std::{
    fs::File,
    io::{self, IsTerminal},
    os::fd::{AsFd, OwnedFd},
    process, thread,
    time::Duration,
};

use crossterm::event::{self, Event};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

/// The most events that wait.
const WAITING: usize = 64;

/// The time in which crossterm looks whether it has another event: in none, it does not look.
const BRIEFLY: Duration = Duration::from_millis(1);

/// The events of the terminal. A thread reads them: crossterm blocks within a sequence of which the rest is missing. Its own stream
/// asks the terminal whenever the loop wakes, for whatever reason.
pub(crate) struct Events {
    events: mpsc::Receiver<Event>,
    sizes: Signal,
    /// Its end ends the thread, so that the next program gets what is typed from then on.
    _stop: OwnedFd,
}

impl Events {
    /// Listens to the terminal. Its end ends the process, with status 0.
    pub(crate) fn listen() -> io::Result<Self> {
        let stdin = io::stdin();
        // The one that crossterm reads.
        let terminal: OwnedFd = match stdin.is_terminal() {
            true => stdin.as_fd().try_clone_to_owned()?,
            false => File::open("/dev/tty")?.into(),
        };
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let (sender, events) = mpsc::channel(WAITING);
        start("events", 256 * 1024, move || {
            // The receiver learns of an error by the end of the channel.
            read(&terminal, &stopped, &sender).ok();
        })?;
        start("hang-up", 64 * 1024, wait_for_end)?;
        Ok(Self {
            events,
            sizes: signal(SignalKind::window_change())?,
            _stop: stop,
        })
    }

    /// The next one; `None` once the terminal cannot be read. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        select! {
            event = self.events.recv() => event,
            _ = self.sizes.recv() => Some(Event::Resize(0, 0)),
        }
    }
}

/// Whether an error of a terminal means that it has gone, which it does before SIGHUP arrives.
pub(crate) fn has_hung_up(terminal: impl AsFd, error: &io::Error) -> bool {
    let now = Timespec::default();
    let mut events = [PollFd::new(&terminal, PollFlags::empty())];
    let polled = poll(&mut events, Some(&now));
    error.raw_os_error() == Some(Errno::IO.raw_os_error())
        && polled.is_ok()
        && events[0].revents().contains(PollFlags::HUP)
}

fn start(name: &str, stack: usize, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.stack_size(stack).spawn(run).map(drop)
}

/// Sends the events of a terminal until the other end of a pipe is closed.
fn read(terminal: &OwnedFd, stopped: &OwnedFd, sender: &mpsc::Sender<Event>) -> io::Result<()> {
    loop {
        let mut ready = [
            PollFd::new(stopped, PollFlags::IN),
            PollFd::new(terminal, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) if !ready[0].revents().is_empty() => return Ok(()),
            Ok(_) => {}
        }
        loop {
            let event = event::read()?;
            // crossterm tells another size with the next key.
            if !matches!(event, Event::Resize(..)) && sender.blocking_send(event).is_err() {
                return Ok(());
            }
            if !event::poll(BRIEFLY)? {
                break;
            }
        }
    }
}

/// Ends the process when its terminal goes: crossterm reads the end of a terminal again and again.
fn wait_for_end() {
    loop {
        let stdout = io::stdout();
        // Without an event that is asked for, the kernel reports errors and hang-ups.
        let mut events = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut events, None) {
            Ok(0) | Err(Errno::INTR) => {}
            _ => process::exit(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::{
        fs::{Mode, OFlags, open},
        pty::{OpenptFlags, openpt, ptsname, unlockpt},
    };

    use super::*;

    #[test]
    fn a_terminal_that_is_written_to_may_have_gone() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = open(name, flags, Mode::empty()).unwrap();
        let error = io::Error::from(Errno::IO);
        assert!(!has_hung_up(&terminal, &error));
        drop(master);
        let written = rustix::io::write(&terminal, b"x");
        assert!(has_hung_up(&terminal, &written.unwrap_err().into()));
        assert!(!has_hung_up(&terminal, &Errno::NOSPC.into()));
    }
}
