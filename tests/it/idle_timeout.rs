//! A service that a person starts stays until it is stopped. One that the bus starts has an idle timeout.

use std::{fs, time::Instant};

use crate::{
    support::{
        bus::Bus,
        home::SAMPLED,
        process::{DEADLINE, Run},
    },
    systemd::session::{UNITS, within},
};

/// `IdleTimeout` of a service without one.
const NEVER: u64 = u64::MAX;

fn idle_timeout(bus: &Bus) -> u64 {
    bus.block_on(async {
        let client = bus.client().await;
        client.proxy().idle_timeout().await.expect("property")
    })
}

fn configure(bus: &Bus, text: &str) {
    let dir = bus.config().join("sampled");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), text).unwrap();
}

#[test]
fn a_service_that_is_started_by_hand_has_no_idle_timeout() {
    let bus = Bus::new();
    bus.run(&["start"]).ok();
    assert_eq!(idle_timeout(&bus), NEVER);
    bus.run(&["restart"]).ok();
    assert_eq!(idle_timeout(&bus), NEVER);
    bus.run(&["restart", "--idle-timeout", "50s"]).ok();
    assert_eq!(idle_timeout(&bus), 50_000_000);
    configure(&bus, "idle_timeout = '40s'");
    // The option overrides the file.
    bus.run(&["reload"]).ok();
    bus.run(&["restart", "--idle-timeout", "never"]).ok();
    assert_eq!(idle_timeout(&bus), NEVER);
    bus.run(&["stop"]).ok();
}

#[test]
fn the_configuration_sets_the_idle_timeout_of_a_service_that_is_started_by_hand() {
    let bus = Bus::new();
    configure(&bus, "idle_timeout = '30s'");
    bus.run(&["start"]).ok();
    assert_eq!(idle_timeout(&bus), 30_000_000);
    // `reload` returns when the signal is sent, so the test waits for its effect.
    let reload = |text, expected| {
        configure(&bus, text);
        bus.run(&["reload"]).ok();
        let deadline = Instant::now() + DEADLINE;
        while idle_timeout(&bus) != expected {
            assert!(Instant::now() < deadline, "{}", bus.log());
        }
    };
    reload("", NEVER);
    reload("idle_timeout = '20s'", 20_000_000);
    bus.run(&["stop"]).ok();
}

#[test]
fn a_service_that_the_bus_starts_has_an_idle_timeout() {
    for subcommand in ["serve", "start", "start --log-level warn"] {
        let bus = Bus::executing(&format!("{SAMPLED} {subcommand}"));
        assert_eq!(idle_timeout(&bus), 30_000_000, "{subcommand}");
    }
}

#[test]
fn start_prints_the_idle_timeout_of_the_running_service() {
    let bus = Bus::activating("");
    bus.block_on(async { bus.client().await.list(&["memory"]).await.expect("list") });
    let daemon = bus.block_on(bus.owned());
    let running = format!("already running: process {}, ", daemon.pid);
    let output = bus.run(&["start"]).ok();
    let expected = format!(
        "sampled: {running}started by the session bus; it leaves after 30s without a client \
         (`sampled restart --idle-timeout never` starts one that stays)\n"
    );
    assert_eq!(output, expected);

    bus.run(&["restart"]).ok();
    let daemon = bus.block_on(bus.owned());
    let running = format!("already running: process {}, ", daemon.pid);
    let detached = format!("sampled: {running}detached by `sampled start`; ");
    let output = bus.run(&["start", "--idle-timeout", "5s"]).ok();
    assert_eq!(output, format!("{detached}it stays until it is stopped\n"));

    // `start` waits no longer than its timeout for one that does not answer.
    daemon.stop();
    let start = &mut bus.sampled(&["start", "--timeout", "1s"]);
    let run = Run::within(start, DEADLINE);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stdout.contains(running.trim_end_matches([',', ' '])),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("has not answered within 1 s"),
        "{run:?}"
    );
    bus.run(&["stop"]).ok();
}

#[test]
fn start_prints_the_idle_timeout_of_a_unit() {
    within(&UNITS[..1], async |session| {
        let client = session.client().await;
        session.read(&client).await.expect("sample");
        let output = Run::of(&mut session.sampled(&["start"])).ok();
        for text in ["started by systemd", "after 30s", "config.toml"] {
            assert!(output.contains(text), "{text}: {output}");
        }
    });
}
