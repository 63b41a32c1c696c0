use super::*;
use crate::{kernel::block, source::tests::Tree};

const DISKSTATS: &[u8] =
    b"8 0 sda\n8 1 sda1\n8 2 sda2\n104 0 cciss/c0d0\n104 1 cciss/c0d0p1\n253 0 dm-0\n253 1 dm-1\n";

/// A machine with a drive of two partitions, a drive with a slash in its name, and two volumes.
fn machine() -> Tree {
    let tree = Tree::new();
    tree.write("block/sda/sda1/partition", "1\n");
    tree.write(
        "block/sda/sda1/uevent",
        "DEVNAME=sda1\nPARTN=1\nPARTUUID=0a-01\n",
    );
    tree.write("block/sda/sda2/uevent", "DEVNAME=sda2\nPARTNAME=My Data\n");
    tree.write("block/cciss!c0d0/cciss!c0d0p1/partition", "1\n");
    tree.write("block/dm-0/dm/name", "vg--0-lv--home\n");
    tree.write("block/dm-1/dm/name", "luks-1234\n");
    tree.write("block/dm-1/dm/uuid", "CRYPT-LUKS2-1234-luks\n");
    tree
}

#[track_caller]
fn check(tree: &Tree, source: &str, expected: &[&str]) {
    let roots = tree.roots();
    let devices = block::devices(&roots, DISKSTATS);
    let sources = MountSources::new(&roots, &devices);
    assert_eq!(sources.resolve(source), expected, "{source}");
}

#[test]
fn names_of_the_kernel() {
    let tree = machine();
    for (source, expected) in [
        ("/dev/sda2", &["sda2"][..]),
        ("/dev/./sda2", &["sda2"]),
        ("/dev/cciss/c0d0p1", &["cciss/c0d0p1"]),
        ("/dev/block/8:2", &["sda2"]),
        ("/dev/sdz9", &[]),
        ("/dev", &[]),
        ("/dev/../etc/sda2", &[]),
        ("tank/home", &[]),
        ("server:/export", &[]),
        ("", &[]),
    ] {
        check(&tree, source, expected);
    }
    // A device that diskstats leaves out, as in a container.
    tree.write("class/block/sdb1/dev", "8:17\n");
    tree.link("dev/block/8:17", "class/block/sdb1");
    check(&tree, "/dev/sdb1", &["sdb1"]);
    tree.write("run/udev/data/b8:17", "S:disk/by-uuid/77\n");
    check(&tree, "/dev/disk/by-uuid/77", &["sdb1"]);
}

#[test]
fn volumes() {
    let tree = machine();
    for source in [
        "/dev/mapper/vg--0-lv--home",
        "/dev/vg-0/lv-home",
        "/dev/disk/by-id/dm-name-vg--0-lv--home",
    ] {
        check(&tree, source, &["dm-0"]);
    }
    check(&tree, "/dev/mapper/luks-1234", &["dm-1"]);
    check(
        &tree,
        "/dev/disk/by-id/dm-uuid-CRYPT-LUKS2-1234-luks",
        &["dm-1"],
    );
    check(&tree, "/dev/mapper/other", &[]);
}

#[test]
fn links_of_udev() {
    let tree = machine();
    let link = |link: &str, target: &str| {
        let path = tree.root.join("dev").join(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    };
    link("disk/by-uuid/e294", "../../sda2");
    link("disk/by-label/My\\x20Data", "/dev/sda2");
    link(
        "disk/by-path/pci-0000:00:17.0-ata-1-part1",
        "../../block/8:1",
    );
    link("block/8:1", "../sda1");
    link("md/root", "../mapper/luks-1234");
    link("mapper/luks-1234", "../dm-1");
    link("loop", "loop");
    link("disk/by-uuid/c155", "../../cciss/c0d0p1");
    for (source, expected) in [
        ("/dev/disk/by-uuid/e294", &["sda2"][..]),
        ("UUID=e294", &["sda2"]),
        ("/dev/disk/by-label/My\\x20Data", &["sda2"]),
        ("/dev/disk/by-path/pci-0000:00:17.0-ata-1-part1", &["sda1"]),
        ("/dev/md/root", &["dm-1"]),
        ("/dev/disk/by-uuid/c155", &["cciss/c0d0p1"]),
        ("/dev/loop", &[]),
        // bcachefs.
        ("/dev/sda1:/dev/cciss/c0d0p1", &["sda1", "cciss/c0d0p1"]),
        (
            "/dev/disk/by-path/pci-0000:00:17.0-ata-1-part1:/dev/disk/by-uuid/e294",
            &["sda1", "sda2"],
        ),
        ("/dev/sda1:/dev/sdz", &[]),
    ] {
        check(&tree, source, expected);
    }
}

#[test]
fn sources_without_links() {
    let tree = machine();
    check(&tree, "/dev/disk/by-partuuid/0a-01", &["sda1"]);
    check(&tree, "/dev/disk/by-partlabel/My\\x20Data", &["sda2"]);
    check(&tree, "/dev/disk/by-partlabel/Other", &[]);
    tree.write("fs/btrfs/e294/devices/sda2/size", "1\n");
    tree.write("fs/btrfs/features/raid1c34", "0\n");
    check(&tree, "/dev/disk/by-uuid/e294", &["sda2"]);
    check(&tree, "/dev/disk/by-uuid/77", &[]);
    tree.write("run/udev/data/c1:3", "S:disk/by-uuid/77\n");
    tree.write("run/udev/data/b8:1", "S:disk/by-uuid/78\nE:ID_FS_UUID=77\n");
    tree.write("run/udev/data/b253:1", "I:5\nS:disk/by-uuid/77\n");
    check(&tree, "/dev/disk/by-uuid/77", &["dm-1"]);
}

#[test]
fn the_initial_root() {
    let tree = machine();
    check(&tree, "/dev/root", &[]);
    for (parameters, expected) in [
        ("root=/dev/sda1 ro root=/dev/sda2 quiet\n", &["sda2"][..]),
        ("root=PARTUUID=0a-01\n", &["sda1"]),
        ("root=8:1\n", &["sda1"]),
        ("root=/dev/root\n", &[]),
        ("ro\n", &[]),
    ] {
        tree.write("cmdline", parameters);
        check(&tree, "/dev/root", expected);
    }
}

#[test]
fn members_of_file_systems() {
    let tree = machine();
    tree.write("fs/btrfs/e294/devices/sda2/size", "1\n");
    tree.write("fs/btrfs/e294/devices/cciss!c0d0p1/size", "1\n");
    tree.link("fs/bcachefs/77/dev-0/block", "block/sda/sda1");
    tree.link("fs/bcachefs/77/dev-1/block", "block/dm-0");
    let roots = tree.roots();
    let devices = block::devices(&roots, DISKSTATS);
    let sources = MountSources::new(&roots, &devices);
    let members = |kernel| {
        let mut members = sources.members(kernel);
        members.sort();
        members
    };
    assert_eq!(members("sda2"), ["cciss/c0d0p1", "sda2"]);
    assert_eq!(members("cciss/c0d0p1"), members("sda2"));
    assert_eq!(members("dm-0"), ["dm-0", "sda1"]);
    assert!(members("dm-1").is_empty());
}
