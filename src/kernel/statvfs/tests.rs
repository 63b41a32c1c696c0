use std::{fs, os::unix::fs::MetadataExt};

use nix::sys::stat::{major, minor};

use super::*;
use crate::source::tests::{Tree, begin, level, read, roots};

#[test]
fn network_mounts_are_read_if_configured() {
    let text = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                31 22 0:50 / /net/dead rw - nfs4 filer:/vol/dead rw,hard\n\
                32 22 0:51 / /auto rw - autofs /etc/auto.misc rw,fd=42\n\
                33 32 0:52 / /auto/home rw - nfs4 filer:/home rw\n\
                34 22 0:53 / /boot rw - autofs systemd-1 rw,fd=43\n\
                35 34 8:2 / /boot rw - vfat /dev/sda2 rw\n\
                36 22 8:3 / /autonomy rw - ext4 /dev/sda3 rw\n\
                37 22 0:54 / /run rw - tmpfs tmpfs rw\n";
    let tree = Tree::new();
    tree.write("diskstats", "");
    tree.write("self/mountinfo", text);
    for (network_mounts, expected) in [
        (false, &["/", "/autonomy"][..]),
        (
            true,
            &["/", "/net/dead", "/auto/home", "/boot", "/autonomy"],
        ),
    ] {
        let mut space = FileSystemSpace::new(&tree.roots(), network_mounts, &Pool::new());
        space.discover().unwrap();
        let found = || space.mounts.iter().flatten();
        assert_eq!(
            found().map(|mount| &mount.id.id).collect::<Vec<_>>(),
            expected
        );
        let remote = found().filter(|mount| mount.state.counting == Counting::Elsewhere);
        assert_eq!(remote.count(), if network_mounts { 2 } else { 0 });
    }
}

#[test]
fn a_file_system_goes_and_comes_back() {
    let tree = Tree::new();
    let here = fs::metadata(tree.write("mnt/file", "")).unwrap().dev();
    let (major, minor) = (major(here), minor(here));
    let mounted = format!("1 0 {major}:{minor} / /mnt rw - ext4 /dev/sda rw\n");
    tree.write("diskstats", "");
    tree.write("self/mountinfo", &mounted);
    let mut space = FileSystemSpace::new(&tree.roots(), false, &Pool::new());
    let metrics = space.discover().unwrap();
    assert_eq!(metrics.len(), PROPERTIES.len() + ALL);
    assert!(level(&metrics, &read(&mut space), "disk/%2Fmnt/total") > 0.0);
    assert!(level(&metrics, &read(&mut space), "disk/all/total") > 0.0);
    tree.write("self/mountinfo", "");
    assert_eq!(space.discover().unwrap(), []);
    assert!(
        read(&mut space)
            .iter()
            .all(|column| *column == Raw::Fault(Fault::Gone))
    );
    tree.write("self/mountinfo", &mounted);
    let again = space.discover().unwrap();
    assert_eq!(again.len(), metrics.len());
    let metrics = again;
    assert!(level(&metrics, &read(&mut space), "disk/%2Fmnt/used") > 0.0);
    // The file system is unmounted, and the directory is on another one.
    tree.write(
        "self/mountinfo",
        "1 0 0:0 / /proc rw - zfs tank rw\n2 0 1:77 / /mnt rw - ext4 /dev/sdz rw\n",
    );
    space.discover().unwrap();
    assert!(!space.changed());
    read(&mut space);
    assert!(space.changed());
}

/// Images that are mounted one after the other, as for packages and containers.
#[test]
fn unmounted_file_systems_leave_nothing_behind() {
    let tree = Tree::new();
    let here = fs::metadata(tree.write("mnt/file", "")).unwrap().dev();
    let (major, minor) = (major(here), minor(here));
    tree.write("diskstats", "");
    let mut space = FileSystemSpace::new(&tree.roots(), false, &Pool::new());
    let mut names = crate::kernel::disk_names::DiskNames::new(&tree.roots(), false);
    for number in 0..100 {
        tree.write(&format!("mnt/{number}/file"), "");
        let mounted = format!("1 0 {major}:{minor} / /mnt/{number} rw - ext4 /dev/sda rw\n");
        tree.write("self/mountinfo", &mounted);
        let metrics = space.discover().unwrap();
        let columns = read(&mut space);
        assert_eq!(columns.len(), ALL + WIDTH);
        let id = format!("disk/%2Fmnt%2F{number}/total");
        assert!(level(&metrics, &columns, &id) > 0.0);
        assert_eq!(names.discover().unwrap().len(), 1);
        let name = format!("/mnt/{number}");
        assert_eq!(read(&mut names)[1..], [Raw::Text(name.into())]);
    }
    // Discovering a slow file system again keeps its job.
    let slow = format!("1 0 {major}:{minor} / /mnt rw - vfat /dev/sda rw\n");
    tree.write("self/mountinfo", &slow);
    space.discover().unwrap();
    begin(&mut space);
    let first = space.jobs().next().unwrap().answered();
    space.discover().unwrap();
    assert!(first.is_some() && space.jobs().next().unwrap().answered() == first);
}

#[test]
fn fixtures() {
    let mut server = FileSystemSpace::new(&roots("server"), false, &Pool::new());
    let metrics = server.discover().unwrap();
    // Btrfs counts no inodes.
    assert_eq!(metrics.len(), 4 * PROPERTIES.len() + ALL + ALL);
    let ids: Vec<_> = metrics.iter().map(|metric| &*metric.id).collect();
    assert!(ids.contains(&"disk/0b2e3c5a-5a0c-4d59-9a53-4d0f2f4b7a11/usedInodesPercent"));
    assert!(ids.contains(&"disk/%2Fmnt%2Fdisk/free"));
    // The image is a file of another file system.
    let whole = server.mounts.iter().flatten();
    let counted = whole.filter(|mount| mount.state.counting == Counting::Whole);
    assert_eq!(counted.count(), 4);
}

#[test]
fn file_systems_without_a_list_of_devices() {
    let tree = Tree::new();
    let here = fs::metadata(tree.write("mnt/file", "")).unwrap().dev();
    let (major, minor) = (major(here), minor(here));
    let text = format!("1 0 {major}:{minor} / /mnt rw - ext4 /dev/sda rw\n");
    tree.write("self/mountinfo", &text);
    let mut space = FileSystemSpace::new(&tree.roots(), false, &Pool::new());
    let metrics = space.discover().unwrap();
    assert!(level(&metrics, &read(&mut space), "disk/%2Fmnt/total") > 0.0);
    let mut names = crate::kernel::disk_names::DiskNames::new(&tree.roots(), false);
    assert_eq!(names.discover().unwrap().len(), 1);
}

#[test]
fn a_type_without_inodes_has_no_metrics_of_them() {
    let tree = Tree::new();
    tree.write("mnt/file", "");
    for (fs_type, expected) in [("btrfs", 5), ("zfs", 9)] {
        let text = format!("1 0 0:40 / /mnt rw - {fs_type} /dev/sda rw\n");
        tree.write("self/mountinfo", &text);
        let mut space = FileSystemSpace::new(&tree.roots(), false, &Pool::new());
        let metrics = crate::source::tests::discover(&mut space).unwrap();
        assert_eq!(metrics.len(), expected + ALL, "{fs_type}");
        read(&mut space);
        assert!(!space.changed());
    }
}

#[test]
fn what_a_file_system_does_not_tell_has_no_metric() {
    let tree = Tree::new();
    // Proc has neither a size nor inodes, as statfs of a program that does not know them.
    let stat = fs::metadata("/proc").unwrap().dev();
    let (major, minor) = (major(stat), minor(stat));
    std::os::unix::fs::symlink("/proc", tree.root.join("mnt")).unwrap();
    let text = format!("1 0 {major}:{minor} / /mnt rw - nfs4 filer:/ rw\n");
    tree.write("self/mountinfo", &text);
    let mut space = FileSystemSpace::new(&tree.roots(), true, &Pool::new());
    assert_eq!(crate::source::tests::discover(&mut space).unwrap(), []);
    assert!(
        read(&mut space)[1 + ALL..]
            .iter()
            .all(|column| *column == Raw::Fault(Fault::Gone))
    );
    assert!(!space.changed());
    // A service that has had no answer before discovers again after it.
    let mut space = FileSystemSpace::new(&tree.roots(), true, &Pool::new());
    assert_eq!(space.discover().unwrap().len(), PROPERTIES.len());
    read(&mut space);
    assert!(space.changed());
    assert_eq!(space.discover().unwrap(), []);
}

#[test]
fn parts_have_their_whole_as_maximum() {
    let tree = Tree::new();
    let stat = fs::metadata(&tree.root).unwrap().dev();
    let (major, minor) = (major(stat), minor(stat));
    tree.write("mnt/file", "");
    let text = format!("1 0 {major}:{minor} / /mnt rw - ext4 /dev/sdz rw\n");
    tree.write("self/mountinfo", &text);
    let mut space = FileSystemSpace::new(&tree.roots(), false, &Pool::new());
    let metrics = crate::source::tests::discover(&mut space).unwrap();
    let columns = read(&mut space);
    for (object, total) in [("%2Fmnt", &columns[ALL + 1]), ("all", &columns[0])] {
        let total = crate::source::tests::number_of(total);
        for (property, maximum) in [
            ("total", None),
            ("used", Some(total)),
            ("free", Some(total)),
        ] {
            let id = format!("disk/{object}/{property}");
            let metric = metrics.iter().find(|metric| *metric.id == *id).expect(&id);
            assert_eq!(metric.maximum, maximum, "{id}");
        }
    }
    assert!(!space.changed());
    // A size that was not known, or is another one now, makes another maximum.
    let mount = space.mounts.iter_mut().flatten().next().unwrap();
    let answer = mount.state.job.answer().flatten().unwrap();
    let larger = SpaceUsage {
        total: answer.total + answer.total / 32,
        ..answer
    };
    assert!(!mount.state.note(Ok(answer)));
    assert!(mount.state.note(Ok(larger)));
}

#[test]
fn a_file_system_that_is_not_found_is_sought_once() {
    let tree = Tree::new();
    tree.write("mnt/file", "");
    tree.write("self/mountinfo", "1 0 1:77 / /mnt rw - ext4 /dev/sdz rw\n");
    let mut space = FileSystemSpace::new(&tree.roots(), false, &Pool::new());
    space.discover().unwrap();
    read(&mut space);
    assert!(space.changed());
    for _ in 0..3 {
        space.discover().unwrap();
        read(&mut space);
        assert!(!space.changed());
    }
}

#[test]
fn each_mount_point_that_hangs_is_tried_once() {
    let tree = Tree::new();
    let mounts = "1 0 0:40 / /one rw - btrfs /dev/sda rw\n\
                  2 0 0:40 / /two rw - btrfs /dev/sda rw\n\
                  3 0 0:40 / /three rw - btrfs /dev/sda rw\n";
    tree.write("self/mountinfo", mounts);
    for directory in ["one", "two", "three"] {
        tree.write(&format!("{directory}/file"), "");
    }
    let mut space = FileSystemSpace::new(&tree.roots(), false, &Pool::new());
    let mut seeks = 0;
    for _ in 0..6 {
        space.discover().unwrap();
        // Nobody asks the job, so that it has no answer in time.
        space.read(&mut Vec::new()).unwrap();
        seeks += u32::from(space.changed());
    }
    assert_eq!(seeks, 2);
}
