//! The clients in `examples/`, one for each D-Bus stack: they print what the service sends, start again when it has gone,
//! and stop their sessions. docs/clients.md quotes them.

mod example;
mod page;
mod running;
mod sandbox;
mod sent;
mod window;

use std::{collections::HashMap, fs};

use rustix::process::Signal;
use sampled::wire::NAME;

use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        process::{Process, skip},
    },
};
use example::{Example, rust_example, tools};
use running::Client;
use sent::Sent;

/// A metric that the clients have once it exists, as an optional one. Here it appears while they run.
const OPTIONAL: &str = "room/desk/temperature";

/// The tests of each client.
macro_rules! examples {
    ($($name:ident: $directory:literal, $file:literal, $probe:literal, compiled: $compiled:literal;)*) => { $(
        mod $name {
            use super::*;

            pub(super) const EXAMPLE: Example = Example {
                directory: $directory,
                file: $file,
                probe: $probe,
                compiled: $compiled,
            };

            #[test]
            fn starts_again_when_the_service_is_killed() {
                let bus = Bus::activating("");
                check_frames(&bus, &EXAMPLE, bus.address());
            }

            #[test]
            fn stops_its_session_at_sigterm() {
                check_end(&EXAMPLE, Signal::TERM);
            }

            #[test]
            fn stops_its_session_at_sigint() {
                check_end(&EXAMPLE, Signal::INT);
            }

            #[test]
            fn ends_with_its_bus() {
                check_end_of_bus(&EXAMPLE);
            }

            #[test]
            fn says_what_to_install() {
                check_without_service(&EXAMPLE);
            }
        }
    )* };
}

examples! {
    python_gio: "python-gio", "client.py", "python3 -c 'import gi'", compiled: false;
    dbus_fast: "python-dbus-fast", "client.py", "python3 -c 'import dbus_fast'", compiled: false;
    gjs: "gjs", "client.js", "gjs --version", compiled: false;
    sd_bus: "c-sd-bus", "client.c", "cc --version; pkg-config --exists libsystemd", compiled: true;
    gdbus: "c-gdbus", "client.c", "cc --version; make --version; gdbus-codegen --help", compiled: true;
    qt: "cpp-qt", "client.cpp", "c++ --version; make --version; pkg-config --exists Qt5DBus", compiled: true;
    node: "node", "client.js", "node -e 'require(\"dbus-next\")'", compiled: false;
    go: "go", "client.go", "go version; ls /usr/share/gocode/src/github.com/godbus/dbus", compiled: true;
    shell: "shell", "client.sh", "busctl --version; jq --version; bash --version", compiled: false;
}

/// Checks that a client prints every frame that the service sends until five, also after the death of the service, and
/// leaves nothing behind.
fn check_frames(bus: &Bus, example: &Example, address: &str) {
    if let Some(reason) = example.lacks(bus) {
        return skip(&reason);
    }
    let command = example.command(bus);
    let known = bus.processes();
    let mut sent = bus.block_on(Sent::on(bus));
    let mut client = Client::run(bus, command, address);
    let mut lines = play(bus, &mut client, example.directory);
    let (rest, status) = client.rest();
    lines.extend(rest);
    assert!(status.success(), "{status}: {}", client.errors());
    assert_eq!(lines.pop().as_deref(), Some("stopped"));
    let first = lines.iter().position(|line| line.starts_with("columns: "));
    let frames = lines.split_off(first.expect("columns"));
    let units = check_units(&lines);
    check_sample(&lines);
    check_lines(&frames, &bus.block_on(sent.lines(5)), &units);
    check_remains(bus, &known);
}

/// Lets a metric appear after the first frame and fail after the second one, kills the service after the third one, and
/// returns the lines until then.
fn play(bus: &Bus, client: &mut Client, label: &str) -> Vec<String> {
    let file = bus.dir().join("temperature");
    fs::write(&file, "57").expect("file");
    let mut lines = client.lines_to("frame 1: ");
    let sessions = bus.block_on(async { bus.client().await.sessions().await });
    let labels = sessions
        .expect("reply")
        .into_values()
        .map(|session| session.label);
    assert_eq!(labels.collect::<Vec<_>>(), [label]);
    let metric = format!("[metrics.\"{OPTIONAL}\"]\nunit = \"Cel\"\nfile = {file:?}\n");
    define(&sources_d(bus), "temperature.toml", &metric);
    lines.extend(client.lines_to("frame 2: "));
    fs::write(&file, "warm").expect("file");
    lines.extend(client.lines_to("frame 3: "));
    let service = bus.block_on(bus.daemon()).expect("a service");
    service.signal(Signal::KILL);
    lines
}

/// The units by id, as a client has printed them: `metric ID: NAME [UNIT], GROUP`.
fn check_units(lines: &[String]) -> HashMap<&str, &str> {
    for known in [
        "metric cpu/all/usage: Usage [%], processor",
        "metric cpu/all/name: Model [], processor",
        "metric memory/physical/used: Used [By], memory",
    ] {
        assert!(
            lines.iter().any(|line| line == known),
            "{known}: {lines:#?}"
        );
    }
    let metrics = lines.iter().filter_map(|line| line.strip_prefix("metric "));
    let units = metrics.map(|line| {
        let (id, rest) = line.split_once(": ").expect(line);
        let (_, rest) = rest.rsplit_once(" [").expect(line);
        (id, rest.split_once("], ").expect(line).0)
    });
    units.collect()
}

/// The sample: a number, a text, and the fault of a rate that had no time for a second read.
fn check_sample(lines: &[String]) {
    let sample = lines.iter().filter_map(|line| line.strip_prefix("now: "));
    let sample: HashMap<_, _> = sample.filter_map(|line| line.split_once(" = ")).collect();
    assert_eq!(sample["cpu/all/usage"], "(timeout)");
    assert_eq!(sample["os/kernel/name"], "Linux");
    let used = sample["memory/physical/used"].strip_suffix(" By");
    let used = used.and_then(|number| number.parse::<f64>().ok());
    assert!(used.is_some_and(|used| used > 0.0), "{sample:?}");
    assert_eq!(sample.len(), 3, "without {OPTIONAL}");
}

fn check_lines(printed: &[String], expected: &[sent::Line], units: &HashMap<&str, &str>) {
    let equal = printed.len() == expected.len()
        && printed
            .iter()
            .zip(expected)
            .all(|(printed, line)| line.is(printed, units));
    assert!(equal, "{printed:#?} is not {expected:#?}");
}

/// Checks that no session is left, and no process but the service and those from before.
fn check_remains(bus: &Bus, before: &[Process]) {
    let service = bus.block_on(async {
        let sessions = bus.client().await.sessions().await.expect("reply");
        assert!(sessions.is_empty(), "{sessions:?}");
        bus.daemon().await.expect("the service")
    });
    let before: Vec<_> = before.iter().map(|process| process.pid).collect();
    for process in bus.processes() {
        if process.pid != service.pid && !before.contains(&process.pid) {
            process.wait();
        }
    }
}

/// Checks that a client which a signal ends stops its session.
fn check_end(example: &Example, signal: Signal) {
    let bus = Bus::activating("");
    if let Some(reason) = example.lacks(&bus) {
        return skip(&reason);
    }
    let command = example.command(&bus);
    let known = bus.processes();
    let mut client = Client::run(&bus, command, bus.address());
    client.lines_to("frame 1: ");
    client.process().signal(signal);
    let (lines, status) = client.rest();
    assert!(status.success(), "{status}: {}", client.errors());
    assert_eq!(lines.last().map(String::as_str), Some("stopped"));
    check_remains(&bus, &known);
}

/// Checks that a client fails, and does not wait, when the bus has gone.
fn check_end_of_bus(example: &Example) {
    let bus = Bus::activating("");
    if let Some(reason) = example.lacks(&bus) {
        return skip(&reason);
    }
    let mut client = Client::run(&bus, example.command(&bus), bus.address());
    client.lines_to("frame 1: ");
    bus.kill();
    let (lines, status) = client.rest();
    assert_eq!(status.code(), Some(1), "{lines:?}: {}", client.errors());
}

/// Checks that a client says on a bus without the service what to install.
fn check_without_service(example: &Example) {
    let bus = Bus::new();
    if let Some(reason) = example.lacks(&bus) {
        return skip(&reason);
    }
    let mut client = Client::run(&bus, example.command(&bus), bus.address());
    let (lines, status) = client.rest();
    assert_eq!((status.code(), lines.len()), (Some(1), 0));
    let sentence = format!("There is no {NAME} on this bus. Please install sampled.");
    let errors = client.errors();
    assert_eq!(errors.lines().last(), Some(sentence.as_str()), "{errors}");
}

#[test]
fn sampled_client_starts_again_when_the_service_is_killed() {
    let bus = Bus::activating("");
    check_rust(&bus, bus.address());
}

/// The same for the example of Rust, which prints frames alone.
fn check_rust(bus: &Bus, address: &str) {
    let Some(program) = rust_example() else {
        return skip("it needs `cargo build --examples`");
    };
    let known = bus.processes();
    let mut sent = bus.block_on(Sent::on(bus));
    let mut client = Client::run(bus, tools(bus, &program), address);
    let mut lines = play(bus, &mut client, "session");
    let (rest, status) = client.rest();
    lines.extend(rest);
    assert!(status.success(), "{status}: {}", client.errors());
    let units = HashMap::from([("cpu/all/usage", "%"), ("memory/physical/used", "By")]);
    check_lines(&lines, &bus.block_on(sent.lines(5)), &units);
    check_remains(bus, &known);
}
