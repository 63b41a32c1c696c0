//! `sampled restart` of a service that systemd or the bus has started.

use rustix::process::Signal;
use zbus::{Connection, fdo::DBusProxy};

use crate::support::process::{DEADLINE, Process, Run};

use super::session::{EVERYWHERE, Session, Setup, UNITS, within};

#[track_caller]
fn run(session: &Session, arguments: &[&str]) -> Run {
    Run::within(&mut session.sampled(arguments), DEADLINE)
}

#[test]
fn a_unit_is_restarted_by_systemd() {
    let nobody = Setup {
        user: "nobody",
        ..UNITS[0]
    };
    within(&[UNITS[0], UNITS[1], nobody], async |session| {
        let client = session.client().await;
        session.read(&client).await.expect("sample");
        let first = session.owner().await;
        let output = run(session, &["restart"]).ok();
        first.wait();
        let second = session.owner().await;
        assert_ne!(second.pid, first.pid);
        let expected = format!("sampled: restarted by systemd: process {}\n", second.pid);
        assert_eq!(output, expected);
        let unit = session.unit().await;
        assert_eq!(unit.main_pid().await, second.pid);
        assert_eq!(unit.state().await, "active");
        assert_eq!(session.failed_units(), "");
    });
}

#[test]
fn without_a_unit_the_service_is_started_detached() {
    // With dbus-broker there is always a unit: it makes systemd start a transient one.
    within(&EVERYWHERE[2..], async |session| {
        let client = session.client().await;
        session.read(&client).await.expect("sample");
        let first = session.owner().await;
        let output = run(session, &["restart", "--idle-timeout", "1h"]).ok();
        first.wait();
        let second = session.owner().await;
        assert!(
            output.contains(&format!("started: process {}", second.pid)),
            "{output}"
        );
        run(session, &["stop"]).ok();
    });
}

#[test]
fn options_that_do_not_reach_a_unit_are_refused() {
    within(&UNITS[..1], async |session| {
        let client = session.client().await;
        session.read(&client).await.expect("sample");
        let process = session.owner().await;
        for option in [
            ["--idle-timeout", "never"],
            ["--log-file", "/dev/null"],
            ["--procfs", "/proc"],
            ["--log-level", "debug"],
        ] {
            let refused = run(session, &["restart", option[0], option[1]]);
            assert_eq!(refused.code, Some(1), "{refused:?}");
            for text in [option[0], "sampled.service", "sampled start"] {
                assert!(refused.stderr.contains(text), "{text}: {refused:?}");
            }
            assert_eq!(session.owner().await.pid, process.pid);
        }
    });
}

#[test]
fn a_unit_with_another_name_is_restarted() {
    within(&UNITS[..1], async |session| {
        session.start_as_readings(crate::support::home::SAMPLED);
        session.owned().await;
        let first = session.owner().await;
        run(session, &["restart"]).ok();
        let second = session.owner().await;
        assert_ne!(second.pid, first.pid);
        let main = session.systemctl(&["show", "--property=MainPID", "--value", "readings"]);
        assert_eq!(main.trim(), second.pid.to_string());
    });
}

#[test]
fn restart_gives_up_on_a_systemd_that_does_not_answer() {
    within(&UNITS[..1], async |session| {
        let client = session.client().await;
        session.read(&client).await.expect("sample");
        let process = session.owner().await;
        let bus = Connection::session().await.expect("bus");
        let bus = DBusProxy::new(&bus).await.expect("proxy");
        let name = "org.freedesktop.systemd1".try_into().expect("name");
        let systemd = bus.get_connection_unix_process_id(name).await;
        let systemd = Process::open(systemd.expect("systemd")).expect("a process");
        systemd.stop();
        let failed = run(session, &["restart", "--timeout", "2s"]);
        systemd.signal(Signal::CONT);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(
            failed.stderr.contains("systemd has not answered"),
            "{failed:?}"
        );
        assert_eq!(session.owner().await.pid, process.pid);
    });
}
