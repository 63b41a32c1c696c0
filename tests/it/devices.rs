//! Devices that appear and vanish: the catalog, running sessions, and the states of sources.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use futures_util::StreamExt;
use nix::unistd::Uid;
use sampled::{
    client::{SampleOptions, Start},
    reading::{Fault, Value},
};
use tokio::time::timeout;
use zbus::{OwnedVariant, Variant};

use crate::{
    calls::fixture,
    cli::frame,
    support::{
        bus::Bus,
        home::{Home, SAMPLED},
        process::{DEADLINE, skip},
    },
};

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
    let mut daemon = bus.sampled(&["serve", "--procfs", proc.to_str().unwrap()]);
    let mut daemon = daemon.args(["--sysfs", "/nonexistent"]).spawn().unwrap();
    bus.block_on(async {
        bus.owned().await;
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
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn a_metric_is_read_again_when_its_device_is_back() {
    let bus = Bus::new();
    let proc = bus.dir().join("proc");
    write_interfaces(&proc, &["eth0", "eth1"]);
    let mut daemon = bus.sampled(&["serve", "--procfs", proc.to_str().unwrap()]);
    let mut daemon = daemon.args(["--sysfs", "/nonexistent"]).spawn().unwrap();
    bus.block_on(async {
        bus.owned().await;
        let client = bus.client().await;
        let total = "network/eth1/totalUpload";
        let mut session = client
            .start(&[total], Start::every_millis(60))
            .await
            .unwrap();
        let mut until = async |expected: sampled::reading::Reading| {
            let mut reading = async || session.next().await.unwrap().reading(total);
            let expected = Some(expected);
            timeout(DEADLINE, async { while reading().await != expected {} })
                .await
                .unwrap();
        };
        until(Ok(Value::Number(2000.0))).await;
        write_interfaces(&proc, &["eth0"]);
        until(Err(Fault::Gone)).await;
        write_interfaces(&proc, &["eth0", "eth1"]);
        until(Ok(Value::Number(2000.0))).await;
    });
    daemon.kill().unwrap();
    daemon.wait().unwrap();
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
    let mut daemon = bus.sampled(&["serve", "--procfs", proc.to_str().unwrap()]);
    let mut daemon = daemon.arg("--sysfs").arg(&sys).spawn().unwrap();
    bus.block_on(async {
        bus.owned().await;
        let client = bus.client().await;
        let state = "network/eth1/state";
        let mut session = client
            .start(&[state], Start::every_millis(60))
            .await
            .unwrap();
        let mut until = async |expected: sampled::reading::Reading| {
            let mut reading = async || session.next().await.unwrap().reading(state);
            let expected = Some(expected);
            timeout(DEADLINE, async { while reading().await != expected {} })
                .await
                .unwrap();
        };
        until(Ok(Value::Text("up".into()))).await;
        write_interfaces(&proc, &["eth0"]);
        fs::remove_dir_all(&directory).unwrap();
        // `List` makes the service forget the device.
        assert!(!client.list(&[]).await.unwrap().contains_key(state));
        until(Err(Fault::Gone)).await;
        plug("dormant\n");
        until(Ok(Value::Text("dormant".into()))).await;
    });
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// A battery that others replace in its bay. The service keeps its files open, and no read of them fails.
struct Bay {
    sys: PathBuf,
    spare: PathBuf,
}

impl Bay {
    fn new(root: &Path) -> Self {
        let bay = Self {
            sys: root.join("sys"),
            spare: root.join("spare"),
        };
        fs::create_dir_all(bay.class()).unwrap();
        bay
    }

    fn class(&self) -> PathBuf {
        self.sys.join("class/power_supply")
    }

    fn insert(&self, serial: &str, capacity: u32) {
        fs::create_dir_all(&self.spare).unwrap();
        let capacity = format!("{capacity}\n");
        let files = [
            ("type", "Battery\n"),
            ("serial_number", serial),
            ("capacity", &capacity),
        ];
        for (file, text) in files {
            fs::write(self.spare.join(file), text).unwrap();
        }
        let bay = self.class().join("BAT0");
        if bay.exists() {
            let removed = self.sys.join("removed");
            fs::create_dir_all(&removed).unwrap();
            let count = fs::read_dir(&removed).unwrap().count();
            fs::rename(&bay, removed.join(count.to_string())).unwrap();
        }
        fs::rename(&self.spare, bay).unwrap();
    }
}

/// The frames of a session, or the replies to calls, after a battery was replaced: the first has its own values until it
/// is gone, and never those of the second.
async fn check_replaced(bay: &Bay, mut readings: impl AsyncFnMut() -> BTreeMap<String, Value>) {
    let charge = |serial: &str| format!("power/{serial}/chargePercentage");
    let (first, second) = (charge("FIRST"), charge("SECOND"));
    let mut until = async |serial: &str, has_arrived: &dyn Fn(&BTreeMap<String, Value>) -> bool| {
        let waited = timeout(DEADLINE, async {
            loop {
                let readings = readings().await;
                let value = |id: &str| readings.get(id).cloned();
                assert!(value(&first).is_none_or(|value| value == Value::Number(50.0)));
                assert!(value(&second).is_none_or(|value| value == Value::Number(80.0)));
                if has_arrived(&readings) {
                    break;
                }
            }
        });
        waited
            .await
            .unwrap_or_else(|_| panic!("{serial} does not show"));
    };
    until("FIRST", &|all| all.contains_key(&first)).await;
    bay.insert("SECOND", 80);
    let is_second =
        |all: &BTreeMap<String, Value>| all.contains_key(&second) && !all.contains_key(&first);
    until("SECOND", &is_second).await;
}

#[test]
fn a_device_that_replaces_another_has_its_own_id() {
    let bus = Bus::new();
    let bay = Bay::new(bus.dir());
    bay.insert("FIRST", 50);
    let mut daemon = bus.sampled(&["serve", "--procfs", "/proc"]);
    let mut daemon = daemon.arg("--sysfs").arg(&bay.sys).spawn().unwrap();
    bus.block_on(async {
        bus.owned().await;
        let client = bus.client().await;
        // No `List`, and no uevent: the service compares the kernel's lists while it is asked.
        let sample = async || {
            let sample = client.sample(&["power"], SampleOptions::default());
            sample.await.unwrap().readings
        };
        check_replaced(&bay, sample).await;
        bay.insert("FIRST", 50);
        let every = Start::every_millis(60);
        let mut session = client.start(&["power"], every).await.unwrap();
        let frame = async || {
            let frame = session.next().await.unwrap();
            let values = frame
                .readings()
                .filter_map(|(id, reading)| Some((id.to_owned(), reading.ok()?)));
            values.collect()
        };
        check_replaced(&bay, frame).await;
    });
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

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

#[test]
fn sources_have_states_reads_and_costs() {
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let sources = async || client.proxy().sources().await.unwrap();
        let state = |source: &std::collections::HashMap<String, OwnedVariant>| {
            String::try_from(source["state"].try_clone().unwrap()).unwrap()
        };
        let before = sources().await;
        assert!(
            before.values().all(|source| state(source) == "unused"),
            "{before:?}"
        );
        for _ in 0..3 {
            let memory = ["memory/physical/used"];
            client
                .sample(&memory, SampleOptions::default())
                .await
                .unwrap();
        }
        let after = sources().await;
        let memory = &after["memory"];
        assert_eq!(state(memory), "ok");
        assert_eq!(*memory["reads"], Variant::U64(3));
        assert!(
            matches!(*memory["cost"], Variant::U64(cost) if cost > 0),
            "{memory:?}"
        );
        assert!(matches!(*memory["metrics"], Variant::U32(metrics) if metrics > 10));
        assert_eq!(*memory["error"], Variant::from(""));
        // No other source was used.
        assert_eq!(state(&after["cpu"]), "unused");
    });
}

#[test]
fn a_file_is_read_as_soon_as_its_permissions_allow_it() {
    if !Uid::effective().is_root() {
        return skip("it takes permissions from another user, which needs root");
    }
    let home = Home::new();
    let sys = home.dir().join("sys");
    let mut copy = Command::new("cp");
    let copied = copy.args(["-a", &fixture("laptop/sys")]).arg(&sys).status();
    assert!(copied.unwrap().success());
    fs::set_permissions(home.dir(), Permissions::from_mode(0o755)).unwrap();
    let energy = "devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj";
    let allow = |mode| fs::set_permissions(sys.join(energy), Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    let mut watch = home.command("setpriv");
    watch.args("--reuid 65534 --regid 65534 --clear-groups".split(' '));
    // `watch` ends after this many frames even if the metric stays denied.
    watch
        .arg(SAMPLED)
        .args("watch power --json --interval 100ms --count 600".split(' '));
    watch
        .args(["--procfs", &fixture("laptop/proc"), "--sysfs"])
        .arg(&sys);
    let watch = watch.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut watch = watch.spawn().expect("setpriv");
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let id = "power/package-0/energy";
    let mut next = || frame(&lines.next().expect("another frame").unwrap());
    for _ in 0..2 {
        let (_, _, faults) = next();
        assert_eq!(faults.get(id).unwrap(), "denied");
    }
    allow(0o444);
    let regained = std::iter::repeat_with(next).find_map(|(_, mut readings, faults)| {
        // There is no other fault before the reading.
        assert!(readings.contains_key(id) || faults[id] == "denied");
        readings.remove(id)
    });
    assert!(regained.unwrap().is_number());
    watch.kill().unwrap();
    watch.wait().unwrap();
}
