//! The life of a service: activation, idle exit, signals, a second service. No call is lost.

use std::{
    collections::HashMap,
    fs,
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
    home::{Home, SAMPLED},
    process::{DEADLINE, Process, Run},
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
fn a_second_service_names_the_running_one_and_fails() {
    let bus = Bus::activating("");
    let daemon = bus.block_on(async {
        bus.client().await.list(&["memory"]).await.unwrap();
        bus.owned().await
    });
    let second = bus.run(&["serve"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second.stderr.contains(&format!("process {}", daemon.pid)),
        "{second:?}"
    );
    assert!(daemon.is_running());
}

#[test]
fn a_second_service_that_the_bus_activates_exits_with_status_0() {
    let bus = Bus::activating("");
    bus.block_on(async { bus.client().await.list(&["memory"]).await.unwrap() });
    for subcommand in ["serve", "start"] {
        let mut second = bus.sampled(&[subcommand]);
        second.env("DBUS_STARTER_ADDRESS", bus.address());
        let second = Run::of(&mut second);
        // The bus delivers the calls that it has kept to the owner. Output would go to the log of the bus.
        assert_eq!(
            (second.code, second.stdout.as_str()),
            (Some(0), ""),
            "{subcommand}: {second:?}"
        );
    }
}

#[test]
fn sampled_start_can_be_activated() {
    let bus = Bus::executing(&format!("{SAMPLED} start --idle-timeout 80ms"));
    bus.block_on(async {
        let mut last = None;
        for _ in 0..5 {
            let client = bus.client().await;
            assert!(sample(&client, "memory/physical/used", 200).await);
            let daemon = bus.daemon().await;
            bus.vacant().await;
            // It may have exited already.
            if let Some(daemon) = daemon {
                assert_ne!(last.replace(daemon.pid), Some(daemon.pid));
                daemon.wait();
            }
        }
    });
    // Each round has started a process, because the name had no owner.
    let activations = bus.log().matches("Activating service").count();
    assert!(activations >= 5, "{}", bus.log());
    assert!(!bus.runtime().join("sampled.pid").exists());
}

#[test]
fn a_service_is_activated_although_another_one_holds_the_pidfile() {
    // The service with the pidfile is on another bus of the same user.
    let other = Bus::new();
    let pidfile = other.runtime().join("sampled.pid");
    let pidfile = pidfile.to_str().unwrap();
    other
        .run(&["start", "--idle-timeout", "never", "--pidfile", pidfile])
        .ok();
    let bus = Bus::executing(&format!("{SAMPLED} start --pidfile {pidfile}"));
    bus.block_on(async { assert!(sample(&bus.client().await, "memory/physical/used", 200).await) });
    assert!(bus.run(&["status"]).ok().contains("is running"));
    other.run(&["stop", "--pidfile", pidfile]).ok();
    bus.block_on(async { assert!(sample(&bus.client().await, "memory/physical/used", 200).await) });
}

#[test]
fn without_a_bus_a_service_fails_and_names_dbus_run_session() {
    let home = Home::new();
    for subcommand in ["serve", "start"] {
        let mut command = home.sampled(&[subcommand]);
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}/none", home.dir().display()),
        );
        let run = Run::within(&mut command, DEADLINE);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("dbus-run-session"), "{run:?}");
    }
}

#[test]
fn a_bus_that_does_not_answer_is_an_error_of_the_service() {
    let home = Home::new();
    let path = home.dir().join("mute");
    let _mute = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut command = home.sampled(&["serve"]);
    command.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", path.display()),
    );
    let run = Run::within(&mut command, DEADLINE);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains(path.to_str().unwrap()), "{run:?}");
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
fn a_call_is_answered_although_the_configuration_is_invalid() {
    let bus = Bus::activating("");
    let config = bus.config().join("sampled/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "idle_timeout = \"soon\"\n").unwrap();
    bus.block_on(async {
        let listed = bus.client().await.list(&["memory"]).await;
        assert!(!listed.expect("a list").is_empty());
    });
    assert!(bus.log().contains("config.toml:1:16"), "{}", bus.log());
}

#[test]
fn twenty_concurrent_first_calls_start_one_process() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let clients = join_all((0..20).map(|_| bus.client())).await;
        let calls = clients
            .iter()
            .map(|client| sample(client, "cpu/all/usage", 50));
        assert!(join_all(calls).await.into_iter().all(|answered| answered));
    });
    let started = bus.log().matches("Activating service").count();
    assert_eq!(started, 1, "{}", bus.log());
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
