//! A bus that the environment gives and that cannot be reached, such as one that is forwarded from another machine.

use crate::support::{
    bus::Bus,
    home::Home,
    process::{DEADLINE, Process, Run},
};

/// Commands that print readings.
const READING_COMMANDS: [&[&str]; 5] = [
    &["list", "memory"],
    &["sample", "memory"],
    &["watch", "memory", "--count", "1"],
    &["sources"],
    &["ps", "--limit", "1"],
];

/// Addresses where no bus is, and a text of the error.
fn unreachable(home: &Home) -> [(String, &'static str); 4] {
    let none = format!("unix:path={}/none", home.dir().display());
    [
        (none, "/none"),
        ("tcp:host=127.0.0.1,port=1".to_owned(), "port=1"),
        ("autolaunch:".to_owned(), "autolaunch:"),
        ("/run/bus".to_owned(), "/run/bus"),
    ]
}

fn run(home: &Home, address: &str, arguments: &[&str]) -> Run {
    let mut command = home.sampled(arguments);
    Run::within(command.env("DBUS_SESSION_BUS_ADDRESS", address), DEADLINE)
}

#[test]
fn readings_of_this_machine_do_not_stand_in_for_it() {
    let home = Home::new();
    for (address, text) in unreachable(&home) {
        for arguments in READING_COMMANDS {
            let failed = run(&home, &address, arguments);
            let (code, printed) = (failed.code, &*failed.stdout);
            assert_eq!((code, printed), (Some(1), ""), "{arguments:?}: {failed:?}");
            for text in [text, "DBUS_SESSION_BUS_ADDRESS", "--local"] {
                assert!(failed.stderr.contains(text), "{text}: {failed:?}");
            }
        }
    }
}

#[test]
fn local_reads_this_machine_without_a_word() {
    let home = Home::new();
    let bus = Bus::activating("");
    for (address, _) in unreachable(&home) {
        for arguments in READING_COMMANDS {
            let local = run(&home, &address, &[arguments, &["--local"]].concat());
            assert_eq!(local.stderr, "", "{arguments:?}");
            local.ok();
        }
    }
    bus.run(&["sample", "memory", "--local"]).ok();
    assert!(
        bus.block_on(bus.daemon()).is_none(),
        "the service was started"
    );
    for arguments in [
        &["serve"][..],
        &["start"],
        &["stop"],
        &["status"],
        &["sources", "check"],
        &["alert", "cpu", "--above", "1"],
    ] {
        let refused = bus.run(&[arguments, &["--local"]].concat());
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains("--local"), "{refused:?}");
    }
}

#[test]
fn it_is_unknown_whether_a_service_runs_there() {
    let home = Home::new();
    for (address, text) in unreachable(&home) {
        for (command, code) in [("status", 4), ("stop", 1), ("reload", 1)] {
            let failed = run(&home, &address, &[command]);
            assert_eq!(failed.code, Some(code), "{command}: {failed:?}");
            let output = format!("{failed:?}");
            assert!(output.contains(text), "{command}: {output}");
            assert!(!output.contains("not running"), "{command}: {output}");
        }
        let status = run(&home, &address, &["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
        assert_eq!(status["state"], "unknown");
        assert!(status["error"].as_str().unwrap().contains(text), "{status}");
    }
    // Where no bus is given, none is missed.
    for (command, code) in [("status", 3), ("stop", 0), ("reload", 7)] {
        let run = home.run(&[command]);
        assert_eq!(run.code, Some(code), "{command}: {run:?}");
        assert!(format!("{run:?}").contains("not running"), "{run:?}");
    }
}

#[test]
fn a_daemon_is_stopped_although_its_bus_is_gone() {
    let bus = Bus::new();
    bus.run(&["start", "--idle-timeout", "never"]).ok();
    let daemon = bus.block_on(bus.owned());
    daemon.stop();
    bus.kill();
    let pid = daemon.pid.to_string();
    let status = bus.run(&["status"]);
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(status.stdout.contains(&pid), "{status:?}");
    let stopped = Run::within(&mut bus.sampled(&["stop"]), DEADLINE).ok();
    assert!(stopped.contains(&pid), "{stopped}");
    assert!(!Process::is_running(&daemon));
}
