//! A `/proc` that hides files and processes, or shows those of a container, in mount and pid namespaces.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use nix::unistd::geteuid;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    home::{Home, SAMPLED, copy_program},
    process::{Run, skip},
};

/// A user that no other test runs programs as.
const USER: &str = "54321";

/// A directory with the program that every user may execute.
fn program() -> TempDir {
    let directory = tempfile::tempdir().expect("directory");
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(directory.path(), everybody).expect("permissions");
    copy_program(SAMPLED.as_ref(), &directory.path().join("sampled"));
    directory
}

/// Runs `sampled sample --json` as an ordinary user and as process 1 of a new pid namespace, after a script of root that
/// prepares `/proc`. `None` if the script fails.
fn sample(script: &str, selectors: &[&str]) -> Option<Value> {
    let program = program();
    let home = Home::new();
    let mut command = home.command("unshare");
    let script = format!(
        "{{ {script}; }} >/dev/null 2>&1 || exit 99; \
         exec setpriv --reuid {USER} --regid {USER} --clear-groups \
         env HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent \"$0\" sample --json \"$@\""
    );
    command
        .args(["--mount", "--pid", "--fork", "--kill-child"])
        .args(["sh", "-c", &script])
        .arg(program.path().join("sampled"))
        .args(selectors)
        .stdin(Stdio::null());
    let run = Run::of(&mut command);
    if run.code == Some(99) {
        return None;
    }
    let printed = run.stdout.lines().next().unwrap_or_default();
    let frame = serde_json::from_str(printed);
    Some(frame.unwrap_or_else(|_| panic!("{run:?}")))
}

/// Whether this test may make namespaces and change its user.
fn may_unshare() -> bool {
    let may = geteuid().is_root() && sample("true", &["os/processes/total"]).is_some();
    if !may {
        skip("needs root, unshare(1) and setpriv(1)");
    }
    may
}

#[track_caller]
fn check(frame: &Value, id: &str, expected: f64) {
    assert_eq!(frame["readings"][id].as_f64(), Some(expected), "{frame}");
}

/// Two processes of root, which the ordinary user does not see.
const TWO: &str = "{ sleep 1000 & sleep 1000 & }";

#[test]
fn processes_are_counted_where_others_are_hidden() {
    if !may_unshare() {
        return;
    }
    for (option, total) in [("hidepid=0", 3.0), ("hidepid=2", 1.0), ("hidepid=4", 1.0)] {
        let script = format!("mount -t proc -o {option} proc /proc && {TWO}");
        let Some(frame) = sample(&script, &["os/processes/*"]) else {
            skip(&format!("the kernel has no {option}"));
            continue;
        };
        check(&frame, "os/processes/total", total);
        assert_eq!(
            frame["faults"].as_object().map(|all| all.len()),
            Some(0),
            "{frame}"
        );
    }
}

#[test]
fn processes_are_counted_where_the_files_of_others_are_denied() {
    if !may_unshare() {
        return;
    }
    let script = format!("mount -t proc -o hidepid=1 proc /proc && {TWO}");
    let frame = sample(&script, &["os/processes/*"]).expect("hidepid since Linux 3.3");
    check(&frame, "os/processes/total", 3.0);
    for count in ["threads", "running", "sleeping", "zombie"] {
        let id = format!("os/processes/{count}");
        assert_eq!(frame["faults"][&id], "denied", "{frame}");
    }
}

#[test]
fn a_proc_of_processes_alone_needs_no_other_file() {
    if !may_unshare() {
        return;
    }
    let Some(frame) = sample("mount -t proc -o subset=pid proc /proc", &[]) else {
        return skip("the kernel has no subset=pid");
    };
    let release = nix::sys::utsname::uname().unwrap();
    let release = release.release().to_str().unwrap();
    assert_eq!(frame["readings"]["os/kernel/version"], release, "{frame}");
    assert!(
        frame["readings"]["os/system/hostname"].is_string(),
        "{frame}"
    );
    let uptime = frame["readings"]["os/system/uptime"].as_f64();
    assert!(uptime.is_some_and(|uptime| uptime > 0.0), "{frame}");
    check(&frame, "os/processes/total", 1.0);
    let online = fs::read_to_string("/sys/devices/system/cpu/online");
    if online.is_ok() {
        let count = frame["readings"]["cpu/all/cpuCount"].as_f64();
        assert!(count.is_some_and(|count| count >= 1.0), "{frame}");
    }
}

/// Files over those of `/proc`, as lxcfs mounts them in a container, beside the sysfs of the host.
#[test]
fn files_of_a_container_count_before_those_of_its_host() {
    if !may_unshare() {
        return;
    }
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if cpus.matches("\nprocessor").count() == 0 {
        return skip("needs two CPUs");
    }
    let script = "mount -t proc proc /proc && mount -t tmpfs none /mnt && \
        grep -v '^cpu[1-9]' /proc/stat >/mnt/stat && \
        sed '/^$/,$d' /proc/cpuinfo >/mnt/cpuinfo && \
        printf 'MemTotal: 1000 kB\\nMemFree: 900 kB\\nMemAvailable: 1100 kB\\nCached: 10 kB\\nSwapTotal: 0 kB\\nSwapFree: 5 kB\\n' >/mnt/meminfo && \
        for file in stat cpuinfo meminfo; do mount --bind /mnt/$file /proc/$file || exit 99; done";
    let frame = sample(script, &[]).expect("bind mounts");
    check(&frame, "cpu/all/cpuCount", 1.0);
    let readings = frame["readings"].as_object().expect("readings");
    let of_others = |id: &&String| id.starts_with("cpu/cpu") && !id.starts_with("cpu/cpu0/");
    let others = readings.keys().filter(of_others);
    let others = others.filter(|id| id.ends_with("/name") || id.ends_with("/usage"));
    assert_eq!(others.count(), 0, "{frame}");
    // The memory that is available to the container is what its other lines tell.
    check(&frame, "memory/physical/available", 910.0 * 1024.0);
    check(&frame, "memory/physical/used", 90.0 * 1024.0);
    check(&frame, "memory/swap/free", 0.0);
}
