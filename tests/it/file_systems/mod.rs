//! Real file systems in mount namespaces: which are listed, which mount stands for one, and what df(1) says.

mod namespace;
mod service;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use namespace::{Namespace, Sampled};

use crate::support::{
    home::{SAMPLED, copy_program},
    process::skip,
};

const ALL: &str = "disk/all/total";

/// Checks the columns of df(1).
#[track_caller]
fn check_df(namespace: &Namespace, point: &str) {
    const COLUMNS: &str = "size,used,avail,itotal,iused";
    let output = namespace.run(&format!("df -B1 --output={COLUMNS} {point}"));
    let row = output.lines().nth(1).expect("a line of df");
    let sampled = namespace.sample();
    let properties = ["total", "used", "free", "totalInodes", "usedInodes"];
    for (property, theirs) in properties.iter().zip(row.split_whitespace()) {
        let id = namespace.id(point, property);
        match theirs.parse() {
            // df prints 0 or a dash where there is no number.
            Ok(0) | Err(_) if property.contains("Inodes") => assert!(!sampled.has(&id), "{id}"),
            Ok(theirs) => assert_eq!(sampled.number(&id), theirs, "{id}"),
            Err(_) => panic!("{output}"),
        }
    }
}

#[test]
fn file_systems_agree_with_df() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    let before = namespace.sample();
    namespace.mount("ext4", "64M", "ext4");
    check_df(&namespace, "ext4");
    if namespace.has(&["mkfs.xfs"]) {
        namespace.mount("xfs", "320M", "xfs");
        check_df(&namespace, "xfs");
    } else {
        skip("it needs xfsprogs");
    }
    if namespace.has(&["mkfs.btrfs", "btrfs"]) {
        // Two devices, of which one would do.
        namespace.run(
            "mkdir btrfs subvolume; truncate -s 128M one.img two.img
             one=$(losetup -f --show one.img); two=$(losetup -f --show two.img)
             mkfs.btrfs -q -d single -m raid1 $one $two; mount $one btrfs; losetup -d $one $two
             btrfs -q subvolume create btrfs/a; btrfs -q subvolume snapshot btrfs/a btrfs/b
             mount -o subvol=a $two subvolume",
        );
        check_df(&namespace, "btrfs");
        assert!(!namespace.sample().has(&namespace.id("subvolume", "total")));
    } else {
        skip("it needs btrfs-progs");
    }
    // The images are files of a file system that is counted.
    assert_eq!(namespace.sample().number(ALL), before.number(ALL));
}

#[test]
fn what_is_made_of_other_file_systems_is_none() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    let before = namespace.sample();
    namespace.run(
        "mkdir over low up work memory image bound
         mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work over
         mount -t tmpfs none memory
         mount --bind low bound
         touch file on; mount --bind file on",
    );
    if namespace.has(&["mksquashfs"]) {
        namespace.run("mksquashfs low image.sq -quiet >&2; mount -o loop image.sq image");
    } else {
        skip("it needs squashfs-tools");
    }
    if namespace.has(&["bindfs"]) && Path::new("/dev/fuse").exists() {
        namespace.run("mkdir program; bindfs low program");
    } else {
        skip("it needs bindfs and FUSE");
    }
    let after = namespace.sample();
    assert_eq!(after.sizes(), before.sizes());
}

#[test]
fn compressed_memory_is_a_file_system_and_no_disk() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    // Adds a device of its own, where the kernel has the driver.
    let added = namespace.run("cat /sys/class/zram-control/hot_add 2>/dev/null || true");
    let Ok(number) = added.trim().parse::<u32>() else {
        return skip("the kernel has no zram");
    };
    let before = namespace.sample();
    namespace.run(&format!(
        "echo 64M > /sys/block/zram{number}/disksize; mkfs.ext4 -q /dev/zram{number}
         mkdir memory; mount /dev/zram{number} memory"
    ));
    check_df(&namespace, "memory");
    let after = namespace.sample();
    namespace.run(&format!(
        "umount memory; echo 1 > /sys/block/zram{number}/reset
         echo {number} > /sys/class/zram-control/hot_remove"
    ));
    assert_eq!(after.number(ALL), before.number(ALL));
}

#[test]
fn the_visible_mount_stands_for_a_file_system() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    namespace.mount("ext4", "32M", "low");
    namespace.mount("ext4", "48M", "above/below");
    namespace.mount("ext4", "64M", "top");
    let total = |sampled: &Sampled, point: &str| sampled.number(&namespace.id(point, "total"));
    let sampled = namespace.sample();
    let totals = ["low", "above/below", "top"].map(|point| total(&sampled, point));
    // Two on one point.
    namespace.run("mount --bind top low");
    let sampled = namespace.sample();
    assert_eq!(total(&sampled, "top"), totals[2]);
    assert!(!sampled.has(&namespace.id("low", "total")), "{sampled:#?}");
    namespace.run("umount top");
    assert_eq!(total(&namespace.sample(), "low"), totals[2]);
    namespace.run("umount low");
    assert_eq!(total(&namespace.sample(), "low"), totals[0]);
    // Over the directory above, by a mount that is older.
    namespace.run("mount --move low above");
    let sampled = namespace.sample();
    assert_eq!(total(&sampled, "above"), totals[0]);
    assert!(
        !sampled.has(&namespace.id("above/below", "total")),
        "{sampled:#?}"
    );
    namespace.run("umount above");
    assert_eq!(total(&namespace.sample(), "above/below"), totals[1]);
}

#[test]
fn a_mount_point_that_the_user_can_reach_comes_first() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    // In /tmp, whatever the mode of the test's home is.
    fs::set_permissions(namespace.dir(), fs::Permissions::from_mode(0o755)).expect("mode");
    let program = namespace.dir().join("sampled");
    copy_program(Path::new(SAMPLED), &program);
    namespace.run("mkdir -m 700 private; mkdir public");
    namespace.mount("ext4", "32M", "private/disk");
    let as_nobody = || {
        let mut command = namespace.command("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        Sampled::of(command.arg(&program))
    };
    let private = namespace.id("private/disk", "total");
    assert_eq!(as_nobody().faults[&private], "denied");
    namespace.run("mount --bind private/disk/lost+found public; chmod 755 private/disk/lost+found");
    let public = namespace.id("public", "total");
    let sampled = as_nobody();
    assert_eq!(sampled.number(&public), namespace.sample().number(&private));
    assert!(!sampled.has(&private), "{sampled:#?}");
    // No process is visible but the own ones.
    namespace.run("mount -t proc -o hidepid=invisible proc /proc");
    let sampled = as_nobody();
    assert!(sampled.number(&public) > 0 && sampled.number("disk/%2F/total") > 0);
}

#[test]
fn the_root_of_chroot_is_a_file_system() {
    let Some(namespace) = Namespace::new() else {
        return skip(Namespace::NEEDS);
    };
    namespace.mount("ext4", "64M", "disk");
    // The program, and the directories that it needs.
    namespace.run(&format!(
        "mkdir -p disk/root/proc; cd disk/root
         for path in /dev /usr /lib /lib64; do
             [ ! -e $path ] || {{ mkdir -p .$path; mount --bind $path .$path; }}
         done
         mount -t proc proc proc
         touch sampled; mount --bind {SAMPLED} sampled"
    ));
    let root = namespace.dir().join("disk/root");
    let mut inside = namespace.command("chroot");
    let inside = Sampled::of(inside.arg(root).arg("/sampled"));
    let outside = namespace.sample();
    let total = outside.number(&namespace.id("disk", "total"));
    assert_eq!(inside.number("disk/%2F/total"), total);
}
