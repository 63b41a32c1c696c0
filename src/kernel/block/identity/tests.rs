use super::*;
use crate::source::tests::Tree;

#[track_caller]
fn check_path_id(path: &str, expected: &str) {
    assert_eq!(format_path_id(Path::new(path)), expected);
}

#[test]
fn path_ids() {
    check_path_id(
        "pci0000:00/0000:00:1d.4/0000:3d:00.0/nvme/nvme0/nvme0n1",
        "pci-0000:3d:00.0",
    );
    check_path_id(
        "pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/block/sda",
        "pci-0000:00:17.0-ata2-scsi-0:0:0",
    );
    check_path_id(
        "pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host4/target4:0:0/4:0:0:1/block/sdb",
        "pci-0000:00:14.0-2-3:1.0-scsi-0:0:1",
    );
    check_path_id(
        "platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0",
        "platform-fe340000.mmc",
    );
    check_path_id("virtual/block/loop0", "");
}

#[track_caller]
fn check(files: &[(&str, &str)], kernel: &str, expected: &str) {
    let tree = Tree::new();
    for (path, text) in files {
        tree.write(&format!("block/{kernel}/{path}"), text);
    }
    assert_eq!(device_id(&tree.roots(), kernel), expected);
}

#[test]
fn names() {
    check(&[("dm/name", "vg0-home\n")], "dm-3", "dm-name-vg0-home");
    check(&[("md/level", "raid1\n")], "md127", "md-name-md127");
    check(&[("md/uuid", "a-b\n")], "md127", "md-uuid-a-b");
    for file in ["/x.img\n", "/x.img (deleted)\n"] {
        check(&[("loop/backing_file", file)], "loop3", "loop-/x.img");
    }
    check(
        &[("device/wwid", "t10.ATA     Samsung SSD 860     S3Z8NB0K\n")],
        "sda",
        "t10.ATA_Samsung_SSD_860_S3Z8NB0K",
    );
    check(
        &[
            ("wwid", "eui.0000000000000000\n"),
            ("device/serial", "S64D\n"),
            ("nsid", "1\n"),
        ],
        "nvme0n1",
        "S64D-ns1",
    );
    check(&[("serial", "1716")], "vda", "1716");
    check(&[("device/serial", "0x00000000\n")], "mmcblk0", "mmcblk0");
    check(
        &[("device/serial", "0x1234abcd\n")],
        "mmcblk0",
        "0x1234abcd",
    );
    check(
        &[("device/device/serial", "0x1234abcd\n")],
        "mmcblk0boot1",
        "0x1234abcd-boot1",
    );
    check(&[], "zram0", "zram0");
    check(&[], "mmcblk0boot0", "mmcblk0boot0");
}

#[test]
fn slots_are_in_the_order_of_their_numbers() {
    for ordered in [
        [
            "pci0000:00/0000:00:9f.0/ata2/sdb",
            "pci0000:00/0000:00:9f.0/ata10/sda",
            "pci0000:00/0000:00:a0.0/ata1/sda",
        ],
        ["block/sda", "block/sdz", "block/sdaa"],
    ] {
        assert!(ordered.is_sorted_by_key(|path| slot(path)), "{ordered:?}");
    }
}

#[test]
fn an_area_of_a_card_without_a_number_has_its_path() {
    let tree = Tree::new();
    let card = "devices/platform/fe340000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0";
    tree.write(&format!("{card}/size"), "1\n");
    tree.write(&format!("{card}/mmcblk0boot0/size"), "1\n");
    tree.link("block/mmcblk0", card);
    tree.link("block/mmcblk0boot0", &format!("{card}/mmcblk0boot0"));
    let id = |kernel| device_id(&tree.roots(), kernel);
    assert_eq!(id("mmcblk0"), "platform-fe340000.mmc");
    assert_eq!(id("mmcblk0boot0"), "platform-fe340000.mmc-boot0");
}

#[test]
fn a_device_that_is_made_anew_is_another_one() {
    let tree = Tree::new();
    let roots = tree.roots();
    tree.write("block/dm-0/dm/name", "vg-home\n");
    tree.write("block/sda/device/serial", "A\n");
    tree.write("block/sda/sda1/partition", "1\n");
    let id = "dm-name-vg-home".to_owned();
    let volume = Identity::new(&roots, id.clone(), "dm-0", None);
    let part = |id: &str| Identity::new(&roots, id.into(), "sda1", Some("sda"));
    let partition = part("A-part1");
    assert!(volume.is_of(&roots, "dm-0") && !volume.is_of(&roots, "dm-1"));
    assert!(partition.is_of(&roots, "sda1") && !partition.is_of(&roots, "sda"));
    assert!(part("A#2-part1").is_of(&roots, "sda1"));
    assert!(!part("A-part2").is_of(&roots, "sda1") && !part("A").is_of(&roots, "sda1"));
    // Another medium in the drive.
    tree.write("block/sda/diskseq", "7\n");
    assert!(!partition.is_of(&roots, "sda1"));
    assert_ne!(partition, part("A-part1"));
    // The volume was removed, and made again under its name.
    let block = tree.roots().sys.join("block");
    std::fs::rename(block.join("dm-0"), block.join("old")).unwrap();
    tree.write("block/dm-0/dm/name", "vg-home\n");
    assert!(!volume.is_of(&roots, "dm-0"));
    assert_ne!(volume, Identity::new(&roots, id, "dm-0", None));
    // There is no sysfs.
    let unknown = Identity::new(&roots, "sdq".into(), "sdq", None);
    assert!(unknown.is_of(&roots, "sdq"));
}
