//! Two session buses of one user, with one XDG_RUNTIME_DIR, as with dbus-run-session in a terminal of the desktop: each has
//! a service of its own.

use std::{
    fs,
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::support::{
    bus::Bus,
    process::{DEADLINE, Process, Run},
};

/// Two buses, with the runtime directory of the first one.
struct Buses([Bus; 2]);

impl Buses {
    fn new() -> Self {
        Self([Bus::new(), Bus::new()])
    }

    fn command(&self, number: usize, arguments: &[&str]) -> Command {
        let mut command = self.0[number].sampled(arguments);
        command.env("XDG_RUNTIME_DIR", self.0[0].runtime());
        command
    }

    fn run(&self, number: usize, arguments: &[&str]) -> Run {
        Run::within(&mut self.command(number, arguments), DEADLINE)
    }

    fn owner(&self, number: usize) -> Process {
        self.0[number].block_on(self.0[number].owned())
    }

    /// The names of the pidfiles.
    fn pidfiles(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0[0].runtime()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".pid")).collect()
    }
}

#[test]
fn each_command_acts_on_its_own_bus() {
    let buses = Buses::new();
    for number in [0, 1] {
        let started = buses.run(number, &["start"]).ok();
        let process = format!("started: process {}", buses.owner(number).pid);
        assert!(started.contains(&process), "{started}");
    }
    assert_eq!(buses.pidfiles().len(), 2);
    let [first, second] = [0, 1].map(|number| buses.owner(number));
    assert_ne!(first.pid, second.pid);
    for (number, own) in [(0, &first), (1, &second)] {
        for command in ["status", "reload", "start"] {
            let printed = buses.run(number, &[command]).ok();
            assert!(
                printed.contains(&format!("process {}", own.pid)),
                "{printed}"
            );
        }
    }
    buses.run(1, &["restart"]).ok();
    second.wait();
    assert_eq!(buses.owner(0).pid, first.pid);
    let successor = buses.owner(1);
    assert!(
        buses
            .run(0, &["stop"])
            .ok()
            .contains(&first.pid.to_string())
    );
    assert!(successor.is_running());
    for (command, code) in [("status", 3), ("stop", 0), ("reload", 7)] {
        let run = buses.run(0, &[command]);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(format!("{run:?}").contains("not running"), "{run:?}");
    }
    successor.signal(Signal::KILL);
    successor.wait();
    let dead = buses.run(1, &["status"]);
    assert_eq!(dead.code, Some(1), "{dead:?}");
    let [pidfile] = &buses.pidfiles()[..] else {
        panic!("{:?}", buses.pidfiles());
    };
    assert!(dead.stdout.contains(pidfile), "{dead:?}");
    // The next daemon of that bus takes the file over, and removes it.
    buses.run(1, &["start"]).ok();
    buses.run(1, &["stop"]).ok();
    assert!(buses.pidfiles().is_empty(), "{:?}", buses.pidfiles());
}

#[test]
fn the_bus_of_the_runtime_directory_has_the_usual_pidfile() {
    let bus = Bus::new();
    let socket = bus.runtime().join("bus");
    std::os::unix::fs::symlink(bus.dir().join("bus"), &socket).unwrap();
    let pidfile = || fs::read_to_string(bus.runtime().join("sampled.pid"));
    for address in [
        None,
        Some(format!("unix:path={}", socket.display())),
        Some(bus.address().to_owned()),
    ] {
        let command = |arguments: &[&str]| {
            let mut command = bus.sampled(arguments);
            match &address {
                Some(address) => command.env("DBUS_SESSION_BUS_ADDRESS", address),
                None => command.env_remove("DBUS_SESSION_BUS_ADDRESS"),
            };
            Run::within(&mut command, DEADLINE).ok()
        };
        command(&["start"]);
        let owner = bus.block_on(bus.owned());
        assert_eq!(
            pidfile().unwrap(),
            format!("{}\n", owner.pid),
            "{address:?}"
        );
        command(&["stop"]);
        assert!(pidfile().is_err(), "{address:?}");
    }
}

#[test]
fn a_pidfile_that_cannot_be_used_does_not_hide_the_service() {
    let bus = Bus::new();
    // /dev/null is no directory.
    let pidfile = "/dev/null/sampled.pid";
    for (command, expected) in [
        ("status", "is running: process"),
        ("reload", "reloaded: process"),
        ("stop", "stopped: process"),
    ] {
        let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
        let mut serve = serve.stderr(Stdio::null()).spawn().unwrap();
        let owner = bus.block_on(bus.owned());
        let printed = bus.run(&[command, "--pidfile", pidfile]).ok();
        let expected = format!("{expected} {}", owner.pid);
        assert!(printed.contains(&expected), "{command}: {printed}");
        owner.signal(Signal::TERM);
        serve.wait().unwrap();
        bus.block_on(bus.vacant());
    }
    // Without an owner, it is unknown whether a daemon has the pidfile.
    for (command, code) in [("status", 4), ("stop", 1), ("reload", 1)] {
        let run = bus.run(&[command, "--pidfile", pidfile]);
        assert_eq!(run.code, Some(code), "{command}: {run:?}");
        assert!(format!("{run:?}").contains(pidfile), "{command}: {run:?}");
    }
}
