use super::*;
use crate::source::tests::{Tree, fixture, roots};

/// Two drives of one serial number, each in a slot, with a partition.
fn write_equal_drives(tree: &Tree, slots: [(&str, &str); 2]) {
    for (kernel, slot) in slots {
        let real = format!("devices/pci0000:00/0000:00:17.0/{slot}/block/{kernel}");
        tree.write(&format!("{real}/size"), "1000\n");
        tree.write(&format!("{real}/device/wwid"), "t10.SAME\n");
        tree.write(&format!("{real}/{kernel}1/partition"), "1\n");
        tree.link(&format!("block/{kernel}"), &real);
    }
}

#[track_caller]
fn check_ids(tree: &Tree, text: &str, expected: &[&str]) {
    let (devices, _) = of_diskstats(&tree.roots(), text.as_bytes());
    let ids: Vec<_> = devices.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn devices_of_one_id_are_numbered_by_slot() {
    const BOTH: &str = "8 0 sda 0\n8 1 sda1 0\n8 16 sdb 0\n8 17 sdb1 0\n";
    let tree = Tree::new();
    write_equal_drives(&tree, [("sda", "ata9"), ("sdb", "ata10")]);
    let expected = [
        "t10.SAME",
        "t10.SAME#2",
        "t10.SAME-part1",
        "t10.SAME#2-part1",
    ];
    check_ids(&tree, BOTH, &expected);
    // One of them has gone.
    let only = ["t10.SAME", "t10.SAME-part1"];
    check_ids(&tree, "8 0 sda 0\n8 1 sda1 0\n", &only);
    check_ids(&tree, "8 16 sdb 0\n8 17 sdb1 0\n", &only);
    // Found in the other order.
    let tree = Tree::new();
    write_equal_drives(&tree, [("sda", "ata10"), ("sdb", "ata9")]);
    let expected = [
        "t10.SAME#2",
        "t10.SAME",
        "t10.SAME#2-part1",
        "t10.SAME-part1",
    ];
    check_ids(&tree, BOTH, &expected);
}

#[test]
fn a_partition_alone_has_the_id_of_its_drive() {
    let tree = Tree::new();
    write_equal_drives(&tree, [("sda", "ata1"), ("sdb", "ata2")]);
    check_ids(&tree, "8 1 sda1 0\n8\nx y z\n", &["t10.SAME-part1"]);
    check_ids(&tree, "259 0 xvda1 0\n", &["xvda1"]);
    // The card has gone, and the reader is there.
    let reader = "devices/pci0000:00/0000:00:17.0/ata1/block/sda/size";
    tree.write(reader, "0\n");
    check_ids(&tree, "8 0 sda 0\n8 1 sda1 0\n", &[]);
}

#[test]
fn the_accounting_may_be_off() {
    let tree = Tree::new();
    for (kernel, iostats) in [("sda", "1\n"), ("sdb", "0\n"), ("nvme0n1", "1\n")] {
        tree.write(&format!("block/{kernel}/queue/iostats"), iostats);
        tree.write(&format!("block/{kernel}/{kernel}1/partition"), "1\n");
    }
    tree.write("block/nvme0n1/nvme0n1p1/partition", "1\n");
    tree.write("block/nvme0c0n1/hidden", "1\n");
    let text =
        "8 0 sda\n8 1 sda1\n8 16 sdb\n8 17 sdb1\n259 0 nvme0n1\n259 1 nvme0n1p1\n0 0 nvme0c0n1\n";
    let (devices, paths) = of_diskstats(&tree.roots(), text.as_bytes());
    let off = devices.iter().filter(|device| !device.is_accounted);
    let off: Vec<_> = off.map(|device| &*device.kernel_name).collect();
    assert_eq!(off, ["sdb", "sdb1", "nvme0n1p1"]);
    let paths = paths.iter().map(|path| (&*path.kernel_name, &*path.drive));
    assert_eq!(paths.collect::<Vec<_>>(), [("nvme0c0n1", "nvme0n1")]);
}

#[test]
fn devices_are_present_without_diskstats() {
    let tree = Tree::new();
    tree.write("block/sda/sda1/partition", "1\n");
    tree.write("block/loop0/size", "0\n");
    let devices = devices(&tree.roots(), b"");
    let names = devices.iter().map(|device| &*device.kernel_name);
    assert_eq!(names.collect::<Vec<_>>(), ["sda", "sda1"]);
}

#[test]
fn names_are_those_of_the_maker_and_the_administrator() {
    let tree = Tree::new();
    tree.write("block/sda/device/model", "Model  X\n");
    tree.write("block/sda/sda1/partition", "1\n");
    tree.write("block/dm-0/dm/name", "vg-home\n");
    let text = b"8 0 sda\n8 1 sda1\n253 0 dm-0\n9 0 md0\n";
    let devices = devices(&tree.roots(), text);
    let names = devices.iter().map(|device| {
        let title = device.object().title.to_string();
        (device.name().to_owned(), title)
    });
    let expected = [
        ("Model X", "Model X"),
        ("vg-home", "vg-home"),
        ("md0", "md0"),
        ("sda1", "Model X, partition 1"),
    ];
    let expected = expected.map(|(name, title)| (name.to_owned(), title.to_owned()));
    assert_eq!(names.collect::<Vec<_>>(), expected);
}

#[test]
fn fixtures() {
    let text = fixture!("server/proc/diskstats");
    let (devices, _) = of_diskstats(&roots("server"), text.as_bytes());
    let mut ids: Vec<_> = devices.iter().map(|device| &device.id).collect();
    ids.sort();
    ids.dedup();
    // 63 lines, of which 6 loop devices have no file and the optical drive has no disc.
    assert_eq!(
        (text.lines().count(), ids.len(), devices.len()),
        (63, 56, 56)
    );
    let counted = devices.iter().filter(|device| device.is_counted);
    assert_eq!(counted.count(), 38);
}
