//! Which battery an id means while batteries are exchanged.

use super::*;

/// The charge percentage of each battery.
fn charges(roots: &Roots) -> BTreeMap<String, String> {
    let shown = shown(roots).into_iter();
    let charge = |(id, text): (String, String)| {
        let object = id
            .strip_prefix("power/")?
            .strip_suffix("/chargePercentage")?;
        Some((object.to_owned(), text))
    };
    shown.filter_map(charge).collect()
}

#[test]
fn two_batteries_of_one_serial_number_are_distinguished() {
    let tree = Tree::new();
    for name in ["BAT0", "BAT1", "BAT2"] {
        let serial = if name == "BAT2" { "0000" } else { "A 7" };
        battery(&tree, name, &[("serial_number", serial), ("capacity", "9")]);
    }
    let shown = shown(&tree.roots());
    for object in ["A%207", "A%207%232", "battery_BAT2"] {
        assert_eq!(shown[&format!("power/{object}/chargePercentage")], "9.000");
    }
}

#[test]
fn a_battery_that_is_taken_out_and_put_in_again() {
    let tree = Tree::new();
    let directory = battery(&tree, "BAT0", &[("capacity", "9")]);
    let mut family = families(&tree.roots()).remove(0);
    let mut members = family.members().unwrap();
    let member = members.remove(0);
    let presence = member.presence.clone();
    let mut battery_0 = source(member);
    let metrics = discover(battery_0.as_mut()).unwrap();
    assert!(read(battery_0.as_mut()).contains(&Raw::Number(9.0)));
    assert!(family.members().unwrap().is_empty() && !presence.is_gone());
    let sys = tree.roots().sys;
    fs::remove_dir_all(sys.join(&directory)).unwrap();
    fs::remove_file(sys.join("class/power_supply/BAT0")).unwrap();
    assert!(family.members().unwrap().is_empty());
    assert!(presence.is_gone());
    assert!(discover(battery_0.as_mut()).unwrap().is_empty());
    battery(&tree, "BAT0", &[("capacity", "10"), ("temp", "200")]);
    let mut again = source(family.members().unwrap().remove(0));
    assert_eq!(discover(again.as_mut()).unwrap().len(), metrics.len() + 1);
    let columns = read(again.as_mut());
    assert!(
        [10.0, 20.0]
            .map(Raw::Number)
            .iter()
            .all(|each| columns.contains(each))
    );
}

/// The driver of wireless mice increments the number at each connection: hidpp_battery_0, hidpp_battery_1.
#[test]
fn devices_that_come_and_go_leave_nothing_behind() {
    let tree = Tree::new();
    let mut family = families(&tree.roots()).remove(0);
    let mut presences: Vec<Presence> = Vec::new();
    for number in 0..10 {
        let name = format!("hidpp_battery_{number}");
        let directory = battery(&tree, &name, &[("capacity", "9")]);
        let mut members = family.members().unwrap();
        assert_eq!(members.len(), 1);
        assert!(presences.iter().all(Presence::is_gone));
        presences.push(members.remove(0).presence);
        let sys = tree.roots().sys;
        fs::remove_dir_all(sys.join(&directory)).unwrap();
        fs::remove_file(sys.join(format!("class/power_supply/{name}"))).unwrap();
    }
}

#[test]
fn of_one_serial_number_the_lower_slot_has_the_plain_id() {
    let tree = Tree::new();
    let battery = |name: &str, capacity| {
        battery(
            &tree,
            name,
            &[("serial_number", "SAME"), ("capacity", capacity)],
        )
    };
    let third = battery("BAT10", "10");
    let first = battery("BAT1", "1");
    battery("BAT2", "2");
    let check = |expected: &[(&str, &str)]| {
        let expected = expected
            .iter()
            .map(|(id, text)| (id.to_string(), text.to_string()));
        assert_eq!(charges(&tree.roots()), expected.collect());
    };
    check(&[
        ("SAME", "1.000"),
        ("SAME%232", "2.000"),
        ("SAME%233", "10.000"),
    ]);
    let unplug = |directory: &str| {
        let sys = tree.roots().sys;
        fs::remove_dir_all(sys.join(directory)).unwrap();
        let (_, name) = directory.rsplit_once('/').unwrap();
        fs::remove_file(sys.join("class/power_supply").join(name)).unwrap();
    };
    unplug(&first);
    check(&[("SAME", "2.000"), ("SAME%232", "10.000")]);
    unplug(&third);
    check(&[("SAME", "2.000")]);
}

/// A battery whose files are open, and its family.
struct Open {
    tree: Tree,
    directory: String,
    family: Provider,
    battery: Box<dyn crate::source::Source>,
    presence: Presence,
}

impl Open {
    fn new(attributes: &[(&str, &str)]) -> Self {
        let tree = Tree::new();
        let directory = battery(&tree, "BAT0", attributes);
        let mut family = families(&tree.roots()).remove(0);
        let member = family.members().unwrap().remove(0);
        let presence = member.presence.clone();
        let mut battery = source(member);
        assert!(!discover(battery.as_mut()).unwrap().is_empty());
        assert!(read(battery.as_mut()).contains(&Raw::Number(50.0)));
        assert!(!family.changed());
        Self {
            tree,
            directory,
            family,
            battery,
            presence,
        }
    }

    /// Checks that the battery is noticed to have gone, and that another with this id and charge is found.
    #[track_caller]
    fn check_replaced(&mut self, id: &str, charge: f64) {
        let columns = read(self.battery.as_mut());
        let is_gone = |column: &Raw| *column == Raw::Fault(Fault::Gone);
        assert!(columns.iter().all(is_gone), "{columns:?}");
        assert!(self.family.changed());
        assert!(discover(self.battery.as_mut()).unwrap().is_empty());
        let mut next = source(self.family.members().unwrap().remove(0));
        assert!(self.presence.is_gone());
        let metrics = discover(next.as_mut()).unwrap();
        let columns = read(next.as_mut());
        let id = format!("power/{id}/chargePercentage");
        assert_eq!(crate::source::tests::level(&metrics, &columns, &id), charge);
        assert!(!self.family.changed());
    }
}

const FIRST: [(&str, &str); 2] = [("serial_number", "FIRST"), ("capacity", "50")];

#[test]
fn a_battery_that_is_registered_in_the_place_of_another() {
    let mut open = Open::new(&FIRST);
    let sys = open.tree.roots().sys;
    fs::rename(sys.join(&open.directory), sys.join("removed")).unwrap();
    for (file, text) in [
        ("type", "Battery"),
        ("serial_number", "SECOND"),
        ("capacity", "80"),
    ] {
        open.tree.write(&format!("{}/{file}", open.directory), text);
    }
    open.check_replaced("SECOND", 80.0);
}

#[test]
fn a_battery_that_comes_back_is_read_from_its_new_files() {
    let mut open = Open::new(&FIRST);
    let sys = open.tree.roots().sys;
    fs::rename(sys.join(&open.directory), sys.join("removed")).unwrap();
    for (file, text) in [
        ("type", "Battery"),
        ("serial_number", "FIRST"),
        ("capacity", "51"),
    ] {
        open.tree.write(&format!("{}/{file}", open.directory), text);
    }
    open.check_replaced("FIRST", 51.0);
}

/// The bay of sbs-battery is one device, whichever battery is in it.
#[test]
fn a_battery_in_a_bay_that_stays_registered() {
    let mut open = Open::new(&FIRST);
    open.tree
        .write(&format!("{}/serial_number", open.directory), "SECOND\n");
    open.tree
        .write(&format!("{}/capacity", open.directory), "80\n");
    open.check_replaced("SECOND", 80.0);
    let mut without = Open::new(&[("serial_number", "0000"), ("capacity", "50")]);
    without
        .tree
        .write(&format!("{}/serial_number", without.directory), "SECOND\n");
    without.check_replaced("SECOND", 50.0);
}

#[test]
fn a_serial_number_that_cannot_be_read_now_changes_nothing() {
    let mut open = Open::new(&FIRST);
    let path = open
        .tree
        .roots()
        .sys
        .join(&open.directory)
        .join("serial_number");
    fs::remove_file(&path).unwrap();
    symlink("/proc/self/mem", &path).unwrap();
    assert!(read(open.battery.as_mut()).contains(&Raw::Number(50.0)));
    assert!(!open.family.changed());
}

#[test]
fn a_serial_number_that_ends_with_a_zero_byte() {
    let open = Open::new(&[("serial_number", " 12\0"), ("capacity", "50")]);
    assert_eq!(charges(&open.tree.roots())["12"], "50.000");
}

/// An id is of one supply, also where a battery has the name of an adapter as its serial number.
#[test]
fn a_serial_number_that_is_a_name() {
    let tree = Tree::new();
    supply(&tree, "AC", "Mains", &[("online", "1")]);
    battery(
        &tree,
        "BAT0",
        &[("serial_number", "AC"), ("capacity", "50")],
    );
    let shown = shown(&tree.roots());
    assert_eq!(shown["power/AC/online"], "1.000");
    assert_eq!(shown["power/AC%232/chargePercentage"], "50.000");
}
