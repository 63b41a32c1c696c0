//! Starts of the service: by the bus, beside another service, and without a working bus.

use std::fs;

use futures_util::future::join_all;

use super::idle_exit::sample;
use crate::support::{
    bus::Bus,
    home::{Home, SAMPLED},
    process::{DEADLINE, Run},
};

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
