//! Timeouts: commands and clients give up on a bus, a service and a service start that do not answer.

use std::{process::Stdio, time::Duration};

use rustix::process::Signal;
use sampled::{
    client::{Client, Error, Processes, Start, Unresponsive},
    wire::NAME,
};
use tokio::time::timeout;

use crate::{
    idle_exit::end,
    sessions::{frame, start},
    support::{
        bus::Bus,
        home::Home,
        process::{DEADLINE, Process, Run},
        unresponsive_bus::UnresponsiveBus,
    },
};

/// Commands that read metrics.
const READING_COMMANDS: [&[&str]; 4] = [
    &["list", "--timeout", "1s"],
    &["sample", "cpu", "--timeout", "200ms"],
    &["sources", "--timeout", "1s"],
    &["ps", "--timeout", "1s"],
];

/// Commands that change whether the service runs.
const CONTROL_COMMANDS: [&[&str]; 4] = [
    &["start", "--timeout", "1s"],
    &["stop", "--timeout", "1s"],
    &["restart", "--timeout", "2s"],
    &["reload", "--timeout", "1s"],
];

/// Asserts that the error of one of these commands names its timeout, or less if a step before has taken some of it.
#[track_caller]
fn assert_names_timeout(arguments: &[&str], run: &Run) {
    let longest = match arguments[0] {
        // `sample` gets two more seconds.
        "sample" => 2.2,
        "restart" => 2.0,
        _ => 1.0,
    };
    let output = format!("{}{}", run.stdout, run.stderr);
    let named = output.split_once(" within ").and_then(|(_, text)| {
        let (seconds, _) = text.split_once(" s")?;
        seconds.parse::<f64>().ok()
    });
    let is_right = named.is_some_and(|seconds| seconds <= longest);
    assert!(is_right, "{arguments:?}: {named:?}: {run:?}");
}

/// Runs a command, which must fail after its timeout; its error must contain these texts.
#[track_caller]
fn check_failure(bus: &Bus, arguments: &[&str], texts: &[&str]) {
    let run = Run::within(&mut bus.sampled(arguments), DEADLINE);
    assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
    for text in texts {
        assert!(run.stderr.contains(text), "{arguments:?}: {text}: {run:?}");
    }
    assert_names_timeout(arguments, &run);
}

#[test]
fn a_bus_that_accepts_nobody_is_given_up() {
    let home = Home::new();
    let silent = UnresponsiveBus::without_handshake(&home.dir().join("silent"));
    let run = |arguments: &[&str]| {
        let mut command = home.sampled(arguments);
        Run::within(
            command.env("DBUS_SESSION_BUS_ADDRESS", silent.address()),
            DEADLINE,
        )
    };
    for arguments in CONTROL_COMMANDS {
        let run = run(arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        assert!(
            run.stderr.contains(silent.address()),
            "{arguments:?}: {run:?}"
        );
        assert_names_timeout(arguments, &run);
    }
    let status = run(&["status"]);
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(status.stdout.contains(silent.address()), "{status:?}");
    // The bus that is given may be that of another machine: these commands do not read this one in its place.
    for arguments in READING_COMMANDS {
        let run = run(arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        for text in [silent.address(), "--local"] {
            assert!(run.stderr.contains(text), "{arguments:?}: {run:?}");
        }
        assert_names_timeout(arguments, &run);
    }
}

#[test]
fn a_bus_that_answers_no_call_is_given_up() {
    let home = Home::new();
    let silent = UnresponsiveBus::after_hello(&home.dir().join("silent"));
    let run = |arguments: &[&str]| {
        let mut command = home.sampled(arguments);
        Run::within(
            command.env("DBUS_SESSION_BUS_ADDRESS", silent.address()),
            DEADLINE,
        )
    };
    for arguments in CONTROL_COMMANDS.iter().chain(&READING_COMMANDS) {
        let run = run(arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        assert!(
            run.stderr.contains(silent.address()),
            "{arguments:?}: {run:?}"
        );
        assert_names_timeout(arguments, &run);
    }
    let status = run(&["status", "--timeout", "1s"]);
    assert_eq!(status.code, Some(4), "{status:?}");
    assert!(status.stdout.contains(silent.address()), "{status:?}");
}

#[test]
fn a_service_that_waits_for_its_name_ends_at_sigterm() {
    let home = Home::new();
    let silent = UnresponsiveBus::after_hello(&home.dir().join("silent"));
    let mut serve = home.sampled(&["serve"]);
    let serve = serve.env("DBUS_SESSION_BUS_ADDRESS", silent.address());
    let serve = serve.stderr(Stdio::piped()).spawn().expect("spawn");
    let daemon = Process::open(serve.id()).expect("a child");
    silent.wait_for_message();
    daemon.signal(Signal::TERM);
    // A service that hangs is killed by its SIGALRM, and has no exit status.
    assert_eq!(end(serve).code, Some(0));
}

#[test]
fn a_service_without_an_answer_about_its_name_fails() {
    let home = Home::new();
    let silent = UnresponsiveBus::after_hello(&home.dir().join("silent"));
    let mut serve = home.sampled(&["serve"]);
    let serve = serve.env("DBUS_SESSION_BUS_ADDRESS", silent.address());
    let run = Run::within(serve, DEADLINE);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("answer"), "{run:?}");
}

#[test]
fn errors_name_a_stopped_service() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async { bus.client().await.list(&["memory"]).await.expect("list") });
    let daemon = bus.block_on(bus.owned());
    daemon.stop();
    let process = format!("process {}", daemon.pid);
    for arguments in READING_COMMANDS {
        check_failure(&bus, arguments, &[&process, "stopped"]);
    }
    let status = Run::within(&mut bus.sampled(&["status", "--timeout", "1s"]), DEADLINE);
    assert_eq!(status.code, Some(4), "{status:?}");
    let message = format!("sampled does not answer: {process}, ");
    assert!(status.stdout.starts_with(&message), "{status:?}");
    let status = ["status", "--json", "--timeout", "1s"];
    let status = Run::within(&mut bus.sampled(&status), DEADLINE);
    let value: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(value["state"], "unknown");
    assert_eq!(value["pid"], daemon.pid);
    assert!(value["error"].as_str().unwrap().contains(NAME), "{value}");
    let start = ["start", "--timeout", "1s"];
    let start = Run::within(&mut bus.sampled(&start), DEADLINE);
    assert_eq!(start.code, Some(1), "{start:?}");
    assert!(start.stdout.contains("already running"), "{start:?}");
    let answers = start.stderr.contains(&process) && start.stderr.contains("has not answered");
    assert!(answers, "{start:?}");
    // A stopped process handles SIGTERM only after SIGCONT.
    let stopped = Run::within(&mut bus.sampled(&["stop"]), DEADLINE).ok();
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
    Run::within(&mut bus.sampled(&restart), DEADLINE).ok();
    assert!(!daemon.is_running());
    let daemon = bus.block_on(bus.owned());
    daemon.stop();
    Run::within(&mut bus.sampled(&["stop"]), DEADLINE).ok();
    assert!(!daemon.is_running());
}

#[test]
fn errors_name_a_service_that_does_not_start() {
    let bus = Bus::executing("/bin/sleep 1000");
    for arguments in READING_COMMANDS {
        check_failure(&bus, arguments, &["has not started", NAME]);
    }
}

#[test]
fn errors_name_a_stopped_bus() {
    let bus = Bus::activating("--idle-timeout never");
    let error = bus.block_on(async {
        let address = bus.address();
        let on = sampled::client::Bus::within(Some(address), Duration::from_secs(2)).await;
        let client = Client::on(on.expect("bus")).await.expect("client");
        client.list(&["memory"]).await.expect("list");
        bus.stop();
        let listed = timeout(DEADLINE, client.list(&["memory"])).await;
        listed.expect("a result in time").unwrap_err()
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
fn sessions_of_a_stopped_service_can_be_stopped() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async {
        let client = bus.client().await;
        let mut kept = start(&client, &["memory"], 50).await;
        let dropped = start(&client, &["memory"], 50).await;
        let processes = Processes::on(client.bus().clone()).await.expect("client");
        let all = sampled::client::TableOptions::default();
        let every = Start::every_millis(500);
        let table = processes.start(&["pid"], &all, every).await;
        let mut table = table.expect("session");
        frame(&mut kept).await;
        table.next().await.expect("a frame");
        bus.owned().await.stop();
        drop(dropped);
        let both = futures_util::future::join(kept.stop(), table.stop());
        let (kept, table) = timeout(DEADLINE, both).await.expect("an error in time");
        for error in [kept.unwrap_err(), table.unwrap_err()] {
            let Error::NoAnswer { from, after } = &error else {
                panic!("{error:?}");
            };
            assert!(matches!(from, Unresponsive::Service(Some(_))), "{error}");
            // Less than for other calls, as the session ends with the connection anyway.
            assert_eq!(*after, Duration::from_secs(5));
        }
    });
}
