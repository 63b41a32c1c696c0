//! The end of `watch`, and of its session with it.

use std::{
    io::{BufRead, BufReader, pipe},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::Stdio,
};

use rustix::process::Signal;
use tokio::time::timeout;

use super::{ARGUMENTS, Watch, sessions, until_no_session};
use crate::{
    blocked_output::fill,
    cli::frame,
    support::{
        bus::Bus,
        process::{DEADLINE, Process},
    },
};

#[test]
fn watch_ends_after_count_frames() {
    let bus = Bus::activating("");
    let arguments = [&ARGUMENTS[..], &["--count", "4"]].concat();
    let run = bus.run(&arguments);
    assert_eq!(run.stderr, "");
    let printed = run.ok();
    let moments: Vec<_> = printed.lines().map(|line| frame(line).0).collect();
    assert_eq!(moments.len(), 4);
    assert!(moments.is_sorted());
    // From the second frame on, the frames are on a grid: about an interval apart, or more.
    assert!(moments[3] - moments[1] > 150_000, "{moments:?}");
    until_no_session(&bus);
}

#[test]
fn a_killed_program_ends_its_stream() {
    let bus = Bus::activating("");
    let mut watch = bus.sampled(&["watch", "memory", "--interval", "5ms", "--json"]);
    let mut child = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().expect("a frame").unwrap();
    assert_eq!(sessions(&bus), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    until_no_session(&bus);
}

#[test]
fn an_interrupt_ends_the_session() {
    let bus = Bus::activating("");
    // SIGINT ends the program itself as well.
    for (signal, code) in [(Signal::INT, None), (Signal::TERM, Some(0))] {
        let mut watch = Watch::start(bus.sampled(&ARGUMENTS));
        watch.next();
        assert_eq!(sessions(&bus), 1);
        assert_eq!(watch.interrupt(signal), (code, String::new()));
        until_no_session(&bus);
    }
}

#[test]
fn watch_ends_when_its_output_is_closed() {
    let bus = Bus::activating("");
    let mut watch = Watch::start(bus.sampled(&ARGUMENTS));
    watch.next();
    assert_eq!(watch.end(), (Some(0), String::new()));
    until_no_session(&bus);
}

#[test]
fn watch_ends_at_once_when_its_reader_has_gone() {
    let bus = Bus::activating("");
    for form in ["--json", "--csv", "--optional"] {
        let (arguments, interval) = (["watch", "cpu/loadaverages", form], ["--interval", "1h"]);
        let mut watch = Watch::start(bus.sampled(&[&arguments[..], &interval].concat()));
        watch.lines.next().expect("a line").expect("line");
        assert_eq!(watch.end(), (Some(0), String::new()));
        until_no_session(&bus);
    }
    // Some programs give their children sockets.
    let (reader, writer) = UnixStream::pair().expect("pair");
    let arguments = "watch cpu/loadaverages --interval 1h --json";
    let mut watch = bus.sampled(&arguments.split(' ').collect::<Vec<_>>());
    let watch = watch.stdout(OwnedFd::from(writer)).spawn();
    let mut watch = watch.expect("spawn");
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).expect("a line");
    assert_eq!(watch.wait().expect("wait").code(), Some(0));
}

#[test]
fn an_unread_output_does_not_block_the_end_of_watch() {
    let bus = Bus::activating("");
    let (_reader, writer) = pipe().expect("pipe");
    fill(&writer);
    let watch = bus.sampled(&ARGUMENTS).stdout(writer).spawn();
    let mut watch = watch.expect("spawn");
    let process = Process::open(watch.id()).expect("a child exists until it is waited for");
    // After the third frame it has tried to print one.
    bus.block_on(async {
        let client = bus.client().await;
        let frames = async || {
            let sessions = client.sessions().await.expect("sessions");
            sessions.values().map(|session| session.frames).sum::<u64>()
        };
        let three = async { while frames().await < 3 {} };
        timeout(DEADLINE, three).await.expect("three frames");
    });
    process.signal(Signal::TERM);
    process.wait();
    assert_eq!(watch.wait().expect("wait").code(), Some(0));
}

#[test]
fn watch_ends_when_the_bus_ends() {
    let bus = Bus::activating("");
    let mut watch = Watch::start(bus.sampled(&ARGUMENTS));
    watch.next();
    bus.end();
    watch.lines.by_ref().for_each(drop);
    let (code, stderr) = watch.end();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("the bus has gone"), "{stderr}");
}
