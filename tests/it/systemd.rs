//! The service as a real systemd has it, with either bus and with what `install` has written.
//!
//! Each test runs itself once more in each session that it asks for, and what is in its braces runs
//! there: see [`session`].

mod confinement;
mod custom_commands;
mod end;
mod hotplug;
mod restart;
pub(crate) mod session;
mod upgrade;

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use rustix::process::Signal;
use sampled::{
    client::{SampleOptions, Start},
    reading::Fault,
};

use crate::support::{home::SAMPLED, process::Run};
use session::{EVERYWHERE, Setup, UNITS, within};

/// Long enough not to end while a test looks, and short enough to be waited for.
const SHORT: &str = "idle_timeout = '100ms'";

#[test]
fn a_call_starts_the_service_and_it_leaves() {
    within(&EVERYWHERE, async |session| {
        session.configure(SHORT);
        let mut seen = HashSet::new();
        for _ in 0..2 {
            session.busctl_sample();
            let client = session.client().await;
            let held = client.start(&["memory"], Start::every_millis(1000)).await;
            let held = held.expect("session");
            let process = session.owner().await;
            assert!(seen.insert(process.pid), "it has left in between");
            session.busctl_sample();
            assert_eq!(session.owner().await.pid, process.pid);
            let unit = session.unit().await;
            if session.setup.unit {
                assert_eq!(unit.main_pid().await, process.pid);
                assert_eq!(unit.state().await, "active");
            }
            held.stop().await.expect("stopped");
            process.wait();
            unit.until("inactive").await;
            assert_eq!(unit.result().await, "success");
            assert_eq!(session.failed_units(), "");
        }
    });
}

#[test]
fn lives_follow_each_other() {
    within(&EVERYWHERE, async |session| {
        let client = session.client().await;
        let begun = Instant::now();
        let mut seen = HashSet::new();
        // More than five in ten seconds, the limit of a unit that says nothing of it. Each begins
        // while the one before may not have ended yet.
        for _ in 0..12 {
            let sample = session.read(&client).await;
            assert_eq!(sample.expect("sample").faults, [].into());
            seen.insert(session.owner().await.pid);
            client.quit().await.expect("nobody else is there");
            session.vacant().await;
        }
        assert_eq!(seen.len(), 12);
        // And leaving of its own accord, within the moment in which the next call comes.
        session.configure("idle_timeout = '1ms'");
        for _ in 0..12 {
            let sample = session.read(&client).await;
            sample.expect("sample");
        }
        println!("24 calls in {:?}", begun.elapsed());
        session.unit().await.until("inactive").await;
        assert_eq!(session.failed_units(), "");
    });
}

#[test]
fn no_call_is_lost_between_two_lives() {
    within(&EVERYWHERE, async |session| {
        session.configure("idle_timeout = '20ms'");
        let end = Instant::now() + Duration::from_millis(1500);
        let callers = (0..4).map(async |caller| {
            let client = session.client().await;
            let mut calls = 0;
            while Instant::now() < end {
                // As long as the service waits, more or less: so calls meet it as it leaves.
                let pause = 17 + (calls * 7 + caller * 3) % 11;
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let sample = session.read(&client).await;
                sample.unwrap_or_else(|error| panic!("call {calls} of {caller}: {error}"));
                calls += 1;
            }
            calls
        });
        let calls: u64 = join_all(callers).await.iter().sum();
        println!("{calls} calls");
        session.unit().await.until("inactive").await;
        assert_eq!(session.failed_units(), "");
    });
}

#[test]
fn systemd_stops_it_in_the_middle_of_calls() {
    within(&UNITS, async |session| {
        let client = session.client().await;
        client.list(&["cpu"]).await.expect("metrics");
        let process = session.owner().await;
        let options = SampleOptions {
            window: Some(Duration::from_millis(200)),
            ..SampleOptions::default()
        };
        let calls = join_all((0..50).map(async |_| {
            let sample = client.sample(&["cpu/all/usage"], options).await;
            (sample, Instant::now())
        }));
        let stop = async {
            // Answered behind the others: by now they have all come in.
            client.sessions().await.expect("sessions");
            let stop = session
                .command("systemctl")
                .args(["--user", "stop", "sampled"])
                .spawn();
            (stop.expect("systemctl"), Instant::now())
        };
        let (answers, (mut stop, stopped)) = join(calls, stop).await;
        for (answer, at) in answers {
            assert_eq!(answer.expect("an answer").faults, [].into());
            assert!(at > stopped, "it was stopped too late to be of interest");
        }
        assert!(stop.wait().expect("systemctl").success());
        process.wait();
        let unit = session.unit().await;
        assert_eq!(unit.state().await, "inactive");
        assert_eq!(unit.result().await, "success");
        session.busctl_sample();
        assert_ne!(session.owner().await.pid, process.pid);
    });
}

#[test]
fn systemd_has_it_read_its_configuration_again() {
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
        // systemctl does not wait for it, but its READY=1 is seen.
        while idle_timeout().await != 200_000_000 {
            changes.next().await;
        }
        unit.until("active").await;

        session.configure("idle_timeout = 'for a while'");
        let mut changes = unit.changes().await;
        process.signal(Signal::HUP);
        changes.until("reloading").await;
        changes.until("active").await;
        assert_eq!(idle_timeout().await, 200_000_000);
        assert_eq!(session.owner().await.pid, process.pid);
        assert_eq!(unit.main_pid().await, process.pid);
        // The next one has nothing old to keep. dbus-daemon does not tell its callers that a unit has
        // failed: so it runs on the defaults, and they are answered.
        client.quit().await.expect("nobody else is there");
        unit.until("inactive").await;
        let begun = Instant::now();
        client.list(&["cpu"]).await.expect("metrics");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(idle_timeout().await, 30_000_000);
    });
}

#[test]
fn one_that_was_killed_has_a_successor() {
    within(&EVERYWHERE, async |session| {
        let client = session.client().await;
        for _ in 0..3 {
            session.read(&client).await.expect("sample");
            let process = session.owner().await;
            process.signal(Signal::KILL);
            session.vacant().await;
            if session.setup.unit {
                // In the moment in which the bus has seen the end of it and systemd has not, starting
                // what seems to run does nothing, or fails with it. Nothing in a unit changes that.
                session.unit().await.until("failed").await;
            }
            session.read(&client).await.expect("sample");
            assert_ne!(session.owner().await.pid, process.pid);
        }
    });
}

#[test]
fn one_that_was_started_by_hand_is_left_alone() {
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
            // It finds that it is not needed, which is no failure.
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
fn the_unit_confines_it_and_breaks_nothing() {
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
            // Another test may add an interface meanwhile; one's own are there all the time.
            let ids = ids.filter(|id| !id.starts_with("network/") || id.starts_with("network/lo/"));
            let ids: BTreeSet<_> = ids.cloned().collect();
            // What has a value at one moment and none at another has nothing to do with rights: a
            // latency while nothing was read, a rate in its first reading.
            let mut faults = sample.faults;
            let passing = [Fault::Stale, Fault::First, Fault::Timeout];
            faults.retain(|id, fault| !passing.contains(fault) && ids.contains(id));
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

        // As if a unit had started it that does not confine it.
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
fn systemd_has_no_complaint_about_the_unit() {
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
