use super::*;
use crate::source::tests::Tree;

/// Checks which devices are counted of a machine with these files of sysfs and these names in the list.
#[track_caller]
fn check(files: &[&str], listed: &str, expected: &str) {
    let tree = Tree::new();
    for file in files {
        tree.write(&format!("block/{file}"), "1\n");
    }
    let listed: HashSet<_> = listed.split(' ').map(str::to_owned).collect();
    let roots = tree.roots();
    let stacking = Stacking {
        roots: &roots,
        listed: &listed,
    };
    let mut counted: Vec<_> = stacking.counted().into_iter().collect();
    counted.sort_unstable();
    assert_eq!(counted.join(" "), expected, "{files:?}");
}

/// A drive with hardware, and a partition.
const SDA: [&str; 2] = ["sda/device/model", "sda/sda1/partition"];
const SDB: [&str; 2] = ["sdb/device/model", "sdb/sdb1/partition"];

#[track_caller]
fn check_on_two_drives(files: &[&str], listed: &str, expected: &str) {
    let files = [&SDA, &SDB, files].into_iter().flatten().copied();
    let files: Vec<_> = files.collect();
    check(&files, listed, expected);
}

#[test]
fn partitions() {
    check_on_two_drives(&[], "sda sda1 sdb sdb1", "sda sdb");
    // A container whose list has the partition alone.
    check_on_two_drives(&[], "sda1", "sda1");
    check_on_two_drives(&[], "sda1 sdb sdb1", "sda1 sdb");
    check(
        &["nvme0n1/device/model", "nvme0n1/nvme0n1p2/partition"],
        "nvme0n1 nvme0n1p2",
        "nvme0n1",
    );
    // Xen has devices whose names are those of partitions.
    check(
        &["xvda1/device/x", "xvda2/device/x"],
        "xvda1 xvda2",
        "xvda1 xvda2",
    );
    // The boot areas of an eMMC drive are devices beside it.
    check(
        &[
            "mmcblk0/device/type",
            "mmcblk0/mmcblk0p1/partition",
            "mmcblk0boot0/device/size",
        ],
        "mmcblk0 mmcblk0p1 mmcblk0boot0",
        "mmcblk0 mmcblk0boot0",
    );
    check(
        &[
            "cciss!c0d0/device/model",
            "cciss!c0d0/cciss!c0d0p1/partition",
        ],
        "cciss/c0d0 cciss/c0d0p1",
        "cciss/c0d0",
    );
}

#[test]
fn arrays_volumes_and_caches() {
    // md over partitions, and a partition of the array.
    check_on_two_drives(
        &[
            "md127/slaves/sda1",
            "md127/slaves/sdb1",
            "md127/md127p1/partition",
        ],
        "sda sda1 sdb sdb1 md127 md127p1",
        "sda sdb",
    );
    // LVM over LUKS over a partition.
    check_on_two_drives(
        &["dm-0/slaves/sda1", "dm-1/slaves/dm-0", "dm-2/slaves/dm-0"],
        "sda sda1 sdb sdb1 dm-0 dm-1 dm-2",
        "sda sdb",
    );
    // Two paths to one drive: each request goes over one of them.
    check_on_two_drives(
        &["dm-0/slaves/sda", "dm-0/slaves/sdb"],
        "sda sdb dm-0",
        "sda sdb",
    );
    check_on_two_drives(
        &["bcache0/slaves/sda1", "bcache0/slaves/sdb"],
        "sda sda1 sdb bcache0",
        "sda sdb",
    );
    check_on_two_drives(&["drbd0/slaves/sdb1"], "sda sdb drbd0", "sda sdb");
    // dm-zero and dm-error have no slaves, nor has a volume of ZFS.
    check_on_two_drives(&["dm-0/dm/name", "zd0/size"], "sda sdb dm-0 zd0", "sda sdb");
    check_on_two_drives(
        &["cciss!c0d0/device/x", "dm-0/slaves/cciss!c0d0"],
        "cciss/c0d0 dm-0",
        "cciss/c0d0",
    );
    check(
        &["dm-0/slaves/dm-1", "dm-1/slaves/dm-0"],
        "dm-0 dm-1 sda",
        "sda",
    );
}

#[test]
fn devices_whose_slaves_are_not_listed() {
    check_on_two_drives(
        &["dm-0/slaves/sda1", "dm-1/slaves/dm-0"],
        "dm-0 dm-1",
        "dm-0",
    );
    check_on_two_drives(
        &["dm-0/slaves/sda1", "dm-1/slaves/dm-0"],
        "dm-1 sdb",
        "dm-1 sdb",
    );
    check_on_two_drives(&["dm-0/slaves/sda1", "dm-1/slaves/dm-0"], "dm-1 sda", "sda");
    check_on_two_drives(&["dm-0/dm/name", "dm-1/dm/name"], "dm-0 dm-1", "dm-0 dm-1");
    // There is no sysfs.
    check(&[], "sda sda1 dm-0 md127", "sda");
    check(
        &[],
        "nvme0n1 nvme0n1p1 mmcblk0 mmcblk0p2",
        "mmcblk0 nvme0n1",
    );
    check(&[], "xvda1 loop0 zram0", "xvda1");
    check(&[], "ploop12345 ploop12345p1", "ploop12345");
    check(&[], "dm-0", "dm-0");
}

#[test]
fn memory_and_files() {
    check_on_two_drives(
        &["loop0/loop/backing_file", "zram0/disksize", "ram0/size"],
        "ram0 zram0 loop0 loop0p1 sda",
        "sda",
    );
    // A home of systemd-homed: LUKS on a loop device.
    check_on_two_drives(
        &["loop0/loop/backing_file", "dm-0/slaves/loop0"],
        "loop0 dm-0 sda",
        "sda",
    );
    check_on_two_drives(&["dm-0/slaves/zram0"], "zram0 dm-0", "");
    check_on_two_drives(&["dm-0/slaves/zram0", "zram0/size"], "dm-0 sda", "sda");
    check(
        &["loop0/loop/backing_file", "zram0/size"],
        "loop0 zram0",
        "",
    );
}

#[test]
fn disks_of_servers_and_programs() {
    // A volume of Ceph and a drive of iSCSI have a parent device.
    check_on_two_drives(&["rbd0/device/pool"], "sda rbd0", "rbd0 sda");
    check(
        &["etherd!e1.0/size", "sda/device/x"],
        "etherd/e1.0 sda",
        "etherd/e1.0 sda",
    );
    // Of nbd and ublk the kernel does not tell whether their programs read a drive of this machine.
    check_on_two_drives(&["nbd0/pid", "ublkb0/device/x"], "sda nbd0 ublkb0", "sda");
    check(
        &["nbd0/pid", "nbd0/nbd0p1/partition"],
        "nbd0 nbd0p1 zram0",
        "nbd0",
    );
}

#[test]
fn paths_to_an_nvme_drive() {
    let files = [
        "nvme0n1/device/model",
        "nvme0n1/nvme0n1p1/partition",
        "nvme0c0n1/hidden",
        "nvme0c0n1/device/model",
        "nvme0c1n1/device/model",
        "nvme1n1/device/model",
    ];
    check(
        &files,
        "nvme0n1 nvme0n1p1 nvme0c0n1 nvme0c1n1 nvme1n1",
        "nvme0c0n1 nvme0c1n1 nvme1n1",
    );
    check(&files, "nvme0n1 nvme0n1p1", "nvme0n1");
    for (name, expected) in [
        ("nvme0c12n3", Some("nvme0n3")),
        ("nvme0n1", None),
        ("nvmecn", None),
        ("sdc", None),
    ] {
        assert_eq!(drive_of_path(name).as_deref(), expected);
    }
}
