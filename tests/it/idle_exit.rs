//! Coming and leaving: activation, idle exit, signals, and no call lost on the way.

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
    process::{Process, Run},
    raw::{Raw, ask},
};

/// The end of a program that was started in the background.
#[track_caller]
pub(crate) fn end(child: Child) -> Run {
    Process::open(child.id())
        .expect("a child is there until it is waited for")
        .wait();
    child.wait_with_output().expect("output").into()
}

/// Whether a sample has this metric. A call that is not answered is a failure.
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
fn the_idle_daemon_leaves_with_status_0() {
    let bus = Bus::new();
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "50ms"]);
    let run = end(serve.stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stderr, "");
}

#[test]
fn a_session_keeps_the_daemon_and_its_end_lets_it_go() {
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
fn who_only_listens_does_not_keep_it() {
    let bus = Bus::activating("--idle-timeout 100ms");
    bus.block_on(async {
        // What `gdbus monitor --dest` does: it starts the service, and then asks it for nothing.
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
fn signals_and_quit_end_it() {
    let check = |leave: &dyn Fn(&Bus, &Process)| {
        let bus = Bus::new();
        let serve = bus
            .sampled(&["serve", "--idle-timeout", "never"])
            .spawn()
            .unwrap();
        let daemon = bus.block_on(bus.owned());
        leave(&bus, &daemon);
        assert_eq!(end(serve).code, Some(0));
    };
    check(&|_, daemon| daemon.signal(Signal::TERM));
    check(&|_, daemon| daemon.signal(Signal::INT));
    check(&|bus, _| bus.block_on(async { bus.client().await.quit().await.unwrap() }));
}

#[test]
fn quit_is_refused_while_others_have_sessions() {
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
        // One's own sessions are no obstacle.
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
fn a_second_one_by_hand_names_the_first() {
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
fn a_second_one_that_is_activated_leaves_the_field() {
    let bus = Bus::activating("");
    bus.block_on(async { bus.client().await.list(&["memory"]).await.unwrap() });
    for verb in ["serve", "start"] {
        let mut second = bus.sampled(&[verb]);
        second.env("DBUS_STARTER_ADDRESS", bus.address());
        let second = Run::of(&mut second);
        // Any owner answers the calls that the bus has kept. Output would go to the bus's log.
        assert_eq!(
            (second.code, second.stdout.as_str()),
            (Some(0), ""),
            "{verb}: {second:?}"
        );
    }
}

#[test]
fn the_detaching_form_can_be_activated() {
    let bus = Bus::executing(&format!("{SAMPLED} start --idle-timeout 80ms"));
    bus.block_on(async {
        let mut last = None;
        for _ in 0..5 {
            let client = bus.client().await;
            assert!(sample(&client, "memory/physical/used", 200).await);
            let daemon = bus.daemon().await;
            bus.vacant().await;
            if let Some(daemon) = daemon {
                assert_ne!(last.replace(daemon.pid), Some(daemon.pid));
                daemon.wait();
            }
        }
    });
    assert!(!bus.runtime().join("sampled.pid").exists());
}

#[test]
fn a_pidfile_never_refuses_a_successor() {
    // The one that has the pidfile serves another bus of the same user.
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
fn without_a_bus_it_fails_at_once_and_says_what_to_do() {
    let home = Home::new();
    for verb in ["serve", "start"] {
        let mut command = home.sampled(&[verb]);
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}/none", home.dir().display()),
        );
        let start = Instant::now();
        let run = Run::of(&mut command);
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("dbus-run-session"), "{run:?}");
    }
}

#[test]
fn a_bus_that_says_nothing_is_no_bus() {
    let home = Home::new();
    let path = home.dir().join("mute");
    let _mute = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut command = home.sampled(&["serve"]);
    command.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", path.display()),
    );
    let start = Instant::now();
    let run = Run::of(&mut command);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(run.code, Some(1), "{run:?}");
}

#[test]
fn it_goes_with_the_bus() {
    let bus = Bus::activating("--idle-timeout never");
    let daemon = bus.block_on(async {
        let client = bus.client().await;
        // A session that outlives its client is no reason to outlive the bus.
        let detached = Start {
            detached: true,
            ..Start::every_millis(100)
        };
        client.start(&["memory"], detached).await.unwrap();
        bus.owned().await
    });
    bus.kill();
    assert!(daemon.ends_within(Duration::from_secs(2)));
}

#[test]
fn a_broken_configuration_keeps_no_caller_waiting() {
    let bus = Bus::activating("");
    let config = bus.config().join("sampled/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "idle_timeout = \"soon\"\n").unwrap();
    bus.block_on(async {
        let start = Instant::now();
        let listed = bus.client().await.list(&["memory"]).await;
        let took = start.elapsed();
        assert!(!listed.expect("a list").is_empty());
        assert!(took < Duration::from_secs(1), "{took:?}");
    });
    assert!(bus.log().contains("config.toml:1:16"), "{}", bus.log());
}

#[test]
fn twenty_first_calls_are_answered_by_one_process() {
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
fn sigterm_in_the_middle_of_a_hundred_calls_loses_none() {
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
            // The first answers prove nothing; a call that is answered at once proves that the bus
            // has delivered those before it.
            assert!(sample(&clients[0], "memory/physical/used", 200).await);
            daemon.signal(Signal::TERM);
        };
        let (answers, ()) = futures_util::future::join(calls, kill).await;
        assert!(answers.into_iter().all(|answered| answered));
        daemon.wait();
    });
}

#[test]
fn a_bus_that_goes_while_calls_are_waited_for_holds_nothing_up() {
    let bus = Bus::activating("--idle-timeout never");
    let mut raw = Raw::connect(&bus);
    let long = Variant::U64(9_000_000);
    let options = HashMap::from([("window", &long), ("timeout", &long)]);
    raw.send(ask("Sample", &(vec!["cpu/all/usage"], options)).data());
    // Behind it on the same way: when this is answered, the other call waits for its second reading.
    raw.call(&ask("List", &vec!["memory"]));
    let daemon = bus.block_on(async {
        let daemon = bus.owned().await;
        daemon.signal(Signal::TERM);
        bus.vacant().await;
        daemon
    });
    assert!(daemon.is_running(), "it waits for no call");
    bus.kill();
    assert!(daemon.ends_within(Duration::from_secs(2)));
}
