//! Sensors that are registered again in another order under a running service.

use std::{fs, path::Path};

use sampled::{
    client::Start,
    reading::{Fault, Reading, Value},
};
use tokio::time::timeout;

use crate::support::{bus::Bus, process::DEADLINE};

/// Writes a class of thermal zones: the type and the temperature of each, in degrees, in the order of their numbers.
fn write_zones(class: &Path, zones: &[(&str, u32)]) {
    for (number, (kind, degrees)) in zones.iter().enumerate() {
        let zone = class.join(format!("thermal_zone{number}"));
        fs::create_dir_all(&zone).unwrap();
        fs::write(zone.join("type"), format!("{kind}\n")).unwrap();
        fs::write(zone.join("temp"), format!("{degrees}000\n")).unwrap();
        fs::write(zone.join("mode"), "enabled\n").unwrap();
    }
}

#[test]
fn zones_in_another_order_keep_their_ids() {
    let bus = Bus::new();
    let (proc, sys) = (bus.dir().join("proc"), bus.dir().join("sys"));
    fs::create_dir_all(&proc).unwrap();
    let class = sys.join("class/thermal");
    write_zones(&class, &[("SEN1", 41), ("TSKN", 52), ("cpu-thermal", 60)]);
    let _service = bus.serve(&proc, &sys);
    bus.block_on(async {
        let client = bus.client().await;
        let ids = [
            "lmsensors/SEN1-virtual-0/temp1",
            "lmsensors/TSKN-virtual-0/temp1",
            "cpu/all/maximumTemperature",
        ];
        let mut session = client.start(&ids, Start::every_millis(60)).await.unwrap();
        let degrees = |degrees: f64| -> Option<Reading> { Some(Ok(Value::Number(degrees))) };
        // Until the second values are there, the readings are the first ones, or no values.
        let mut until = async |first: [f64; 3], expected: [f64; 3]| {
            let wait = async {
                loop {
                    let frame = session.next().await.unwrap();
                    let readings = ids.map(|id| frame.reading(id));
                    if readings == expected.map(degrees) {
                        return;
                    }
                    for ((reading, first), second) in readings.iter().zip(first).zip(expected) {
                        let is_value = matches!(reading, Some(Ok(_)));
                        let is_own = [degrees(first), degrees(second)].contains(reading);
                        assert!(is_own || !is_value, "{readings:?}");
                        assert_ne!(*reading, Some(Err(Fault::Malformed)));
                    }
                }
            };
            timeout(DEADLINE, wait).await.unwrap();
        };
        until([41.0, 52.0, 60.0], [41.0, 52.0, 60.0]).await;
        // After a suspend the drivers make their zones in another order.
        let made = sys.join("made");
        write_zones(&made, &[("cpu-thermal", 61), ("TSKN", 53), ("SEN1", 42)]);
        fs::rename(&class, sys.join("gone")).unwrap();
        fs::rename(&made, &class).unwrap();
        // There is no uevent for a tree that is not the kernel's: `List` makes the service probe.
        let listed = client.list(&[]).await.unwrap();
        assert_eq!(listed.keys().filter(|id| id.contains("virtual")).count(), 3);
        until([41.0, 52.0, 60.0], [42.0, 53.0, 61.0]).await;
    });
}
