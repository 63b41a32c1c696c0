//! `Signals`, in the example mydaemon.

use std::process::Child;

use nix::sys::signal::Signal;

use super::support::*;

/// A daemon in the foreground whose check has run; it is ready.
fn run(fixture: &Fixture, before: &str) -> Child {
    let begun = fixture.fifo("begun");
    let script = format!("{before} exec $M --check 'echo > {}' run", begun.display());
    let child = fixture.command("sh").args(["-c", &script]).spawn().unwrap();
    fixture.wait_for_fifo(&begun, &child);
    // reload waits until the daemon is ready.
    fixture.check(&["reload"], 0, "reloads");
    child
}

#[test]
fn sigterm_and_sigint_stop_the_service() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let fixture = Fixture::new();
        let child = run(&fixture, "");
        kill(fixture.pid(), signal);
        let output = finish(child);
        assert_eq!(output.code, Some(0), "{signal}: {output:?}");
        fixture.assert_nothing_left();
    }
}

#[test]
fn sighup_reloads_once_for_each() {
    let fixture = Fixture::new();
    let child = run(&fixture, "");
    // Each reload is logged before the next one is sent: signals that arrive together count once.
    for _ in 0..3 {
        fixture.check(&["reload"], 0, "reloads");
    }
    fixture.check(&["stop"], 0, "stopped");
    let output = finish(child);
    let count = output
        .out
        .matches("has read its configuration again")
        .count();
    assert!((1..=4).contains(&count), "{output:?}");
}

#[test]
fn a_sighup_that_nohup_ignores_stays_ignored() {
    let fixture = Fixture::new();
    let mut child = run(&fixture, "trap '' HUP;");
    kill(fixture.pid(), Signal::SIGHUP);
    kill(fixture.pid(), Signal::SIGTERM);
    assert!(child.wait().unwrap().success());
    let output = finish(child);
    assert!(!output.out.contains("again"), "{output:?}");
}

#[test]
fn children_have_default_actions_and_no_blocked_signal() {
    let fixture = Fixture::new();
    // The check runs while the signals are caught.
    let output =
        fixture.shell("$M --check 'grep -E \"Sig(Blk|Ign|Cgt)\" /proc/self/status >&2' start");
    assert_eq!(output.code, Some(0), "{output:?}");
    let child = |name: &str| {
        let line = output.err.lines().find_map(|line| line.strip_prefix(name));
        u64::from_str_radix(line.unwrap().trim_start_matches([':', '\t']), 16).unwrap()
    };
    // SIGHUP 1, SIGINT 2, SIGTERM 15.
    for name in ["SigBlk", "SigIgn", "SigCgt"] {
        assert_eq!(child(name) & 0x4003, 0, "{name}: {output:?}");
    }
    assert_eq!(status_line(fixture.pid(), "SigBlk"), "0000000000000000");
    let caught = u64::from_str_radix(&status_line(fixture.pid(), "SigCgt"), 16).unwrap();
    assert_eq!(caught & 0x4003, 0x4003, "{caught:x}");
    fixture.check(&["stop"], 0, "stopped");
}
