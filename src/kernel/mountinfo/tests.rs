use super::*;
use crate::source::tests::{Tree, fixture};

/// A tree with these lines of mountinfo.
fn machine(lines: &[&str]) -> Tree {
    let tree = Tree::new();
    for device in [
        "sda1", "sda2", "sdb", "sdc", "sdd", "dm-0", "dm-1", "loop0", "loop1", "loop4", "zram1",
        "ram0",
    ] {
        tree.write(&format!("class/block/{device}"), "");
    }
    tree.write("self/mountinfo", &lines.join("\n"));
    tree
}

fn found(tree: &Tree) -> Vec<FileSystem> {
    file_systems(&tree.roots(), &[], false).unwrap()
}

/// Checks the ids of the file systems, and the ids of the mounts that stand for them.
#[track_caller]
fn check(tree: &Tree, expected: &[(&str, u64)]) {
    let found = found(tree);
    let found = found.iter();
    let found = found.map(|each| (&*each.id, each.mounts[0].mount_id));
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_counting(tree: &Tree, expected: &[Counting]) {
    let counting = found(tree).into_iter().map(|each| each.counting);
    assert_eq!(counting.collect::<Vec<_>>(), expected);
}

#[test]
fn mounts_on_disks_of_this_machine() {
    let text = fixture!("server/proc/1/mountinfo");
    let mounts: Vec<_> = parse::lines(text.as_bytes())
        .filter_map(Mount::parse)
        .collect();
    let groups = file_system::candidates(&mounts, &mut Namespace::new(&mounts, true), false);
    let points = groups
        .iter()
        .map(|group| group[0].mount_point.to_str().unwrap());
    let expected = ["/", "/boot", "/srv", "/srv/My Data", "/mnt/disk"];
    assert_eq!(points.collect::<Vec<_>>(), expected);
    assert_eq!(groups[3][0].mount_source, "/dev/sdb");
}

#[test]
fn a_container_is_its_root_and_no_single_file() {
    let tree = machine(&[
        "1 0 0:50 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c",
        "2 1 0:51 / /proc rw - proc proc rw",
        "3 1 254:0 /containers/7f/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw",
        "4 1 254:0 /containers/7f/hosts /etc/hosts rw - ext4 /dev/vda rw",
    ]);
    tree.write("etc/resolv.conf", "");
    tree.write("etc/hosts", "");
    check(&tree, &[("/", 1)]);
    check_counting(&tree, &[Counting::Layers]);
    // A volume of the same file system.
    let text = "1 0 0:50 / / rw - overlay overlay rw,upperdir=/b\n\
                3 1 254:0 /containers/7f/hosts /etc/hosts rw - ext4 /dev/vda rw\n\
                4 1 254:0 /volumes/data /data rw - ext4 /dev/vda rw\n";
    tree.write("self/mountinfo", text);
    tree.write("data/file", "");
    check(&tree, &[("/", 1), ("/data", 4)]);
    check_counting(&tree, &[Counting::Layers, Counting::Whole]);
}

#[test]
fn a_single_file_is_none_below_the_root_of_a_program() {
    let tree = machine(&[
        "1 0 0:50 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw",
        "2 1 254:0 /containers/7f/hosts /etc/hosts rw - ext4 /dev/vda rw",
    ]);
    tree.write("etc/hosts", "");
    check(&tree, &[("/", 1)]);
}

#[test]
fn the_mount_that_can_be_reached_stands_for_its_file_system() {
    // The whole of it, then a directory that exists, then one that does not.
    let tree = machine(&[
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw",
        "2 1 8:2 /data /hidden/data rw - ext4 /dev/sda2 rw",
        "3 1 8:2 /data /data rw - ext4 /dev/sda2 rw",
        "4 1 8:2 / /all rw - ext4 /dev/sda2 rw",
    ]);
    tree.write("data/file", "");
    check(&tree, &[("/", 1), ("/data", 3)]);
    tree.write("all/file", "");
    check(&tree, &[("/", 1), ("/all", 4)]);
    let mounts = &found(&tree)[1].mounts;
    assert_eq!(
        mounts.iter().map(|each| each.mount_id).collect::<Vec<_>>(),
        [4, 3]
    );
}

#[test]
fn a_path_below_a_server_comes_last() {
    let lines = [
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw",
        "2 1 0:44 / /net rw - nfs4 filer:/x rw",
        "3 2 8:2 / /net/disk rw - ext4 /dev/sda2 rw",
        "4 1 8:2 /data /data rw - ext4 /dev/sda2 rw",
    ];
    let tree = machine(&lines);
    for directory in ["net/disk", "data"] {
        tree.write(&format!("{directory}/file"), "");
    }
    check(&tree, &[("/", 1), ("/data", 4)]);
    let tree = machine(&lines[..3]);
    check(&tree, &[("/", 1), ("/net/disk", 3)]);
}

#[test]
fn hidden_mounts_stand_for_nothing() {
    let mut lines = vec![
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw",
        "2 1 8:2 / /mnt/a rw - ext4 /dev/sda2 rw",
        "3 1 8:3 / /mnt rw - ext4 /dev/sda3 rw",
        "4 3 8:4 / /mnt rw - ext4 /dev/sda4 rw",
    ];
    check(&machine(&lines), &[("/", 1), ("/mnt", 4)]);
    lines.push("5 1 8:2 / /other rw - ext4 /dev/sda2 rw");
    check(&machine(&lines), &[("/", 1), ("/mnt", 4), ("/other", 5)]);
    check(&machine(&lines[..2]), &[("/", 1), ("/mnt/a", 2)]);
}

#[test]
fn data_sets_are_counted_by_pool_and_snapshots_are_none() {
    let tree = machine(&[
        "1 0 0:25 / / rw - zfs rpool/ROOT/debian rw",
        "2 1 0:60 / /.zfs/snapshot/daily ro - zfs rpool/ROOT/debian@daily ro",
        "3 1 0:61 / /home rw - zfs rpool/USERDATA/home rw",
        "4 1 0:62 / /boot rw - zfs bpool rw",
        "5 1 0:63 / /again rw - zfs bpool rw",
    ]);
    check(&tree, &[("/", 1), ("/home", 3), ("/boot", 4)]);
    let data_set = |pool: &str| Counting::DataSet { pool: pool.into() };
    let expected = ["rpool", "rpool", "bpool"].map(data_set);
    check_counting(&tree, &expected);
}

#[test]
fn subvolumes_are_one_file_system_with_the_uuid_of_any_device() {
    let tree = machine(&[
        "1 0 0:33 /@ / rw - btrfs /dev/sda2 rw,subvol=/@",
        "2 1 0:33 /@home /home rw - btrfs /dev/sda2 rw,subvol=/@home",
        "3 1 0:34 /@log /var/log rw - btrfs /dev/sda2 rw,subvol=/@log",
    ]);
    check(&tree, &[("/", 1)]);
    tree.link("dev/disk/by-uuid/e294", "dev/sdb");
    check(&tree, &[("/", 1)]);
    tree.write("fs/btrfs/e294/devices/sda2", "");
    tree.write("fs/btrfs/e294/devices/sdb", "");
    check(&tree, &[("e294", 1)]);
    check_counting(&tree, &[Counting::Whole]);
}

#[test]
fn a_source_that_is_a_link_names_its_device() {
    let tree = machine(&[
        "1 0 0:33 / / rw - btrfs /dev/disk/by-uuid/e294 rw",
        "2 1 0:34 / /a rw - btrfs /dev/vg/a rw",
        "3 1 0:35 / /b rw - btrfs /dev/mapper/b rw",
        "4 1 0:36 / /c rw - bcachefs /dev/sdc:/dev/sdd rw",
    ]);
    tree.link("dev/vg/a", "dev/dm-0");
    tree.link("dev/mapper/b", "dev/dm-1");
    for (uuid, device) in [("u0", "dm-0"), ("u1", "dm-1"), ("ud", "sdd")] {
        tree.link(
            &format!("dev/disk/by-uuid/{uuid}"),
            &format!("dev/{device}"),
        );
    }
    check(&tree, &[("e294", 1), ("u0", 2), ("u1", 3), ("ud", 4)]);
    let kernel_names = found(&tree)
        .into_iter()
        .map(|each| each.kernel_names.into_iter().next());
    let expected = [None, Some("dm-0"), Some("dm-1"), Some("sdc")];
    let expected = expected.map(|name| name.map(str::to_owned));
    assert_eq!(kernel_names.collect::<Vec<_>>(), expected);
}

#[test]
fn a_copy_has_its_mount_point_as_id() {
    let tree = machine(&[
        "1 0 8:1 / / rw - ext4 /dev/disk/by-uuid/e294 rw",
        "2 1 8:2 / /copy rw - ext4 /dev/disk/by-uuid/e294 rw",
    ]);
    check(&tree, &[("e294", 1), ("/copy", 2)]);
}

#[test]
fn memory_and_files_of_others_are_not_counted() {
    let lines = [
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw",
        "2 1 252:1 / /var/log rw - ext4 /dev/zram1 rw",
        "3 1 1:0 / /ram rw - ext4 /dev/ram0 rw",
        "4 1 7:1 / /image rw - ext4 /dev/loop1 rw",
        // systemd-homed: LUKS on a file of /home.
        "5 1 0:40 / /home/u rw - btrfs /dev/mapper/home-u rw",
        // LVM on a partition and on a file.
        "6 1 253:1 / /srv rw - xfs /dev/mapper/vg-srv rw",
        // A partition of an image.
        "7 1 259:9 / /part rw - ext4 /dev/loop3p1 rw",
        // A loop device on a device.
        "8 1 7:4 / /offset rw - ext4 /dev/loop4 rw",
    ];
    let tree = machine(&lines);
    tree.write("block/loop1/loop/backing_file", "/srv/image\n");
    tree.write("block/loop2/loop/backing_file", "/home/u.home\n");
    tree.write("block/dm-0/slaves/loop2/x", "");
    tree.link("dev/mapper/home-u", "dev/dm-0");
    tree.write("block/dm-1/slaves/loop2/x", "");
    tree.write("block/dm-1/slaves/sda2/x", "");
    tree.link("dev/mapper/vg-srv", "dev/dm-1");
    tree.write("block/loop3/loop/backing_file", "/srv/disk.img (deleted)\n");
    tree.write("block/loop3/loop3p1/partition", "1\n");
    tree.write("class/block/loop3p1", "");
    tree.write("block/loop4/loop/backing_file", "/dev/sdb\n");
    let devices = crate::kernel::block::devices(&tree.roots(), b"8 16 sdb 0\n");
    let all = file_systems(&tree.roots(), &devices, false).unwrap();
    let is_counted = all.iter().map(|each| each.counting == Counting::Whole);
    let expected = [true, false, false, false, false, true, false, true];
    assert_eq!(is_counted.collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_of_the_host_is_counted_in_a_container() {
    // The path of the file leads to the file system itself.
    let tree = machine(&["1 0 0:40 /containers/c1 / rw - btrfs /dev/loop0 rw"]);
    tree.write(
        "block/loop0/loop/backing_file",
        "/var/lib/lxd/disks/default.img\n",
    );
    check_counting(&tree, &[Counting::Whole]);
    // Sysfs is not there.
    let tree = machine(&["1 0 7:0 / / rw - ext4 /dev/loop0 rw"]);
    check_counting(&tree, &[Counting::Whole]);
}

#[test]
fn the_root_of_a_live_system_is_memory() {
    let tree = machine(&[
        "1 0 0:40 / / rw - overlay overlay rw,lowerdir=/run/base,upperdir=/run/up/rw",
        "2 1 0:41 / /run rw - tmpfs tmpfs rw",
        "3 2 7:0 / /run/base ro - squashfs /dev/loop0 ro",
    ]);
    check(&tree, &[("/", 1)]);
    check_counting(&tree, &[Counting::Elsewhere]);
}

#[test]
fn own_mounts_below_the_root_of_the_observed_machine() {
    let tree = Tree::new();
    let root = tree.root.to_str().unwrap();
    let text = format!(
        "1 0 0:50 / / rw - overlay overlay rw,upperdir=/b\n\
         2 1 8:1 / {root} ro - ext4 /dev/sda1 rw\n\
         3 2 8:2 / {root}/home ro - ext4 /dev/sda2 rw\n"
    );
    tree.write("self/mountinfo", &text);
    check(&tree, &[("/", 2), ("/home", 3)]);
    tree.write("1/mountinfo", "9 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    check(&tree, &[("/", 9)]);
}
