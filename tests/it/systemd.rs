//! The service under a real `systemd --user`, with dbus-daemon and with dbus-broker, installed by `sampled install`.
//!
//! Each test runs the test binary again inside of each session that it names; the closure of the test runs there: see
//! [`session`].

mod alert;
mod confinement;
mod custom_commands;
mod doctor;
mod end;
mod hotplug;
mod restart;
pub(crate) mod session;
mod stop;
mod unit;
mod upgrade;

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    process::Stdio,
};

use rustix::process::Signal;
use sampled::{
    client::{SampleOptions, Start},
    reading::Fault,
};

use crate::support::{home::SAMPLED, process::Run};
use session::{EVERYWHERE, Setup, UNITS, within};

/// An idle timeout that a test can wait for.
const SHORT: &str = "idle_timeout = '100ms'";

#[test]
fn a_call_starts_the_service_and_an_idle_timeout_ends_it() {
    within(&EVERYWHERE, async |session| {
        session.configure(SHORT);
        let mut seen = HashSet::new();
        for _ in 0..2 {
            session.busctl_sample();
            let client = session.client().await;
            let kept = client.start(&["memory"], Start::every_millis(1000)).await;
            let kept = kept.expect("session");
            let process = session.owner().await;
            assert!(
                seen.insert(process.pid),
                "the service of the first round still runs"
            );
            session.busctl_sample();
            assert_eq!(session.owner().await.pid, process.pid);
            let unit = session.unit().await;
            if session.setup.unit {
                assert_eq!(unit.main_pid().await, process.pid);
                assert_eq!(unit.state().await, "active");
            }
            kept.stop().await.expect("stopped");
            process.wait();
            unit.until("inactive").await;
            assert_eq!(unit.result().await, "success");
            assert_eq!(session.failed_units(), "");
        }
    });
}

#[test]
fn the_service_can_be_started_more_often_than_the_start_limit_of_systemd() {
    within(&EVERYWHERE, async |session| {
        let client = session.client().await;
        let mut seen = HashSet::new();
        // The default StartLimitBurst of a unit is five starts in ten seconds. Each service starts while the process
        // before it may not have ended yet.
        for _ in 0..12 {
            let sample = session.read(&client).await;
            assert_eq!(sample.expect("sample").faults, [].into());
            seen.insert(session.owner().await.pid);
            client.quit().await.expect("no other client has a session");
            session.vacant().await;
        }
        assert_eq!(seen.len(), 12);
        // With this timeout the service leaves while the next call arrives.
        session.configure("idle_timeout = '1ms'");
        for _ in 0..12 {
            let sample = session.read(&client).await;
            sample.expect("sample");
        }
        session.unit().await.until("inactive").await;
        assert_eq!(session.failed_units(), "");
    });
}

#[test]
fn systemctl_reload_applies_a_valid_configuration() {
    within(&UNITS, async |session| {
        session.configure("idle_timeout = '100s'");
        let client = session.client().await;
        client.list(&["cpu"]).await.expect("metrics");
        let process = session.owner().await;
        let idle_timeout = async || client.proxy().idle_timeout().await.expect("property");
        assert_eq!(idle_timeout().await, 100_000_000);

        session.configure("idle_timeout = '200s'");
        let unit = session.unit().await;
        let mut changes = unit.changes().await;
        session.systemctl(&["reload", "sampled"]);
        // systemctl does not wait for the end of the reload, but the READY=1 changes a property of the unit.
        while idle_timeout().await != 200_000_000 {
            changes.next().await;
        }
        unit.until("active").await;

        session.configure("idle_timeout = 'for a while'");
        let reload = ["--user", "reload", "sampled"];
        let refused = Run::of(session.command("systemctl").args(reload));
        assert_ne!(refused.code, Some(0), "{refused:?}");
        unit.until("active").await;
        assert_eq!(idle_timeout().await, 200_000_000);
        assert_eq!(session.owner().await.pid, process.pid);

        let mut changes = unit.changes().await;
        process.signal(Signal::HUP);
        changes.until("reloading").await;
        changes.until("active").await;
        assert_eq!(idle_timeout().await, 200_000_000);
        assert_eq!(session.owner().await.pid, process.pid);
        assert_eq!(unit.main_pid().await, process.pid);
        // The next service has no earlier configuration to keep. dbus-daemon does not report a failed unit to the
        // callers, so the service runs with the defaults instead of failing.
        client.quit().await.expect("no other client has a session");
        unit.until("inactive").await;
        client.list(&["cpu"]).await.expect("metrics");
        assert_eq!(idle_timeout().await, 30_000_000);
    });
}

#[test]
fn a_call_after_a_kill_starts_the_service_again() {
    within(&EVERYWHERE, async |session| {
        let client = session.client().await;
        for _ in 0..3 {
            session.read(&client).await.expect("sample");
            let process = session.owner().await;
            process.signal(Signal::KILL);
            session.vacant().await;
            if session.setup.unit {
                // As long as the bus has noticed the end of the process and systemd has not, a start of the unit does
                // nothing or fails. No setting of a unit changes that.
                session.unit().await.until("failed").await;
            }
            session.read(&client).await.expect("sample");
            assert_ne!(session.owner().await.pid, process.pid);
        }
    });
}

#[test]
fn a_service_in_the_foreground_is_not_replaced() {
    within(&EVERYWHERE, async |session| {
        let mut serve = session.sampled(&["serve", "--idle-timeout", "never"]);
        let mut daemon = serve.spawn().expect("sampled");
        session.owned().await;
        let pid = daemon.id();
        session.busctl_sample();
        assert_eq!(session.owner().await.pid, pid);

        let another = Run::of(&mut session.sampled(&["serve"]));
        assert_eq!(another.code, Some(1), "{another:?}");
        assert!(another.stderr.contains(&pid.to_string()), "{another:?}");
        if session.setup.unit {
            // The service in the unit finds another one running and ends, which is not a failure.
            session.systemctl(&["start", "sampled"]);
            let unit = session.unit().await;
            unit.until("inactive").await;
            assert_eq!(unit.result().await, "success");
            assert_eq!(session.failed_units(), "");
        }
        session.busctl_sample();
        assert_eq!(session.owner().await.pid, pid);

        session.owner().await.signal(Signal::TERM);
        assert!(daemon.wait().expect("wait").success());
        session.busctl_sample();
        assert_ne!(session.owner().await.pid, pid);
    });
}

#[test]
fn the_confinement_by_the_unit_changes_no_reading() {
    let setups = [
        UNITS[0],
        UNITS[1],
        Setup {
            user: "nobody",
            ..UNITS[0]
        },
    ];
    within(&setups, async |session| {
        let all = async || {
            let client = session.client().await;
            let sample = client
                .sample(&[], SampleOptions::default())
                .await
                .expect("sample");
            let ids = sample.readings.keys().chain(sample.faults.keys());
            // Other tests add and remove network interfaces.
            let ids = ids.filter(|id| !id.starts_with("network/") || id.starts_with("network/lo/"));
            let ids: BTreeSet<_> = ids.cloned().collect();
            // These faults come and go, and do not depend on rights: a latency without reads, a rate without a
            // baseline.
            let mut faults = sample.faults;
            let transient = [Fault::Stale, Fault::First, Fault::Timeout];
            faults.retain(|id, fault| !transient.contains(fault) && ids.contains(id));
            (ids, faults)
        };
        let status = |pid| fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
        let confined = all().await;
        let process = session.owner().await;
        let text = status(process.pid);
        // seccomp(2): 2 is a filter.
        for line in ["NoNewPrivs:\t1\n", "Seccomp:\t2\n"] {
            assert!(text.contains(line), "{line}: {text}");
        }
        session.systemctl(&["stop", "sampled"]);

        // The service does not confine itself if it believes that a unit has started it.
        let mut serve = session.command("sh");
        let text = "export NOTIFY_SOCKET=/none SYSTEMD_EXEC_PID=$$; exec \"$0\" serve --idle-timeout never";
        let serve = serve.args(["-c", text, SAMPLED]).stdin(Stdio::null());
        let mut daemon = serve.spawn().expect("sampled");
        session.owned().await;
        assert!(status(daemon.id()).contains("Seccomp:\t0\n"));
        assert_eq!(all().await, confined);
        session.owner().await.signal(Signal::TERM);
        assert!(daemon.wait().expect("wait").success());
    });
}

#[test]
fn systemd_analyze_accepts_the_unit() {
    within(&UNITS[..1], async |session| {
        let unit = session.unit().await.file().await;
        let analyze = |arguments: &[&str]| {
            let mut command = session.command("systemd-analyze");
            Run::of(command.arg("--user").args(arguments).arg(&unit))
        };
        let verify = analyze(&["verify", "--man=no"]);
        assert_eq!((verify.code, verify.stdout.as_str()), (Some(0), ""));
        assert_eq!(verify.stderr, "");
        // Since version 250.
        let security = analyze(&["security", "--offline=true", "--no-pager"]);
        print!("{}", security.stdout.lines().last().unwrap_or_default());
    });
}
