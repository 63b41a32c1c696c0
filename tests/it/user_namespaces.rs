//! A user namespace: this program has another uid in it than the bus sees.

use std::process::Command;

use rustix::process::geteuid;

use crate::support::{
    bus::Bus,
    home::SAMPLED,
    process::{DEADLINE, Run, skip},
};

/// `sampled` in a user namespace, where the user of this process has the uid 1234.
fn in_namespace(bus: &Bus, arguments: &[&str]) -> Command {
    let mut command = bus.command("unshare");
    command.args(["--user", "--map-user=1234", SAMPLED]);
    command.args(arguments);
    command
}

#[test]
fn the_bus_lets_a_program_in_a_user_namespace_in() {
    let bus = Bus::new();
    let run = Run::of(&mut in_namespace(&bus, &["--version"]));
    if run.stderr.contains("unshare") || geteuid().as_raw() == 1234 {
        return skip(&format!("no user namespace here: {run:?}"));
    }
    let mut serve = in_namespace(&bus, &["serve", "--idle-timeout", "never"]);
    let mut serve = serve.spawn().expect("unshare");
    let daemon = bus.block_on(bus.owned());
    assert_eq!(daemon.pid, serve.id());
    let check = |arguments: &[&str], expected: &str| {
        let run = Run::within(&mut in_namespace(&bus, arguments), DEADLINE);
        assert_eq!(run.stderr, "", "{arguments:?}");
        let printed = run.ok();
        assert!(printed.contains(expected), "{arguments:?}: {printed}");
    };
    check(&["list", "memory"], "memory/physical/used");
    check(&["sources"], "memory");
    check(&["status"], "is running: process");
    check(&["stop"], "stopped: process");
    serve.wait().expect("a child");
}
