//! An alert goes on when the service restarts, and ends when the bus does.

use rustix::process::Signal;

use super::process::{Alert, lines, until_lines, until_watched};
use crate::{
    support::process::DEADLINE,
    thresholds::room::{Clock, Room},
};

#[test]
fn a_state_that_lasts_is_not_told_again_after_a_restart() {
    for signal in [Signal::TERM, Signal::KILL] {
        let room = Room::new(30.0);
        let log = room.bus.dir().join("runs");
        let script = "echo $SAMPLED_DIRECTION $SAMPLED_VALUE >>runs";
        let alert = Alert::running(&room, &["--recovery"], script);
        until_lines(&log, 1);
        restart(&room, signal);
        let value = |value| {
            room.bus.block_on(async {
                let mut clock = Clock::start(&room.bus.client().await).await;
                clock.set(&room, value).await;
                clock.frames(3).await;
            });
        };
        // It has crossed before, and has not returned.
        value(31.0);
        assert_eq!(lines(&log), ["above 30"]);
        value(20.0);
        until_lines(&log, 2);
        value(32.0);
        until_lines(&log, 3);
        // It has returned while there was no service.
        restart(&room, signal);
        value(33.0);
        value(10.0);
        until_lines(&log, 4);
        assert_eq!(
            lines(&log),
            ["above 30", "below 20", "above 32", "below 10"]
        );
        let (code, stderr) = alert.interrupt(Signal::TERM);
        assert_eq!(code, Some(0));
        assert_eq!(stderr.matches("; starting again").count(), 2, "{stderr}");
    }
}

/// Ends the service, and waits until the alert watches by its successor.
fn restart(room: &Room, signal: Signal) {
    let daemon = room.bus.block_on(room.bus.daemon()).expect("a service");
    daemon.signal(signal);
    daemon.wait();
    let successor = room.bus.block_on(room.bus.owned());
    assert_ne!(successor.pid, daemon.pid);
    until_watched(&room.bus);
}

#[test]
fn without_recovery_the_next_crossing_is_told_after_a_restart() {
    let room = Room::new(30.0);
    let log = room.bus.dir().join("runs");
    let script = "echo $SAMPLED_DIRECTION $SAMPLED_VALUE >>runs";
    let alert = Alert::running(&room, &[], script);
    until_lines(&log, 1);
    let daemon = room.bus.block_on(room.bus.daemon()).expect("a service");
    daemon.stop();
    // It returns while the service is stopped, and then the service is killed.
    room.set("desk", 20.0);
    daemon.signal(Signal::KILL);
    daemon.wait();
    room.bus.block_on(room.bus.owned());
    until_watched(&room.bus);
    for (value, count) in [(20.0, 1), (31.0, 2)] {
        room.bus.block_on(async {
            let mut clock = Clock::start(&room.bus.client().await).await;
            clock.set(&room, value).await;
            clock.frames(2).await;
        });
        until_lines(&log, count);
    }
    assert_eq!(lines(&log), ["above 30", "above 31"]);
    assert_eq!(alert.interrupt(Signal::TERM).0, Some(0));
}

#[test]
fn a_metric_that_is_not_there_after_a_restart_is_watched_when_it_is_back() {
    let room = Room::new(30.0);
    let log = room.bus.dir().join("runs");
    let alert = Alert::running(&room, &[], "echo $SAMPLED_VALUE >>runs");
    until_lines(&log, 1);
    room.remove("desk");
    restart(&room, Signal::TERM);
    room.add("desk", 20.0);
    room.until_read(20.0);
    room.set("desk", 32.0);
    until_lines(&log, 2);
    assert_eq!(lines(&log), ["30", "32"]);
    assert_eq!(alert.interrupt(Signal::TERM).0, Some(0));
}

#[test]
fn an_alert_ends_when_the_bus_ends() {
    let room = Room::new(30.0);
    let alert = Alert::running(&room, &[], "echo x >>runs");
    until_lines(&room.bus.dir().join("runs"), 1);
    room.bus.end();
    assert!(alert.process().ends_within(DEADLINE));
    let (code, stderr) = alert.end();
    assert_eq!(code, Some(1));
    assert!(stderr.contains("the bus has gone"), "{stderr}");
}
