//! A device that takes the place of another.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sampled::{
    client::{SampleOptions, Start},
    reading::Value,
};
use tokio::time::timeout;

use crate::support::{bus::Bus, process::DEADLINE};

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
    let _service = bus.serve("/proc", &bay.sys);
    bus.block_on(async {
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
}
