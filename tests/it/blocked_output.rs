//! Nobody reads what the service says: its log, and what it tells the service manager.

use std::{
    fs::File,
    io::{ErrorKind, PipeReader, Write, pipe},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            fs::MetadataExt,
            net::{UnixDatagram, UnixStream},
        },
    },
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    pty::openpty,
    sys::termios::{FlowArg, tcflow},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Signal,
};

use crate::{
    leaving::{end, sample},
    support::{
        bus::Bus,
        process::{DEADLINE, Process},
    },
};

/// How long the service may take to go after a signal.
const GONE: Duration = Duration::from_secs(3);

/// Whether a write to this file waits; it is the same file for all who have it open.
fn set_blocking(file: impl AsFd, blocks: bool) {
    let flags = match blocks {
        true => OFlag::empty(),
        false => OFlag::O_NONBLOCK,
    };
    fcntl(file, FcntlArg::F_SETFL(flags)).expect("flags");
}

/// Writes until there is no room.
pub(crate) fn fill(file: impl AsFd) {
    set_blocking(&file, false);
    let mut own = File::from(file.as_fd().try_clone_to_owned().expect("dup"));
    // The last bytes, too.
    for size in [4096, 1] {
        loop {
            match own.write(&b"x".repeat(size)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    set_blocking(&file, true);
}

/// A service that logs everything.
fn logging(bus: &Bus) -> Command {
    bus.sampled(&["serve", "--idle-timeout", "never", "--log-level", "trace"])
}

/// A service that logs everything to this file.
fn serve(bus: &Bus, stderr: impl Into<Stdio>) -> Child {
    logging(bus).stderr(stderr).spawn().expect("spawn")
}

/// Waits for something to read; false if there is nothing in this time.
fn is_readable(file: impl AsFd, time: Duration) -> bool {
    let time = Timespec::try_from(time).expect("a time");
    poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&time)).expect("poll") > 0
}

/// Reads all that was written, has the service log more, and returns what it says of the lines that found no
/// room, and of the last one.
#[track_caller]
fn goes_on(reader: impl AsFd, daemon: &Process) -> (String, String) {
    let mut text = String::new();
    let read = |text: &mut String| {
        let mut some = vec![0; 65536];
        let length = rustix::io::read(&reader, &mut some).expect("read");
        *text += str::from_utf8(&some[..length]).expect("UTF-8");
    };
    while is_readable(&reader, Duration::ZERO) {
        read(&mut text);
    }
    loop {
        let mut lines = text.lines().map(|line| line.trim_start_matches('x'));
        let lost = lines.find(|line| line.contains("that found no room"));
        let last = lines.find(|line| line.contains("read again"));
        if let (Some(lost), Some(last)) = (lost, last) {
            return (lost.to_owned(), last.to_owned());
        }
        daemon.signal(Signal::HUP);
        assert!(is_readable(&reader, DEADLINE), "nothing is logged: {text}");
        read(&mut text);
    }
}

/// Whether the service answers calls, has its settings read again, which it logs, and ends in time.
#[track_caller]
fn works(bus: &Bus) -> Process {
    bus.block_on(async {
        let daemon = bus.owned().await;
        let client = bus.client().await;
        for _ in 0..3 {
            assert!(sample(&client, "memory/physical/used", 10).await);
            daemon.signal(Signal::HUP);
        }
        daemon
    })
}

#[test]
fn a_pipe_that_nobody_reads_holds_nothing_up() {
    let bus = Bus::new();
    let (reader, writer) = pipe().expect("pipe");
    fill(&writer);
    let child = serve(&bus, writer);
    let daemon = works(&bus);
    // What has found no room is told of with the first line that does.
    let (lost, last) = goes_on(&reader, &daemon);
    assert!(lost.starts_with(" WARN "), "{lost}");
    assert!(last.starts_with(" INFO "), "{last}");
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(GONE));
    assert_eq!(end(child).code, Some(0));
}

#[test]
fn a_pipe_that_is_full_at_the_end_does_not_keep_it() {
    let bus = Bus::new();
    let (reader, writer) = pipe().expect("pipe");
    let child = serve(&bus, writer.try_clone().expect("dup"));
    let daemon = works(&bus);
    fill(&writer);
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(GONE));
    assert_eq!(end(child).code, Some(0));
    drop::<PipeReader>(reader);
}

#[test]
fn a_failure_is_told_to_nobody_in_time() {
    let bus = Bus::new();
    let (_reader, writer) = pipe().expect("pipe");
    fill(&writer);
    let mut serve = bus.sampled(&["serve"]);
    serve.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    let child = serve.stderr(writer).spawn().expect("spawn");
    let failed = Process::open(child.id()).expect("a child");
    assert!(failed.ends_within(GONE));
    assert_eq!(end(child).code, Some(1));
}

#[test]
fn a_terminal_that_is_stopped_holds_nothing_up() {
    let bus = Bus::new();
    let terminal = openpty(None, None).expect("terminal");
    // Ctrl-S.
    tcflow(&terminal.slave, FlowArg::TCOOFF).expect("tcflow");
    let child = serve(&bus, terminal.slave.try_clone().expect("dup"));
    let daemon = works(&bus);
    tcflow(&terminal.slave, FlowArg::TCOON).expect("tcflow");
    goes_on(&terminal.master, &daemon);
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(GONE));
    assert_eq!(end(child).code, Some(0));
}

#[test]
fn a_socket_that_nobody_reads_holds_nothing_up() {
    let bus = Bus::new();
    let (reader, writer) = UnixStream::pair().expect("pair");
    fill(&writer);
    // It is what the journal gives to the services of systemd.
    let writer = File::from(OwnedFd::from(writer));
    let place = writer.metadata().expect("fstat");
    let place = format!("{}:{}", place.dev(), place.ino());
    let mut serve = logging(&bus);
    let child = serve.env("JOURNAL_STREAM", place).stderr(writer).spawn();
    let child = child.expect("spawn");
    let daemon = works(&bus);
    let (lost, last) = goes_on(&reader, &daemon);
    assert!(lost.starts_with("<4> WARN "), "{lost}");
    assert!(last.starts_with("<5> INFO "), "{last}");
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(GONE));
    assert_eq!(end(child).code, Some(0));
}

#[test]
fn a_service_manager_that_is_stopped_holds_nothing_up() {
    let bus = Bus::new();
    let path = bus.dir().join("notify");
    let manager = UnixDatagram::bind(&path).expect("socket");
    manager.set_read_timeout(Some(DEADLINE)).expect("time-out");
    let other = UnixDatagram::unbound().expect("socket");
    other.set_nonblocking(true).expect("flags");
    while other.send_to(b"X=1", &path).is_ok() {}
    let arguments = ["serve", "--idle-timeout", "never"];
    let mut serve = bus.sampled(&arguments);
    serve
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000");
    let child = serve.spawn().expect("spawn");
    let daemon = works(&bus);
    // It goes on, and hears what it has to hear.
    let hear = || {
        let mut text = [0; 256];
        let length = manager.recv(&mut text).expect("a message");
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    while hear() != "READY=1" {}
    while other.send_to(b"X=1", &path).is_ok() {}
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(GONE));
    assert_eq!(end(child).code, Some(0));
}
