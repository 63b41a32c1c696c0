//! The log of the service, and its messages to the service manager, while no process reads them.
//!
//! A service that hangs after a signal is killed by its SIGALRM in the third second, so it has no exit status.

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
    idle_exit::{end, sample},
    support::{
        bus::Bus,
        process::{DEADLINE, Process},
    },
};

/// Sets whether a write to this open file blocks; the flag is shared with all descriptors of the open file.
fn set_blocking(file: impl AsFd, blocks: bool) {
    let flags = match blocks {
        true => OFlag::empty(),
        false => OFlag::O_NONBLOCK,
    };
    fcntl(file, FcntlArg::F_SETFL(flags)).expect("flags");
}

/// Writes until a write would block.
pub(crate) fn fill(file: impl AsFd) {
    set_blocking(&file, false);
    let mut writer = File::from(file.as_fd().try_clone_to_owned().expect("dup"));
    // Single bytes fill the room that is too small for a block.
    for size in [4096, 1] {
        loop {
            match writer.write(&b"x".repeat(size)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    set_blocking(&file, true);
}

/// The command of a service that logs everything.
fn serve_command(bus: &Bus) -> Command {
    bus.sampled(&["serve", "--idle-timeout", "never", "--log-level", "trace"])
}

/// Starts a service that logs everything to this file.
fn serve(bus: &Bus, stderr: impl Into<Stdio>) -> Child {
    serve_command(bus).stderr(stderr).spawn().expect("spawn")
}

/// Waits until the file is readable; returns false if it is not within this time.
fn is_readable(file: impl AsFd, time: Duration) -> bool {
    let time = Timespec::try_from(time).expect("a time");
    poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&time)).expect("poll") > 0
}

/// Reads all that was written and makes the service log more. Returns its line about the lines that were left out, and
/// the line about its last reload.
#[track_caller]
fn read_log(reader: impl AsFd, daemon: &Process) -> (String, String) {
    let mut text = String::new();
    let read = |text: &mut String| {
        let mut buffer = vec![0; 65536];
        let length = rustix::io::read(&reader, &mut buffer).expect("read");
        *text += str::from_utf8(&buffer[..length]).expect("UTF-8");
    };
    while is_readable(&reader, Duration::ZERO) {
        read(&mut text);
    }
    loop {
        let mut lines = text.lines().map(|line| line.trim_start_matches('x'));
        let left_out = lines.find(|line| line.contains("that found no room"));
        let reloaded = lines.find(|line| line.contains("read again"));
        if let (Some(left_out), Some(reloaded)) = (left_out, reloaded) {
            return (left_out.to_owned(), reloaded.to_owned());
        }
        daemon.signal(Signal::HUP);
        assert!(is_readable(&reader, DEADLINE), "nothing is logged: {text}");
        read(&mut text);
    }
}

/// Makes calls and lets the service read its configuration again, which it logs. Returns its process.
#[track_caller]
fn call_and_reload(bus: &Bus) -> Process {
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
fn an_unread_pipe_does_not_block_the_service() {
    let bus = Bus::new();
    let (reader, writer) = pipe().expect("pipe");
    fill(&writer);
    let child = serve(&bus, writer);
    let daemon = call_and_reload(&bus);
    // Once there is room, the service first logs how many lines it has left out.
    let (left_out, reloaded) = read_log(&reader, &daemon);
    assert!(left_out.starts_with(" WARN "), "{left_out}");
    assert!(reloaded.starts_with(" INFO "), "{reloaded}");
    daemon.signal(Signal::TERM);
    assert_eq!(end(child).code, Some(0));
}

#[test]
fn a_full_pipe_does_not_block_the_end_of_the_service() {
    let bus = Bus::new();
    let (reader, writer) = pipe().expect("pipe");
    let child = serve(&bus, writer.try_clone().expect("dup"));
    let daemon = call_and_reload(&bus);
    fill(&writer);
    daemon.signal(Signal::TERM);
    assert_eq!(end(child).code, Some(0));
    drop::<PipeReader>(reader);
}

#[test]
fn a_full_pipe_does_not_block_a_failed_start() {
    let bus = Bus::new();
    let (_reader, writer) = pipe().expect("pipe");
    fill(&writer);
    let mut serve = bus.sampled(&["serve"]);
    serve.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    let child = serve.stderr(writer).spawn().expect("spawn");
    assert_eq!(end(child).code, Some(1));
}

#[test]
fn a_stopped_terminal_does_not_block_the_service() {
    let bus = Bus::new();
    let terminal = openpty(None, None).expect("terminal");
    // Ctrl-S.
    tcflow(&terminal.slave, FlowArg::TCOOFF).expect("tcflow");
    let child = serve(&bus, terminal.slave.try_clone().expect("dup"));
    let daemon = call_and_reload(&bus);
    tcflow(&terminal.slave, FlowArg::TCOON).expect("tcflow");
    read_log(&terminal.master, &daemon);
    daemon.signal(Signal::TERM);
    assert_eq!(end(child).code, Some(0));
}

#[test]
fn an_unread_journal_socket_does_not_block_the_service() {
    let bus = Bus::new();
    let (reader, writer) = UnixStream::pair().expect("pair");
    fill(&writer);
    // systemd sets JOURNAL_STREAM to the device and the inode of the socket to the journal.
    let writer = File::from(OwnedFd::from(writer));
    let metadata = writer.metadata().expect("fstat");
    let stream = format!("{}:{}", metadata.dev(), metadata.ino());
    let mut serve = serve_command(&bus);
    let child = serve.env("JOURNAL_STREAM", stream).stderr(writer).spawn();
    let child = child.expect("spawn");
    let daemon = call_and_reload(&bus);
    let (left_out, reloaded) = read_log(&reader, &daemon);
    assert!(left_out.starts_with("<4> WARN "), "{left_out}");
    assert!(reloaded.starts_with("<5> INFO "), "{reloaded}");
    daemon.signal(Signal::TERM);
    assert_eq!(end(child).code, Some(0));
}

#[test]
fn a_service_manager_that_does_not_read_does_not_block_the_service() {
    let bus = Bus::new();
    let path = bus.dir().join("notify");
    let manager = UnixDatagram::bind(&path).expect("socket");
    manager.set_read_timeout(Some(DEADLINE)).expect("timeout");
    // A full queue.
    let other = UnixDatagram::unbound().expect("socket");
    other.set_nonblocking(true).expect("flags");
    while other.send_to(b"X=1", &path).is_ok() {}
    let arguments = ["serve", "--idle-timeout", "never"];
    let mut serve = bus.sampled(&arguments);
    serve
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000");
    let child = serve.spawn().expect("spawn");
    let daemon = call_and_reload(&bus);
    // Once the service manager reads again, it gets the messages.
    let receive = || {
        let mut text = [0; 256];
        let length = manager.recv(&mut text).expect("a message");
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    while receive() != "READY=1" {}
    while other.send_to(b"X=1", &path).is_ok() {}
    daemon.signal(Signal::TERM);
    assert_eq!(end(child).code, Some(0));
}
