//! Devices that are plugged and unplugged while the unit of an ordinary user confines the service.

use std::{
    process::{self, Command},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::StreamExt;
use sampled::client::Start;
use tokio::time::timeout;

use super::{
    confinement::ORDINARY,
    session::{is_inside, within},
};
use crate::support::process::{DEADLINE, skip};

/// The service gets the kernel's uevents over netlink.
#[test]
fn plugged_and_unplugged_devices_change_the_catalog() {
    let plugging = match is_inside() {
        true => None,
        false => match Plugging::begin() {
            None => return skip("needs root, ip(8) and a kernel with veth interfaces"),
            plugging => plugging,
        },
    };
    within(&ORDINARY, async |session| {
        let client = session.client().await;
        let mut catalog = client.proxy().receive_catalog_changed().await.unwrap();
        // The next frame is an hour away, so only an uevent makes the service look for devices.
        let hour = Start::every(Duration::from_secs(3600));
        let mut kept = client.start(&["network"], hour).await.expect("session");
        kept.next().await.expect("frame");
        let is_plugged = |id: &String| id.starts_with(&format!("network/{PLUGGED}"));
        let (mut has_appeared, mut has_vanished) = (false, false);
        while !(has_appeared && has_vanished) {
            let change = timeout(DEADLINE, catalog.next())
                .await
                .expect("a change")
                .unwrap();
            let change = change.args().unwrap();
            has_appeared |= change.appeared.iter().any(is_plugged);
            has_vanished |= change.vanished.iter().any(is_plugged);
        }
    });
    drop(plugging);
}

/// The prefix of the names of the network interfaces of this test.
const PLUGGED: &str = "smpu";

/// A thread of the test outside of the session that adds and removes a network interface until it is dropped.
struct Plugging {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Plugging {
    fn begin() -> Option<Self> {
        let name = format!("{PLUGGED}{}", process::id() % 100_000);
        let ip = |arguments: &[&str]| {
            let done = Command::new("ip").args(arguments).status();
            done.is_ok_and(|status| status.success())
        };
        if !ip(&["link", "add", &name, "type", "veth"]) {
            return None;
        }
        let (end, is_over) = mpsc::channel();
        let thread = thread::spawn(move || {
            let pause = || {
                is_over.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout)
            };
            while pause() {
                ip(&["link", "del", &name]);
                if !pause() {
                    return;
                }
                ip(&["link", "add", &name, "type", "veth"]);
            }
            ip(&["link", "del", &name]);
        });
        Some(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Plugging {
    fn drop(&mut self) {
        drop(self.end.take());
        self.thread.take().map(JoinHandle::join);
    }
}
