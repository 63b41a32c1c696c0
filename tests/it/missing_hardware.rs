//! Files that a kernel, a machine or a container does not have are no failure and cause no warning.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    calls::fixture,
    support::{
        bus::Bus,
        home::{Home, SAMPLED},
        process::{Run, skip},
    },
};

/// A copy of a fixture tree, from which a test can remove files.
fn copied_tree() -> TempDir {
    let tree = tempfile::tempdir().expect("directory");
    let source = format!("{}/.", fixture("laptop"));
    let copied = Command::new("cp")
        .args(["-a", &source])
        .arg(tree.path())
        .status();
    assert!(copied.expect("cp").success());
    tree
}

fn remove(path: &Path) {
    match path.is_dir() {
        true => fs::remove_dir_all(path).expect("directory"),
        false => fs::remove_file(path).expect("file"),
    }
}

/// Runs `sampled` on a tree.
fn run(home: &Home, arguments: &[&str], tree: &Path) -> Run {
    let mut command = home.sampled(arguments);
    for (option, part) in [("--procfs", "proc"), ("--sysfs", "sys"), ("--rootfs", "")] {
        command.arg(option).arg(tree.join(part));
    }
    Run::of(&mut command)
}

/// A directory and all files and directories below it, in breadth-first order. Links are not followed.
fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut all = vec![directory.to_owned()];
    let mut at = 0;
    while let Some(path) = all.get(at).cloned() {
        at += 1;
        if path.is_dir() && !path.is_symlink() {
            let entries = fs::read_dir(&path).expect("directory");
            all.extend(entries.map(|entry| entry.expect("entry").path()));
        }
    }
    all
}

#[test]
fn each_file_and_directory_may_be_missing() {
    let home = Home::new();
    let tree = copied_tree();
    let run_all = run(&home, &["list"], tree.path());
    assert_eq!((run_all.code, &*run_all.stderr), (Some(0), ""));
    // Files and directories of /proc, and the first three levels of /sys.
    let paths = ["proc", "sys"].map(|part| walk(&tree.path().join(part)));
    let away = tree.path().join("away");
    let mut count = 0;
    for path in paths.iter().flatten().skip(1) {
        let part = path.strip_prefix(tree.path()).unwrap();
        // A directory of a process always has its files.
        if part.starts_with("proc/1") || part.starts_with("sys") && part.components().count() > 4 {
            continue;
        }
        count += 1;
        fs::rename(path, &away).unwrap();
        // Near the root, the test also reads the metrics that are left. Everywhere, it would take too long.
        let arguments = match part.components().count() {
            ..=2 => &["sample", "--window", "10ms"][..],
            _ => &["list", "--json"],
        };
        let run = run(&home, arguments, tree.path());
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{part:?}");
        fs::rename(&away, path).unwrap();
    }
    assert!(count > 40, "{count}");
    let empty = tempfile::tempdir().unwrap();
    fs::create_dir(empty.path().join("proc")).unwrap();
    let run = run(&home, &["list"], empty.path());
    assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "", ""));
}

#[test]
fn a_file_that_cannot_be_read_causes_a_warning() {
    let home = Home::new();
    let tree = copied_tree();
    let stat = tree.path().join("proc/stat");
    remove(&stat);
    fs::create_dir(&stat).unwrap();
    let listed = run(&home, &["list"], tree.path());
    assert_eq!(listed.code, Some(0));
    assert_eq!(listed.stderr.lines().count(), 1, "{listed:?}");
    let warning = format!(" WARN {}: ", stat.display());
    assert!(listed.stderr.starts_with(&warning), "{listed:?}");
    // Every machine has /proc.
    remove(&tree.path().join("proc"));
    let listed = run(&home, &["list"], tree.path());
    assert_eq!((listed.code, &*listed.stdout), (Some(1), ""));
    let error = "proc: No such file or directory";
    assert!(listed.stderr.contains(error), "{listed:?}");
}

#[test]
fn a_service_logs_no_missing_file_and_names_it_in_the_error() {
    let tree = tempfile::tempdir().unwrap();
    let dir = tree.path().display();
    let bus = Bus::activating(&format!(
        "--procfs {dir} --sysfs {dir}/sys --rootfs {dir}/root"
    ));
    assert_eq!(bus.run(&["list"]).ok(), "");
    let run = bus.run(&["sample", "cpu/all/usage"]);
    let expected = format!(
        "sampled: cpu/all/usage: none on this machine ({dir}/stat: No such file or directory (os error 2))\n"
    );
    assert_eq!((run.code, run.stderr), (Some(1), expected));
    assert!(!bus.log().contains("WARN"), "{}", bus.log());
}

#[test]
fn a_container_may_hide_directories_of_proc_and_sys() {
    let home = Home::new();
    let run_behind = |script: &str| {
        let script = format!("set -e; {script}; exec {SAMPLED} sample --rootfs /");
        let mut command = home.command("unshare");
        command
            .args(["-rm", "sh", "-c", &script])
            .stdin(Stdio::null());
        Run::of(&mut command)
    };
    if run_behind("mount -t tmpfs none /mnt").code != Some(0) {
        return skip("no mount namespace can be made here");
    }
    for script in [
        "mount -t tmpfs none /sys",
        "mount -t tmpfs none /sys/class",
        "mount -t tmpfs none /proc/sys",
        "mount -t tmpfs none /proc/sys; mount -t tmpfs none /sys",
        "[ ! -d /proc/pressure ] || mount -t tmpfs none /proc/pressure",
    ] {
        let run = run_behind(script);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{script}");
    }
}
