//! No command waits without end: not for a bus, not for the service, and not for its start.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use sampled::{
    client::{Client, Error, Processes, Start, Unresponsive},
    wire::NAME,
};
use tokio::time::timeout;

use crate::{
    leaving::end,
    sessions::{frame, start},
    support::{
        bus::Bus,
        home::Home,
        process::{DEADLINE, Process, Run},
        unresponsive_bus::UnresponsiveBus,
    },
};

/// How long a bus has to let somebody in, a program to start, and a machine to be busy.
const CONNECTING: Duration = Duration::from_secs(5);

/// What a client asks for.
const QUESTIONS: [&[&str]; 4] = [
    &["list", "--timeout", "1s"],
    &["sample", "cpu", "--timeout", "200ms"],
    &["sources", "--timeout", "1s"],
    &["ps", "--timeout", "1s"],
];

/// What a person has done.
const VERBS: [&[&str]; 4] = [
    &["start", "--timeout", "1s"],
    &["stop", "--timeout", "1s"],
    &["restart", "--timeout", "2s"],
    &["reload", "--timeout", "1s"],
];

/// Runs a command, which is to fail in time with a message that says this.
#[track_caller]
fn fails(bus: &Bus, arguments: &[&str], says: &[&str]) {
    let run = Run::within(&mut bus.sampled(arguments), CONNECTING);
    assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
    for text in says {
        assert!(run.stderr.contains(text), "{arguments:?}: {text}: {run:?}");
    }
}

#[test]
fn a_bus_that_lets_nobody_in_is_not_waited_for() {
    let home = Home::new();
    let mute = UnresponsiveBus::at(&home.dir().join("mute"));
    let run = |arguments: &[&str]| {
        let mut command = home.sampled(arguments);
        Run::within(
            command.env("DBUS_SESSION_BUS_ADDRESS", mute.address()),
            CONNECTING,
        )
    };
    for verb in VERBS {
        let run = run(verb);
        assert_eq!(run.code, Some(1), "{verb:?}: {run:?}");
        assert!(run.stderr.contains(mute.address()), "{verb:?}: {run:?}");
    }
    let status = run(&["status"]);
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(status.stdout.contains(mute.address()), "{status:?}");
    // What can be read without a bus is.
    for question in QUESTIONS {
        let run = run(question);
        assert_eq!(run.code, Some(0), "{question:?}: {run:?}");
        assert!(run.stderr.contains(mute.address()), "{question:?}: {run:?}");
    }
}

#[test]
fn a_bus_that_answers_nothing_is_not_waited_for() {
    let home = Home::new();
    let mute = UnresponsiveBus::behind_hello(&home.dir().join("mute"));
    let run = |arguments: &[&str]| {
        let mut command = home.sampled(arguments);
        Run::within(
            command.env("DBUS_SESSION_BUS_ADDRESS", mute.address()),
            CONNECTING,
        )
    };
    for arguments in VERBS.iter().chain(&QUESTIONS) {
        let run = run(arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        assert!(
            run.stderr.contains(mute.address()),
            "{arguments:?}: {run:?}"
        );
    }
    let status = run(&["status", "--timeout", "1s"]);
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(status.stdout.contains(mute.address()), "{status:?}");
}

#[test]
fn a_service_that_waits_for_its_name_ends_at_a_signal() {
    let home = Home::new();
    let mute = UnresponsiveBus::behind_hello(&home.dir().join("mute"));
    let mut serve = home.sampled(&["serve"]);
    let serve = serve.env("DBUS_SESSION_BUS_ADDRESS", mute.address());
    let serve = serve.stderr(Stdio::piped()).spawn().expect("spawn");
    let daemon = Process::open(serve.id()).expect("a child");
    mute.is_asked();
    daemon.signal(Signal::TERM);
    assert!(daemon.ends_within(Duration::from_secs(3)));
    assert_eq!(end(serve).code, Some(0));
}

#[test]
fn a_service_that_gets_no_name_says_so() {
    let home = Home::new();
    let mute = UnresponsiveBus::behind_hello(&home.dir().join("mute"));
    let mut serve = home.sampled(&["serve"]);
    let serve = serve.env("DBUS_SESSION_BUS_ADDRESS", mute.address());
    let run = Run::within(serve, Duration::from_secs(10));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("answer"), "{run:?}");
}

#[test]
fn a_service_that_is_stopped_is_named() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async { bus.client().await.list(&["memory"]).await.expect("list") });
    let daemon = bus.block_on(bus.owned());
    daemon.stop();
    let who = format!("process {}", daemon.pid);
    for question in QUESTIONS {
        fails(&bus, question, &[&who, "stopped"]);
    }
    let status = Run::within(&mut bus.sampled(&["status", "--timeout", "1s"]), CONNECTING);
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(status.stdout.contains(&who), "{status:?}");
    let status = ["status", "--json", "--timeout", "1s"];
    let status = Run::within(&mut bus.sampled(&status), CONNECTING);
    let value: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(value["state"], "unknown");
    assert_eq!(value["pid"], daemon.pid);
    assert!(value["error"].as_str().unwrap().contains(NAME), "{value}");
    let start = ["start", "--timeout", "1s"];
    let start = Run::within(&mut bus.sampled(&start), CONNECTING);
    assert_eq!(start.code, Some(1), "{start:?}");
    assert!(start.stdout.contains("already running"), "{start:?}");
    let answers = start.stderr.contains(&who) && start.stderr.contains("has not answered");
    assert!(answers, "{start:?}");
    // A process that is stopped does not hear SIGTERM before it goes on.
    let stopped = Run::within(&mut bus.sampled(&["stop"]), CONNECTING).ok();
    assert!(stopped.contains("stopped: process"), "{stopped}");
    assert!(!daemon.is_running());
}

#[test]
fn a_detached_service_that_is_stopped_can_be_replaced() {
    let bus = Bus::new();
    let start = ["start", "--idle-timeout", "never"];
    bus.run(&start).ok();
    let daemon = bus.block_on(bus.owned());
    daemon.stop();
    let restart = ["restart", "--idle-timeout", "never"];
    Run::within(&mut bus.sampled(&restart), CONNECTING).ok();
    assert!(!daemon.is_running());
    let daemon = bus.block_on(bus.owned());
    daemon.stop();
    Run::within(&mut bus.sampled(&["stop"]), CONNECTING).ok();
    assert!(!daemon.is_running());
}

#[test]
fn a_start_that_does_not_come_is_told() {
    let bus = Bus::executing("/bin/sleep 1000");
    for question in QUESTIONS {
        fails(&bus, question, &["has not started", NAME]);
    }
}

#[test]
fn a_bus_that_is_stopped_under_a_client_is_named() {
    let bus = Bus::activating("--idle-timeout never");
    let error = bus.block_on(async {
        let address = bus.address();
        let on = sampled::client::Bus::within(Some(address), Duration::from_secs(2)).await;
        let client = Client::on(on.expect("bus")).await.expect("client");
        client.list(&["memory"]).await.expect("list");
        bus.stop();
        let listed = timeout(DEADLINE, client.list(&["memory"])).await;
        listed.expect("it is told").unwrap_err()
    });
    let Error::NoAnswer { from, after } = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(from, Unresponsive::Bus(address) if address.contains(bus.address())),
        "{error}"
    );
    assert_eq!(*after, Duration::from_secs(2));
}

#[test]
fn a_session_of_a_stopped_service_can_be_left() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async {
        let client = bus.client().await;
        let mut kept = start(&client, &["memory"], 50).await;
        let dropped = start(&client, &["memory"], 50).await;
        let processes = Processes::on(client.bus().clone()).await.expect("client");
        let choice = sampled::client::TableOptions::default();
        let every = Start::every_millis(500);
        let table = processes.start(&["pid"], &choice, every).await;
        let mut table = table.expect("session");
        frame(&mut kept).await;
        table.next().await.expect("a frame");
        bus.owned().await.stop();
        let begin = Instant::now();
        drop(dropped);
        let both = futures_util::future::join(kept.stop(), table.stop());
        let (kept, table) = timeout(DEADLINE, both).await.expect("it is left");
        for error in [kept.unwrap_err(), table.unwrap_err()] {
            let is_service = |from: &Unresponsive| matches!(from, Unresponsive::Service(Some(_)));
            assert!(
                matches!(&error, Error::NoAnswer { from, .. } if is_service(from)),
                "{error}"
            );
        }
        assert!(begin.elapsed() < Duration::from_secs(10));
    });
}
