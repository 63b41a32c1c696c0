//! The programs of docs/clients.md, one for each D-Bus stack, as they stand there: they get every frame from the first one,
//! with columns, texts and faults, and start anew when the service has gone.

mod page;
mod running;
mod sandbox;

use std::env;

use rustix::process::Signal;
use sampled::wire::NAME;

use crate::support::{
    bus::Bus,
    process::{Run, skip},
};
use page::Program;
use running::{Client, Sent, tools};

const PYGOBJECT: [&str; 2] = ["Python: PyGObject", "python3 -c 'import gi'"];
const DBUS_FAST: [&str; 2] = ["Python: dbus-fast", "python3 -c 'import dbus_fast'"];
const GJS: [&str; 2] = ["GJS", "gjs --version"];
const GLIB: [&str; 2] = ["C: GLib", "gcc --version; pkg-config --exists gio-2.0"];
const SD_BUS: [&str; 2] = ["C: sd-bus", "gcc --version; pkg-config --exists libsystemd"];
const QT: [&str; 2] = ["C++: QtDBus", "g++ --version; pkg-config --exists Qt5DBus"];
const DBUS_NEXT: [&str; 2] = ["JavaScript: dbus-next", "node -e 'require(\"dbus-next\")'"];

#[test]
fn pygobject_gets_every_frame() {
    check_program(PYGOBJECT);
}

#[test]
fn dbus_fast_gets_every_frame() {
    check_program(DBUS_FAST);
}

#[test]
fn gjs_gets_every_frame() {
    check_program(GJS);
}

#[test]
fn glib_gets_every_frame() {
    check_program(GLIB);
}

#[test]
fn sd_bus_gets_every_frame() {
    check_program(SD_BUS);
}

#[test]
fn qt_gets_every_frame() {
    check_program(QT);
}

#[test]
fn dbus_next_gets_every_frame() {
    check_program(DBUS_NEXT);
}

#[test]
fn sampled_client_gets_every_frame() {
    let source = include_str!("../../../examples/session.rs");
    assert!(source.ends_with(&Program::of("Rust: sampled-client").code));
    let bus = Bus::activating("");
    let Some(program) = rust_example() else {
        return skip("it needs `cargo build --examples`");
    };
    check_frames(&bus, || {
        Client::run(&bus, tools(&bus, &program), bus.address())
    });
}

#[test]
fn the_shell_gets_every_frame_of_a_detached_session() {
    let bus = Bus::activating("");
    if !exists(&bus, "gdbus help; busctl --version; bash --version") {
        return skip("it needs gdbus, busctl and bash");
    }
    let mut sent = bus.block_on(Sent::on(&bus));
    let mut client = Client::of_page(&bus, bus.address(), &Program::of("Shell"));
    let signal = |name: &str| format!("/io/github/sampled/Sampler1: {NAME}.{name} (uint32 ");
    // The monitor writes about the owner of the name before.
    let mut line = client.line();
    while !line.contains("(uint32 ") {
        line = client.line();
    }
    assert!(line.starts_with(&signal("Changed")), "{line}");
    assert!(line.contains("{'os/kernel/name': 'Linux'}"), "{line}");
    let mut frames = Vec::new();
    while frames.len() < 2 {
        let line = client.line();
        if line.starts_with(&signal("Sampled")) {
            let (_, timestamp) = line.split_once("uint64 ").expect(&line);
            let (timestamp, _) = timestamp.split_once(',').expect(&line);
            frames.push(timestamp.parse().expect(&line));
        }
    }
    assert_eq!(frames, bus.block_on(sent.until(frames[1])));
}

fn check_program([stack, probe]: [&str; 2]) {
    let bus = Bus::activating("");
    if !exists(&bus, probe) {
        return skip(&format!("it needs {probe}"));
    }
    check_frames(&bus, || {
        Client::of_page(&bus, bus.address(), &Program::of(stack))
    });
}

/// Checks that a program prints every frame that the service sends, also after the death of the service.
fn check_frames(bus: &Bus, start: impl FnOnce() -> Client) {
    let mut sent = bus.block_on(Sent::on(bus));
    let mut client = start();
    let mut frames = vec![client.frame(), client.frame(), client.frame()];
    // `Changed` has come before the first frame, and before the one in which the fault is over.
    assert_eq!(frames[0].usage, "first");
    assert!(frames[2].usage.parse::<f64>().is_ok(), "{frames:?}");
    let service = bus.block_on(bus.daemon()).expect("a service");
    service.signal(Signal::KILL);
    while of_new_service(&frames) < 2 {
        frames.push(client.frame());
    }
    let frames: Vec<_> = frames.iter().map(|frame| frame.timestamp).collect();
    let last = frames.last().expect("frames");
    assert_eq!(frames, bus.block_on(sent.until(*last)));
}

/// The number of frames since the second one with the fault `first`, with which a service begins.
fn of_new_service(frames: &[running::Frame]) -> usize {
    let of_old = frames[1..]
        .iter()
        .take_while(|frame| frame.usage != "first");
    frames.len() - 1 - of_old.count()
}

/// The path of the example of Rust; `None` if it has not been built. cargo puts examples beside the directory of the test
/// programs.
fn rust_example() -> Option<String> {
    let test = env::current_exe().expect("path of the test");
    let target = test.parent().and_then(|deps| deps.parent());
    let program = target.expect("target").join("examples/session");
    let path = program.to_str().expect("UTF-8");
    program.exists().then(|| path.to_owned())
}

/// Whether these commands succeed.
fn exists(bus: &Bus, commands: &str) -> bool {
    Run::of(tools(bus, "sh").args(["-ec", commands])).code == Some(0)
}
