//! The end of a service: idle exit, signals, `Quit`, the end of the bus. No call is lost.

use std::{
    collections::HashMap,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rustix::process::Signal;
use sampled::{
    client::{Client, SampleOptions, Start},
    wire::NAME,
};
use zbus::Variant;

use crate::support::{
    bus::Bus,
    process::{Process, Run},
    raw::{Raw, ask},
};

/// Waits until a child has ended. Returns its output and exit status.
#[track_caller]
pub(crate) fn end(child: Child) -> Run {
    Process::open(child.id())
        .expect("a child is there until it is waited for")
        .wait();
    child.wait_with_output().expect("output").into()
}

/// Samples a metric. Returns whether it has a value; panics if the call fails.
pub(crate) async fn sample(client: &Client, selector: &str, milliseconds: u64) -> bool {
    let options = SampleOptions {
        window: Some(Duration::from_millis(milliseconds)),
        ..SampleOptions::default()
    };
    match client.sample(&[selector], options).await {
        Ok(sample) => sample.readings.contains_key(selector),
        Err(error) => panic!("a call is lost: {error}"),
    }
}

#[test]
fn an_idle_service_exits_with_status_0() {
    let bus = Bus::new();
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "50ms"]);
    let run = end(serve.stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stderr, "");
}

#[test]
fn a_service_with_a_session_is_not_idle() {
    let bus = Bus::activating("--idle-timeout 60ms");
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = client
            .start(&["memory"], Start::every_millis(50))
            .await
            .unwrap();
        let daemon = bus.owned().await;
        for _ in 0..6 {
            session.next().await.unwrap();
        }
        assert!(daemon.is_running());
        drop(session);
        bus.vacant().await;
        daemon.wait();
    });
}

#[test]
fn a_connection_that_only_listens_does_not_keep_the_service_running() {
    let bus = Bus::activating("--idle-timeout 100ms");
    bus.block_on(async {
        // `gdbus monitor --dest` does the same: it starts the service, and then makes no call.
        let connection = bus.connect().await;
        let (name, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
        let body = (NAME, 0u32);
        let call =
            connection.call_method(Some(name), path, Some(name), "StartServiceByName", &body);
        call.await.unwrap();
        let daemon = bus.daemon().await;
        bus.vacant().await;
        daemon.inspect(Process::wait);
    });
}

#[test]
fn sigterm_sigint_and_quit_end_the_service() {
    let check = |request_end: &dyn Fn(&Bus, &Process)| {
        let bus = Bus::new();
        let serve = bus
            .sampled(&["serve", "--idle-timeout", "never"])
            .spawn()
            .unwrap();
        let daemon = bus.block_on(bus.owned());
        request_end(&bus, &daemon);
        assert_eq!(end(serve).code, Some(0));
    };
    check(&|_, daemon| daemon.signal(Signal::TERM));
    check(&|_, daemon| daemon.signal(Signal::INT));
    check(&|bus, _| bus.block_on(async { bus.client().await.quit().await.unwrap() }));
}

#[test]
fn quit_is_refused_while_other_clients_have_sessions() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        let session = client
            .start(&["memory"], Start::every_millis(100))
            .await
            .unwrap();
        let error = other.quit().await.unwrap_err();
        assert!(
            matches!(error, sampled::client::Error::Busy(_)),
            "{error:?}"
        );
        session.stop().await.unwrap();
        // The caller may have sessions.
        let none = HashMap::<&str, Variant<'_>>::new();
        other
            .proxy()
            .start(&["memory"], 100_000, &none)
            .await
            .unwrap();
        other.quit().await.unwrap();
        bus.vacant().await;
    });
}

#[test]
fn a_service_ends_when_the_bus_ends() {
    let bus = Bus::activating("--idle-timeout never");
    let daemon = bus.block_on(async {
        let client = bus.client().await;
        // Not even a detached session keeps it running.
        let detached = Start {
            detached: true,
            ..Start::every_millis(100)
        };
        client.start(&["memory"], detached).await.unwrap();
        bus.owned().await
    });
    bus.kill();
    daemon.wait();
}

#[test]
fn sigterm_during_a_hundred_calls_loses_none() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async {
        let clients = join_all((0..100).map(|_| bus.client())).await;
        assert!(sample(&clients[0], "memory/physical/used", 200).await);
        let daemon = bus.owned().await;
        let calls = join_all(
            clients
                .iter()
                .map(|client| sample(client, "cpu/all/usage", 300)),
        );
        let kill = async {
            // The bus delivers in order: when this call is answered, the service has got those before it.
            assert!(sample(&clients[0], "memory/physical/used", 200).await);
            daemon.signal(Signal::TERM);
        };
        let (answers, ()) = futures_util::future::join(calls, kill).await;
        assert!(answers.into_iter().all(|answered| answered));
        daemon.wait();
    });
}

#[test]
fn a_service_that_waits_for_a_call_ends_when_the_bus_ends() {
    let bus = Bus::activating("--idle-timeout never");
    let mut raw = Raw::connect(&bus);
    const WINDOW: Duration = Duration::from_secs(9);
    let long = Variant::U64(WINDOW.as_micros().try_into().unwrap());
    let options = HashMap::from([("window", &long), ("timeout", &long)]);
    let start = Instant::now();
    raw.send(ask("Sample", &(vec!["cpu/all/usage"], options)).data());
    // The bus delivers in order: when this call is answered, the other one waits for its second reading.
    raw.call(&ask("List", &vec!["memory"]));
    let daemon = bus.block_on(async {
        let daemon = bus.owned().await;
        daemon.signal(Signal::TERM);
        bus.vacant().await;
        daemon
    });
    assert!(daemon.is_running(), "it does not wait for the call");
    bus.kill();
    // It has not waited for the window, which began before the signal.
    assert!(daemon.ends_within(WINDOW.saturating_sub(start.elapsed())));
}
