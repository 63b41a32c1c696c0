//! What a person starts stays until it is stopped, and what the bus starts does not.

use std::{fs, time::Duration};

use crate::{
    support::{bus::Bus, home::SAMPLED, process::Run},
    systemd::session::{UNITS, within},
};

/// `IdleTimeout` of a service that stays.
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
fn what_is_started_stays() {
    let bus = Bus::new();
    bus.run(&["start"]).ok();
    assert_eq!(idle_timeout(&bus), NEVER);
    bus.run(&["restart"]).ok();
    assert_eq!(idle_timeout(&bus), NEVER);
    bus.run(&["restart", "--idle-timeout", "50s"]).ok();
    assert_eq!(idle_timeout(&bus), 50_000_000);
    configure(&bus, "idle_timeout = '40s'");
    // What the command line says counts.
    bus.run(&["reload"]).ok();
    bus.run(&["restart", "--idle-timeout", "never"]).ok();
    assert_eq!(idle_timeout(&bus), NEVER);
    bus.run(&["stop"]).ok();
}

#[test]
fn the_configuration_says_how_long_what_is_started_stays() {
    let bus = Bus::new();
    configure(&bus, "idle_timeout = '30s'");
    bus.run(&["start"]).ok();
    assert_eq!(idle_timeout(&bus), 30_000_000);
    // The signal is on its way; its effect is what tells that it has arrived.
    configure(&bus, "");
    bus.run(&["reload"]).ok();
    while idle_timeout(&bus) != NEVER {}
    configure(&bus, "idle_timeout = '20s'");
    bus.run(&["reload"]).ok();
    while idle_timeout(&bus) != 20_000_000 {}
    bus.run(&["stop"]).ok();
}

#[test]
fn what_the_bus_starts_leaves() {
    for verb in ["serve", "start", "start --log-level warn"] {
        let bus = Bus::executing(&format!("{SAMPLED} {verb}"));
        assert_eq!(idle_timeout(&bus), 30_000_000, "{verb}");
    }
}

#[test]
fn start_says_how_long_the_one_stays_that_runs() {
    let bus = Bus::activating("");
    bus.block_on(async { bus.client().await.list(&["memory"]).await.expect("list") });
    let daemon = bus.block_on(bus.owned());
    let who = format!("already running: process {}, ", daemon.pid);
    let said = bus.run(&["start"]).ok();
    let expected = format!(
        "sampled: {who}started by the session bus; it leaves after 30s without a client \
         (`sampled restart --idle-timeout never` starts one that stays)\n"
    );
    assert_eq!(said, expected);

    bus.run(&["restart"]).ok();
    let daemon = bus.block_on(bus.owned());
    let who = format!("already running: process {}, ", daemon.pid);
    let detached = format!("sampled: {who}detached by `sampled start`; ");
    let said = bus.run(&["start", "--idle-timeout", "5s"]).ok();
    assert_eq!(said, format!("{detached}it stays until it is stopped\n"));

    // One that does not answer keeps nobody waiting.
    daemon.stop();
    let start = &mut bus.sampled(&["start", "--timeout", "1s"]);
    let run = Run::within(start, Duration::from_secs(5));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stdout.contains(who.trim_end_matches([',', ' '])),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("has not answered within 1 s"),
        "{run:?}"
    );
    bus.run(&["stop"]).ok();
}

#[test]
fn start_says_how_long_a_unit_stays() {
    within(&UNITS[..1], async |session| {
        let client = session.client().await;
        session.read(&client).await.expect("sample");
        let said = Run::of(&mut session.sampled(&["start"])).ok();
        for text in ["started by systemd", "after 30s", "config.toml"] {
            assert!(said.contains(text), "{text}: {said}");
        }
    });
}
