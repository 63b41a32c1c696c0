//! Devices that come and go while the service is confined by its unit, of an ordinary user.

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

/// Uevents of the kernel, over netlink.
#[test]
fn devices_that_come_and_go_are_heard_of() {
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
        // An hour from frame to frame: only the kernel can tell in time.
        let hour = Start::every(Duration::from_secs(3600));
        let mut held = client.start(&["network"], hour).await.expect("session");
        held.next().await.expect("frame");
        let is_plugged = |id: &String| id.starts_with(&format!("network/{PLUGGED}"));
        let (mut has_come, mut has_gone) = (false, false);
        while !(has_come && has_gone) {
            let change = timeout(DEADLINE, catalog.next())
                .await
                .expect("a change")
                .unwrap();
            let change = change.args().unwrap();
            has_come |= change.appeared.iter().any(is_plugged);
            has_gone |= change.vanished.iter().any(is_plugged);
        }
    });
    drop(plugging);
}

/// How the names of interfaces begin that are plugged in for this test.
const PLUGGED: &str = "smpu";

/// Root, who plugs an interface in and out all the time.
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
