//! Batteries and adapters that are exchanged while a session reads them. No uevent tells of it: the trees are not the
//! kernel's.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use sampled::{
    client::{Client, Frame, Session, Start},
    reading::{Fault, Value},
};
use tokio::time::timeout;

use crate::support::{
    bus::{self, Bus},
    process::DEADLINE,
};

/// The directories of the supplies of a machine.
struct Supplies {
    sys: PathBuf,
}

impl Supplies {
    fn new(root: &Path) -> Self {
        let sys = root.join("sys");
        fs::create_dir_all(sys.join("class/power_supply")).unwrap();
        fs::create_dir_all(sys.join("devices")).unwrap();
        Self { sys }
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.sys.join("devices").join(name)
    }

    /// Writes an attribute. The file stays the same one.
    fn write(&self, name: &str, file: &str, text: &str) {
        fs::write(self.directory(name).join(file), format!("{text}\n")).unwrap();
    }

    /// Registers a supply. The directory of the one that had this name goes elsewhere, with its files.
    fn register(&self, name: &str, files: &[(&str, &str)]) {
        let new = self.sys.join("new");
        fs::create_dir(&new).unwrap();
        for (file, text) in files {
            fs::write(new.join(file), format!("{text}\n")).unwrap();
        }
        let directory = self.directory(name);
        if directory.exists() {
            self.unregister(name);
        }
        fs::rename(new, directory).unwrap();
        let link = self.sys.join("class/power_supply").join(name);
        if !link.is_symlink() {
            symlink(format!("../../devices/{name}"), link).unwrap();
        }
    }

    /// Moves the directory of a supply away. The link in the class stays.
    fn unregister(&self, name: &str) {
        let removed = self.sys.join("removed");
        fs::create_dir_all(&removed).unwrap();
        let number = fs::read_dir(&removed).unwrap().count();
        fs::rename(self.directory(name), removed.join(number.to_string())).unwrap();
    }

    fn battery(&self, name: &str, serial: &str, capacity: &str) {
        let files = [
            ("type", "Battery"),
            ("present", "1"),
            ("serial_number", serial),
            ("capacity", capacity),
        ];
        self.register(name, &files);
    }
}

/// A service that reads the supplies.
struct Service<'a> {
    bus: &'a Bus,
    supplies: Supplies,
    _service: bus::Service,
}

impl<'a> Service<'a> {
    fn new(bus: &'a Bus, register: impl FnOnce(&Supplies)) -> Self {
        let supplies = Supplies::new(bus.dir());
        register(&supplies);
        let service = bus.serve("/proc", &supplies.sys);
        Self {
            bus,
            supplies,
            _service: service,
        }
    }

    /// Calls `check` with a session of all supplies.
    fn with_session(&self, check: impl AsyncFnOnce(&mut Session)) {
        self.bus.block_on(async {
            let client: Client = self.bus.client().await;
            let every = Start::every_millis(60);
            let mut session = client.start(&["power"], every).await.unwrap();
            check(&mut session).await;
        });
    }
}

/// The charge percentage of a battery; none without a value.
fn charge(frame: &Frame, serial: &str) -> Option<f64> {
    number(frame, &format!("power/{serial}/chargePercentage"))
}

fn number(frame: &Frame, id: &str) -> Option<f64> {
    match frame.reading(id)? {
        Ok(Value::Number(number)) => Some(number),
        _ => None,
    }
}

/// Reads frames until one is as expected. `always` holds for every frame before it, too.
async fn until(session: &mut Session, always: impl Fn(&Frame), expected: impl Fn(&Frame) -> bool) {
    let waited = timeout(DEADLINE, async {
        loop {
            let frame = session.next().await.unwrap();
            always(&frame);
            if expected(&frame) {
                break;
            }
        }
    });
    waited.await.expect("a frame as expected");
}

/// In every frame, the first battery has 50 % or no value, and the second 80 %.
fn own_values(frame: &Frame) {
    assert!(charge(frame, "FIRST").is_none_or(|charge| charge == 50.0));
    assert!(charge(frame, "SECOND").is_none_or(|charge| charge == 80.0));
}

fn is_second_alone(frame: &Frame) -> bool {
    charge(frame, "SECOND").is_some() && frame.reading("power/FIRST/chargePercentage").is_none()
}

#[test]
fn a_battery_that_is_registered_in_the_place_of_another() {
    let bus = Bus::new();
    let service = Service::new(&bus, |supplies| supplies.battery("BAT0", "FIRST", "50"));
    service.with_session(async |session| {
        until(session, own_values, |frame| {
            charge(frame, "FIRST").is_some()
        })
        .await;
        service.supplies.battery("BAT0", "SECOND", "80");
        until(session, own_values, is_second_alone).await;
    });
}

#[test]
fn a_battery_in_a_bay_that_stays_registered() {
    let bus = Bus::new();
    let service = Service::new(&bus, |supplies| supplies.battery("BAT0", "FIRST", "50"));
    service.with_session(async |session| {
        until(session, own_values, |frame| {
            charge(frame, "FIRST").is_some()
        })
        .await;
        service.supplies.write("BAT0", "serial_number", "SECOND");
        service.supplies.write("BAT0", "capacity", "80");
        until(
            session,
            |frame| assert!(charge(frame, "FIRST").is_none_or(|charge| charge == 50.0)),
            is_second_alone,
        )
        .await;
        service.supplies.write("BAT0", "present", "0");
        let is_gone = |frame: &Frame| {
            let charge = frame.reading("power/SECOND/chargePercentage");
            charge == Some(Err(Fault::Gone))
        };
        until(session, |_| {}, is_gone).await;
        service.supplies.write("BAT0", "serial_number", "THIRD");
        service.supplies.write("BAT0", "capacity", "30");
        service.supplies.write("BAT0", "present", "1");
        let never_second = |frame: &Frame| assert_eq!(charge(frame, "SECOND"), None);
        until(session, never_second, |frame| {
            charge(frame, "THIRD") == Some(30.0)
        })
        .await;
    });
}

#[test]
fn two_batteries_of_one_serial_number() {
    let bus = Bus::new();
    let service = Service::new(&bus, |supplies| {
        supplies.battery("BAT0", "SAME", "10");
        supplies.battery("BAT1", "SAME", "20");
    });
    service.with_session(async |session| {
        let both = |frame: &Frame| {
            charge(frame, "SAME") == Some(10.0) && charge(frame, "SAME%232") == Some(20.0)
        };
        until(session, |_| {}, both).await;
        service.supplies.unregister("BAT0");
        let one = |frame: &Frame| {
            let second = frame.reading("power/SAME%232/chargePercentage");
            charge(frame, "SAME") == Some(20.0) && second.is_none()
        };
        until(
            session,
            |frame| assert_ne!(charge(frame, "SAME%232"), Some(10.0)),
            one,
        )
        .await;
        service.supplies.battery("BAT0", "SAME", "10");
        until(session, |_| {}, both).await;
    });
}

#[test]
fn an_adapter_that_comes_back_with_more_files() {
    let bus = Bus::new();
    let service = Service::new(&bus, |supplies| {
        supplies.register("AC", &[("type", "Mains"), ("online", "0")]);
    });
    service.with_session(async |session| {
        until(
            session,
            |_| {},
            |frame| number(frame, "power/AC/online") == Some(0.0),
        )
        .await;
        let files = [
            ("type", "Mains"),
            ("online", "1"),
            ("voltage_now", "9000000"),
        ];
        service.supplies.register("AC", &files);
        let is_back = |frame: &Frame| {
            number(frame, "power/AC/online") == Some(1.0)
                && number(frame, "power/AC/voltage") == Some(9.0)
        };
        until(session, |_| {}, is_back).await;
        service.supplies.unregister("AC");
        let is_gone = |frame: &Frame| {
            let online = frame.reading("power/AC/online");
            online.is_none_or(|online| online == Err(Fault::Gone))
        };
        until(session, |_| {}, is_gone).await;
    });
}
