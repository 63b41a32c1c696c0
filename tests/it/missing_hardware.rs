//! What a kernel, a machine or a container does not have is no failure, and nobody is warned of it.

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

/// A machine of which a part can be taken away.
fn machine() -> TempDir {
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

/// What `sampled` says of a machine.
fn run(home: &Home, arguments: &[&str], tree: &Path) -> Run {
    let mut command = home.sampled(arguments);
    for (option, part) in [("--procfs", "proc"), ("--sysfs", "sys"), ("--rootfs", "")] {
        command.arg(option).arg(tree.join(part));
    }
    Run::of(&mut command)
}

/// All files and directories below one of them that are not only links, the nearer ones first.
fn below(directory: &Path) -> Vec<PathBuf> {
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
fn what_is_absent_is_silence() {
    let home = Home::new();
    let whole = machine();
    let said = run(&home, &["list"], whole.path());
    assert_eq!((said.code, &*said.stderr), (Some(0), ""));
    // Files and directories of /proc, and the first three levels of /sys.
    let paths = ["proc", "sys"].map(|part| below(&whole.path().join(part)));
    let away = whole.path().join("away");
    let mut taken = 0;
    for path in paths.iter().flatten().skip(1) {
        let part = path.strip_prefix(whole.path()).unwrap();
        // A process without its files is no process.
        if part.starts_with("proc/1") || part.starts_with("sys") && part.components().count() > 4 {
            continue;
        }
        taken += 1;
        fs::rename(path, &away).unwrap();
        // What is discovered without it is read as well, where it is not as small.
        let arguments = match part.components().count() {
            ..=2 => &["sample", "--window", "10ms"][..],
            _ => &["list", "--json"],
        };
        let said = run(&home, arguments, whole.path());
        assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{part:?}");
        fs::rename(&away, path).unwrap();
    }
    assert!(taken > 40, "{taken}");
    let nothing = tempfile::tempdir().unwrap();
    fs::create_dir(nothing.path().join("proc")).unwrap();
    let said = run(&home, &["list"], nothing.path());
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (Some(0), "", ""));
}

#[test]
fn what_fails_is_told() {
    let home = Home::new();
    let tree = machine();
    let stat = tree.path().join("proc/stat");
    remove(&stat);
    fs::create_dir(&stat).unwrap();
    let said = run(&home, &["list"], tree.path());
    assert_eq!(said.code, Some(0));
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(
        said.stderr
            .starts_with(&format!(" WARN {}: ", stat.display())),
        "{said:?}"
    );
    // There is no machine without it.
    remove(&tree.path().join("proc"));
    let said = run(&home, &["list"], tree.path());
    assert_eq!((said.code, &*said.stdout), (Some(1), ""));
    assert!(
        said.stderr.contains("proc: No such file or directory"),
        "{said:?}"
    );
}

#[test]
fn a_service_is_silent_too() {
    let tree = tempfile::tempdir().unwrap();
    let dir = tree.path().display();
    let bus = Bus::activating(&format!(
        "--procfs {dir} --sysfs {dir}/sys --rootfs {dir}/root"
    ));
    assert_eq!(bus.run(&["list"]).ok(), "");
    // Who asks is told why.
    let said = bus.run(&["sample", "cpu/all/usage"]);
    let expected = format!(
        "sampled: cpu/all/usage: none on this machine ({dir}/stat: No such file or directory (os error 2))\n"
    );
    assert_eq!((said.code, said.stderr), (Some(1), expected));
    assert!(!bus.log().contains("WARN"), "{}", bus.log());
}

#[test]
fn a_container_may_hide_what_it_likes() {
    let home = Home::new();
    let hidden = |script: &str| {
        let script = format!("set -e; {script}; exec {SAMPLED} sample --rootfs /");
        let mut command = home.command("unshare");
        command
            .args(["-rm", "sh", "-c", &script])
            .stdin(Stdio::null());
        Run::of(&mut command)
    };
    if hidden("mount -t tmpfs none /mnt").code != Some(0) {
        return skip("no mount namespace can be made here");
    }
    for script in [
        "mount -t tmpfs none /sys",
        "mount -t tmpfs none /sys/class",
        "mount -t tmpfs none /proc/sys",
        "mount -t tmpfs none /proc/sys; mount -t tmpfs none /sys",
        "[ ! -d /proc/pressure ] || mount -t tmpfs none /proc/pressure",
    ] {
        let said = hidden(script);
        assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{script}");
    }
}
