//! The id of a device follows the device.

use std::{fs, path::Path};

use sampled::{
    client::{Frame, Session, Start},
    reading::{Fault, Reading, Value},
};
use tokio::time::timeout;

use super::{
    block_device::{Image, LoopDevice, write},
    id_of,
};
use crate::support::{
    bus::Bus,
    home::Home,
    process::{DEADLINE, skip},
};

/// The frames up to the first whose reading of this metric is as expected. `check` sees each reading before.
async fn until(
    session: &mut Session,
    id: &str,
    is_expected: impl Fn(Option<&Reading>) -> bool,
    mut check: impl FnMut(&Frame),
) {
    let waited = timeout(DEADLINE, async {
        loop {
            let frame = session.next().await.unwrap();
            check(&frame);
            if is_expected(frame.reading(id).as_ref()) {
                break;
            }
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("{id} does not change"));
}

fn is_number(reading: Option<&Reading>) -> bool {
    matches!(reading, Some(Ok(Value::Number(_))))
}

fn is_positive(reading: Option<&Reading>) -> bool {
    matches!(reading, Some(Ok(Value::Number(rate))) if *rate > 0.0)
}

fn is_gone(reading: Option<&Reading>) -> bool {
    matches!(reading, None | Some(Err(Fault::Gone)))
}

#[test]
fn a_loop_device_with_another_file_is_another_disk() {
    const ATTEMPTS: usize = 20;
    let images = [Image::new(), Image::new()];
    for _ in 0..ATTEMPTS {
        let Some(device) = LoopDevice::of(&images[0]) else {
            return skip(LoopDevice::NEEDS);
        };
        if replace_and_check(&device, &images).is_some() {
            return;
        }
    }
    panic!("other programs take each loop device as soon as it is free");
}

/// Replaces the first file of a loop device by the second, and the second by the first; `None` if another program has
/// taken the device in between.
fn replace_and_check(device: &LoopDevice, [first, second]: &[Image; 2]) -> Option<()> {
    let home = Home::new();
    let id = || id_of(&home, &device.name).unwrap() + "/write";
    let bus = Bus::activating("");
    bus.block_on(async {
        let client = bus.client().await;
        let every = Start::every_millis(60);
        let first_id = id();
        let mut session = client.start(&["disk/*/write"], every).await.unwrap();
        until(&mut session, &first_id, is_number, |_| {}).await;
        device.replace(second)?;
        let second_id = id();
        assert_ne!(first_id, second_id);
        until(&mut session, &second_id, is_number, |_| {}).await;
        until(&mut session, &first_id, is_gone, |_| {}).await;
        // The counters of the device go on with the next file, and are those of another disk.
        write(&device.node(), 16);
        let is_first_gone = |frame: &Frame| assert!(is_gone(frame.reading(&first_id).as_ref()));
        until(&mut session, &second_id, is_positive, is_first_gone).await;
        device.replace(first)?;
        // Nothing was written to the first file.
        let is_zero = |frame: &Frame| {
            let reading = frame.reading(&first_id);
            let none = matches!(reading, None | Some(Err(Fault::Gone | Fault::First)));
            assert!(
                none || reading == Some(Ok(Value::Number(0.0))),
                "{reading:?}"
            );
        };
        until(&mut session, &first_id, is_number, is_zero).await;
        Some(())
    })
}

/// A tree with one drive, which has this serial number and has read so many sectors.
fn write_drive(root: &Path, serial: &str, sectors: u64) {
    let drive = root.join("sys/block/sda/device");
    fs::create_dir_all(&drive).unwrap();
    fs::write(drive.join("serial"), serial).unwrap();
    fs::create_dir_all(root.join("proc")).unwrap();
    let line = format!("8 0 sda 10 0 {sectors} 30 40 0 60 70 0 90 100\n");
    fs::write(root.join("proc/diskstats"), line).unwrap();
}

#[test]
fn a_machine_that_is_swapped_shows_the_other_drive() {
    let bus = Bus::new();
    let root = bus.dir().join("machine");
    write_drive(&root, "FIRST", 1000);
    let next = bus.dir().join("next");
    write_drive(&next, "SECOND", 5000);
    let _service = bus.serve(root.join("proc"), root.join("sys"));
    bus.block_on(async {
        let client = bus.client().await;
        let every = Start::every_millis(60);
        let [first, second] = ["FIRST", "SECOND"].map(|serial| format!("disk/{serial}/read"));
        let mut session = client.start(&["disk"], every).await.unwrap();
        until(&mut session, &first, is_number, |_| {}).await;
        fs::rename(&root, bus.dir().join("old")).unwrap();
        fs::rename(&next, &root).unwrap();
        let is_idle = |frame: &Frame| {
            for id in [&first, &second] {
                if let Some(Ok(value)) = frame.reading(id) {
                    assert_eq!(value, Value::Number(0.0), "{id}");
                }
            }
        };
        until(&mut session, &second, is_number, is_idle).await;
        until(&mut session, &first, is_gone, is_idle).await;
        // The service reads the files of the other drive.
        write_drive(&root, "SECOND", 6000);
        until(&mut session, &second, is_positive, |_| {}).await;
    });
}
