//! `[history] keep` in the configuration: metrics that the service keeps without a session of a client.

use std::{fs, time::Duration};

use rustix::process::Signal;
use sampled::client::{Client, SessionInfo};
use tokio::time::timeout;

use super::{IDS, history};
use crate::support::{bus::Bus, home::Home, process::DEADLINE};

fn configure(home: &Home, text: &str) {
    let dir = home.config().join("sampled");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), text).unwrap();
}

/// The only session of the service itself.
async fn own_session(client: &Client) -> Option<(u32, SessionInfo)> {
    let sessions = client.sessions().await.unwrap();
    assert!(sessions.len() < 2, "{sessions:?}");
    sessions.into_iter().next()
}

/// Waits for a state that follows from the time or a signal.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let is_met = async { while !condition().await {} };
    timeout(DEADLINE, is_met).await.expect("the condition");
}

#[test]
fn the_service_keeps_what_the_configuration_names() {
    let bus = Bus::activating("--idle-timeout 50ms");
    configure(
        &bus,
        "[history]\nkeep = ['memory/physical/total', 'os/system/uptime']\ninterval = '250ms'",
    );
    bus.block_on(async {
        let client = bus.client().await;
        until(async || history(&client, IDS).await.len() >= 4).await;
        let (id, session) = own_session(&client).await.unwrap();
        assert_eq!(session.metrics, IDS);
        assert_eq!(session.label, "history.keep of the configuration");
        assert_eq!(session.interval, Duration::from_millis(250));
        assert!(!session.detached && session.dropped == 0 && session.frames >= 4);
        let service = bus.owned().await;
        // Only the service ends the session.
        client.stop(id).await.unwrap_err();
        assert!(own_session(&client).await.is_some());
        // The user asks the service to leave, and its successor goes on.
        client.quit().await.unwrap();
        service.wait();
        assert!(history(&bus.client().await, IDS).await.len() >= 4);
    });
}

#[test]
fn a_reload_begins_and_ends_the_keeping() {
    let bus = Bus::activating("--idle-timeout 3s");
    configure(&bus, "");
    bus.block_on(async {
        let client = bus.client().await;
        assert!(own_session(&client).await.is_none());
        let service = bus.owned().await;
        configure(
            &bus,
            "history.keep = ['no/such/metric', 'memory/physical/total']",
        );
        service.signal(Signal::HUP);
        until(async || own_session(&client).await.is_some()).await;
        let (_, session) = own_session(&client).await.unwrap();
        assert_eq!(session.metrics, [IDS[0]]);
        assert!(bus.log().contains("no/such/metric"), "{}", bus.log());
        configure(&bus, "");
        service.signal(Signal::HUP);
        // It is idle from now on.
        service.wait();
    });
}

#[test]
fn settings_limit_what_is_kept() {
    let bus = Bus::activating("");
    configure(&bus, "history.span = '0s'");
    bus.block_on(async {
        let client = bus.client().await;
        let mut session = client.start(IDS, super::every(250)).await.unwrap();
        super::take(&mut session, 3).await;
        assert_eq!(history(&client, IDS).await, []);
        configure(&bus, "history.span = '1s'");
        bus.owned().await.signal(Signal::HUP);
        until(async || !history(&client, IDS).await.is_empty()).await;
        super::take(&mut session, 8).await;
        let rows = history(&client, IDS).await;
        assert!((2..=5).contains(&rows.len()), "{rows:?}");
    });
}
