//! Graphics processors that others replace while the service runs.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use sampled::{
    client::{Frame, Session, Start},
    reading::{Reading, Value},
};
use tokio::time::timeout;

use crate::support::{bus::Bus, process::DEADLINE};

/// A slot, in which a graphics processor takes the place of another. The service keeps its files open, and no read of
/// them fails.
struct Slot {
    root: PathBuf,
}

impl Slot {
    fn new(root: &Path) -> Self {
        let sys = root.join("sys");
        fs::create_dir_all(sys.join("class/drm")).unwrap();
        fs::create_dir_all(root.join("removed")).unwrap();
        for node in ["card0", "renderD128"] {
            let target = format!("../../devices/pci0000:00/0000:03:00.0/drm/{node}");
            symlink(target, sys.join("class/drm").join(node)).unwrap();
        }
        Self {
            root: root.to_owned(),
        }
    }

    fn device(&self) -> PathBuf {
        self.root.join("sys/devices/pci0000:00/0000:03:00.0")
    }

    fn insert(&self, model: &str, files: &[(&str, &str)]) {
        let device = self.device();
        let spare = self.root.join("spare");
        for node in ["card0", "renderD128"] {
            fs::create_dir_all(spare.join("drm").join(node)).unwrap();
        }
        symlink("../../../bus/pci/drivers/amdgpu", spare.join("driver")).unwrap();
        let ids = [("vendor", "0x1002\n"), ("device", model)];
        for (file, text) in ids.iter().chain(files) {
            fs::create_dir_all(spare.join(file).parent().unwrap()).unwrap();
            fs::write(spare.join(file), text).unwrap();
        }
        if device.exists() {
            let removed = self.root.join("removed");
            let count = fs::read_dir(&removed).unwrap().count();
            fs::rename(&device, removed.join(count.to_string())).unwrap();
        }
        fs::create_dir_all(device.parent().unwrap()).unwrap();
        fs::rename(spare, device).unwrap();
    }
}

/// Reads frames of a session of `gpu` until one `has_arrived`. Each may have no other values than these.
async fn until(
    session: &mut Session,
    allowed: &[(&str, f64)],
    has_arrived: impl Fn(&Frame) -> bool,
) {
    let waited = timeout(DEADLINE, async {
        loop {
            let frame = session.next().await.unwrap();
            for (id, allowed) in allowed {
                let value = frame.reading(id).and_then(Reading::ok);
                let is_allowed = value.is_none_or(|value| value == Value::Number(*allowed));
                assert!(is_allowed, "{id}: {frame:?}");
            }
            if has_arrived(&frame) {
                break;
            }
        }
    });
    waited.await.expect("a frame with the values");
}

const ACTIVE: (&str, &str) = ("power/runtime_status", "active\n");

#[test]
fn another_model_in_a_slot_has_its_own_number() {
    let bus = Bus::new();
    let slot = Slot::new(bus.dir());
    let load = |load| [ACTIVE, ("gpu_busy_percent", load)];
    slot.insert("0x73bf\n", &load("10\n"));
    let _service = bus.serve("/proc", slot.root.join("sys"));
    bus.block_on(async {
        let client = bus.client().await;
        let every = Start::every_millis(60);
        let mut session = client.start(&["gpu"], every).await.unwrap();
        let (first, second) = ("gpu/gpu0/usage", "gpu/gpu1/usage");
        let allowed = [(first, 10.0), (second, 80.0)];
        let has = |frame: &Frame, id| matches!(frame.reading(id), Some(Ok(_)));
        until(&mut session, &allowed, |frame| has(frame, first)).await;
        slot.insert("0x744c\n", &load("80\n"));
        let is_other = |frame: &Frame| has(frame, second) && !has(frame, first);
        until(&mut session, &allowed, is_other).await;
        slot.insert("0x73bf\n", &load("10\n"));
        let is_back = |frame: &Frame| has(frame, first) && !has(frame, second);
        until(&mut session, &allowed, is_back).await;
    });
}

#[test]
fn the_counter_of_another_gpu_is_no_baseline() {
    let bus = Bus::new();
    let slot = Slot::new(bus.dir());
    let energy = |energy, load| {
        [
            ACTIVE,
            ("gpu_busy_percent", load),
            ("hwmon/hwmon2/energy1_input", energy),
        ]
    };
    slot.insert("0x73bf\n", &energy("5000000\n", "10\n"));
    let _service = bus.serve("/proc", slot.root.join("sys"));
    bus.block_on(async {
        let client = bus.client().await;
        let every = Start::every_millis(60);
        let mut session = client.start(&["gpu"], every).await.unwrap();
        let (power, usage) = ("gpu/gpu0/power", "gpu/gpu0/usage");
        let is = |frame: &Frame, load| frame.reading(usage) == Some(Ok(Value::Number(load)));
        // No counter moves, so that any power would be that between two GPUs.
        until(&mut session, &[(power, f64::NAN)], |frame| is(frame, 10.0)).await;
        slot.insert("0x73bf\n", &energy("900000000\n", "20\n"));
        until(&mut session, &[(power, f64::NAN)], |frame| is(frame, 20.0)).await;
        for _ in 0..3 {
            until(&mut session, &[(power, f64::NAN)], |_| true).await;
        }
    });
}
