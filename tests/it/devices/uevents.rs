//! Uevents of the kernel change the catalog.

use std::process::Command;

use futures_util::StreamExt;
use nix::unistd::Uid;
use sampled::client::Start;
use tokio::time::timeout;

use crate::support::{
    bus::Bus,
    process::{DEADLINE, skip},
};

/// A network interface of this machine. Dropping it removes it.
struct Interface(String);

impl Interface {
    fn add() -> Option<Self> {
        let interface = Self(format!("smp{}", std::process::id() % 100_000));
        // A veth pair needs no hardware.
        let added = interface.ip(&["link", "add", &interface.0, "type", "veth"]);
        added.then_some(interface)
    }

    fn ip(&self, arguments: &[&str]) -> bool {
        let done = Command::new("ip").args(arguments).status();
        done.is_ok_and(|status| status.success())
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        self.ip(&["link", "del", &self.0]);
    }
}

#[test]
fn a_uevent_of_an_interface_changes_the_catalog() {
    if !Uid::effective().is_root() || Interface::add().is_none() {
        return skip("it needs root, ip(8) and a kernel with veth interfaces");
    }
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let mut catalog = client.proxy().receive_catalog_changed().await.unwrap();
        // An hour between two frames, so that only the uevent of the kernel makes the service probe.
        let hour = Start::every(std::time::Duration::from_secs(3600));
        let mut session = client.start(&["network"], hour).await.unwrap();
        session.next().await.unwrap();
        let interface = Interface::add().expect("it could be added before");
        let name = interface.0.clone();
        let has_interface = |ids: Vec<String>| ids.iter().any(|id| id.contains(&name));
        loop {
            let change = timeout(DEADLINE, catalog.next()).await.unwrap().unwrap();
            if has_interface(change.args().unwrap().appeared) {
                break;
            }
        }
        drop(interface);
        loop {
            let change = timeout(DEADLINE, catalog.next()).await.unwrap().unwrap();
            if has_interface(change.args().unwrap().vanished) {
                break;
            }
        }
    });
}
