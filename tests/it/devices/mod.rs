//! Devices that appear and vanish, in the catalog and in running sessions.

mod replacement;
mod states;
mod uevents;

use std::{fs, io::Write, path::Path};

use futures_util::StreamExt;
use sampled::{
    client::{Session, Start},
    reading::{Fault, Reading, Value},
};
use tokio::time::timeout;

use crate::support::{bus::Bus, process::DEADLINE};

/// Writes a tree of /proc with these network interfaces.
pub(crate) fn write_interfaces(proc: &Path, names: &[&str]) {
    fs::create_dir_all(proc.join("net")).unwrap();
    let header = "Inter-|   Receive                                                |  Transmit\n \
                  face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets \
                  errs drop fifo colls carrier compressed\n";
    let lines = names
        .iter()
        .map(|name| format!("{name:>6}: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n"));
    let text = header.to_owned() + &lines.collect::<String>();
    // The file stays the same one, as the kernel's does: the service keeps it open.
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let mut file = options.open(proc.join("net/dev")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_len(text.len() as u64).unwrap();
}

#[test]
fn a_session_gains_and_loses_the_metrics_of_a_device() {
    let bus = Bus::new();
    let proc = bus.dir().join("proc");
    write_interfaces(&proc, &["eth0"]);
    let _service = bus.serve(&proc, "/nonexistent");
    bus.block_on(async {
        let client = bus.client().await;
        let mut catalog = client.proxy().receive_catalog_changed().await.unwrap();
        let mut session = client
            .start(&["network"], Start::every_millis(60))
            .await
            .unwrap();
        let total = "network/eth1/totalDownload";
        let mut frame = session.next().await.unwrap();
        assert!(frame.reading(total).is_none());
        write_interfaces(&proc, &["eth0", "eth1"]);
        let change = timeout(DEADLINE, catalog.next()).await.unwrap().unwrap();
        let appeared = change.args().unwrap().appeared;
        assert!(appeared.iter().any(|id| id == total), "{appeared:?}");
        assert!(
            appeared.iter().all(|id| id.starts_with("network/eth1/")),
            "{appeared:?}"
        );
        while frame.reading(total).is_none() {
            frame = timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        assert_eq!(frame.reading(total), Some(Ok(Value::Number(1000.0))));
        write_interfaces(&proc, &["eth0"]);
        // Other sources of eth1 may have been discovered later, so that there was another signal.
        let vanished = loop {
            let change = timeout(DEADLINE, catalog.next()).await.unwrap().unwrap();
            let change = change.args().unwrap();
            if !change.vanished.is_empty() {
                break change.vanished;
            }
            let appeared = change.appeared;
            assert!(
                appeared.iter().all(|id| id.starts_with("network/eth1/")),
                "{appeared:?}"
            );
        };
        assert!(vanished.iter().any(|id| id == total), "{vanished:?}");
        while frame.reading(total).is_some() {
            frame = timeout(DEADLINE, session.next()).await.unwrap().unwrap();
        }
        assert!(frame.reading("network/eth0/totalDownload").is_some());
    });
}

/// Waits until a metric has this reading.
async fn until(session: &mut Session, id: &str, expected: Reading) {
    let mut reading = async || session.next().await.unwrap().reading(id);
    let expected = Some(expected);
    timeout(DEADLINE, async { while reading().await != expected {} })
        .await
        .unwrap();
}

#[test]
fn a_metric_is_read_again_when_its_device_is_back() {
    let bus = Bus::new();
    let proc = bus.dir().join("proc");
    write_interfaces(&proc, &["eth0", "eth1"]);
    let _service = bus.serve(&proc, "/nonexistent");
    bus.block_on(async {
        let client = bus.client().await;
        let total = "network/eth1/totalUpload";
        let mut session = client
            .start(&[total], Start::every_millis(60))
            .await
            .unwrap();
        until(&mut session, total, Ok(Value::Number(2000.0))).await;
        write_interfaces(&proc, &["eth0"]);
        until(&mut session, total, Err(Fault::Gone)).await;
        write_interfaces(&proc, &["eth0", "eth1"]);
        until(&mut session, total, Ok(Value::Number(2000.0))).await;
    });
}

/// There is no uevent for a tree that is not the kernel's, so the session makes the service probe.
#[test]
fn a_device_without_a_uevent_is_probed_for() {
    let bus = Bus::new();
    let (proc, sys) = (bus.dir().join("proc"), bus.dir().join("sys"));
    let directory = sys.join("class/net/eth1");
    let plug = |state: &str| {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("operstate"), state).unwrap();
        write_interfaces(&proc, &["eth0", "eth1"]);
    };
    plug("up\n");
    let _service = bus.serve(&proc, &sys);
    bus.block_on(async {
        let client = bus.client().await;
        let state = "network/eth1/state";
        let mut session = client
            .start(&[state], Start::every_millis(60))
            .await
            .unwrap();
        until(&mut session, state, Ok(Value::Text("up".into()))).await;
        write_interfaces(&proc, &["eth0"]);
        fs::remove_dir_all(&directory).unwrap();
        // `List` makes the service forget the device.
        assert!(!client.list(&[]).await.unwrap().contains_key(state));
        until(&mut session, state, Err(Fault::Gone)).await;
        plug("dormant\n");
        until(&mut session, state, Ok(Value::Text("dormant".into()))).await;
    });
}
