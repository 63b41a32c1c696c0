//! A user namespace: this program has another uid in it than the bus sees.

use std::process::Command;

use rustix::process::geteuid;

use crate::support::{
    bus::Bus,
    home::SAMPLED,
    process::{DEADLINE, Run, skip},
};

/// A shell in a user namespace, where the user of this process has the uid 1234; `None` if there can be none.
fn shell(bus: &Bus, script: &str) -> Option<Command> {
    let shell = |script: &str| {
        let mut command = bus.command("unshare");
        command.args(["--user", "--map-user=1234", "sh", "-ec", script]);
        command.env("SAMPLED", SAMPLED);
        command
    };
    let tried = Run::of(&mut shell("id -u"));
    if tried.stdout != "1234\n" || geteuid().as_raw() == 1234 {
        skip(&format!("no user namespace here: {tried:?}"));
        return None;
    }
    Some(shell(script))
}

#[test]
fn the_bus_lets_the_service_in_a_user_namespace_in() {
    let bus = Bus::new();
    let script = "$SAMPLED start; $SAMPLED list memory; $SAMPLED ps --limit 1; $SAMPLED status; $SAMPLED stop";
    let Some(mut shell) = shell(&bus, script) else {
        return;
    };
    let run = Run::within(&mut shell, DEADLINE);
    assert_eq!(run.stderr, "");
    let printed = run.ok();
    for expected in [
        "started: process",
        "memory/physical/used",
        "is running: process",
        "stopped: process",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
}

#[test]
fn the_bus_lets_a_client_in_a_user_namespace_in() {
    let bus = Bus::activating("");
    let script = "$SAMPLED sample memory; $SAMPLED watch memory --count 2 --interval 5ms";
    let Some(mut shell) = shell(&bus, script) else {
        return;
    };
    let run = Run::within(&mut shell, DEADLINE);
    assert_eq!(run.stderr, "");
    assert!(run.ok().contains("memory/physical/used"));
}
