//! The confinement by the unit in the session of an ordinary user: each option has an effect, and the service works.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use sampled::{client::Start, reading::Value};
use tokio::time::timeout;

use super::session::{Session, Setup, UNITS, within};
use crate::{
    confinement::{
        core_limits, field,
        probe::{DENIED, Outcomes, Probe, WORKS},
    },
    custom::fixture::define,
    support::process::{DEADLINE, Run, skip},
};

/// The session of an ordinary user, with either bus.
pub(super) const ORDINARY: [Setup; 2] = [ordinary(UNITS[0]), ordinary(UNITS[1])];

const fn ordinary(setup: Setup) -> Setup {
    Setup {
        user: "nobody",
        ..setup
    }
}

fn home() -> PathBuf {
    env::var_os("HOME").expect("HOME").into()
}

fn sources_d() -> PathBuf {
    home().join(".config/sampled/sources.d")
}

/// The results of the system calls that a command of the service tries, and the results without the service.
async fn tried(session: &Session) -> Option<[Outcomes; 2]> {
    let Some(probe) = Probe::new(&home()) else {
        skip("there is no python3");
        return None;
    };
    probe.define(&sources_d());
    let client = session.client().await;
    Some([probe.run_confined(&client).await, probe.run_unconfined()])
}

#[test]
fn each_option_has_an_effect() {
    within(&ORDINARY, async |session| {
        let Some([tried, free]) = tried(session).await else {
            return;
        };
        let process = session.owner().await;
        assert_eq!(session.unit().await.main_pid().await, process.pid);
        assert_eq!(field(process.pid, "NoNewPrivs"), "1");
        // seccomp(2): 2 is a filter.
        assert_eq!(field(process.pid, "Seccomp"), "2");
        assert_eq!(field(process.pid, "Umask"), "0077");
        // LimitCORE
        assert_eq!(core_limits(process.pid), ["0", "0"]);
        let options = [
            ("NoNewPrivileges", "NoNewPrivs", "1"),
            ("RestrictAddressFamilies", "packet_socket", "EAFNOSUPPORT"),
            ("RestrictNamespaces", "unshare_namespace", "EPERM"),
            ("RestrictNamespaces", "clone_namespace", "EPERM"),
            ("RestrictNamespaces", "clone3", "ENOSYS"),
            ("RestrictRealtime", "real_time", "EPERM"),
            ("RestrictSUIDSGID", "set-user-ID", "EPERM"),
            ("LockPersonality", "personality", "EPERM"),
            ("SystemCallArchitectures", "foreign", "SIGSYS"),
            ("SystemCallFilter, SystemCallErrorNumber", "ptrace", "EPERM"),
            ("SystemCallFilter=~", "keyctl", "EPERM"),
            ("SystemCallFilter=~", "io_uring_setup", "EPERM"),
            ("SystemCallFilter=~", "io_uring_enter", "EPERM"),
            ("SystemCallFilter=~", "io_uring_register", "EPERM"),
            ("SystemCallFilter=~", "userfaultfd", "EPERM"),
            ("SystemCallFilter=~", "process_vm_readv", "EPERM"),
            ("SystemCallFilter=~", "process_vm_writev", "EPERM"),
        ];
        for (option, attempt, outcome) in options {
            // A kernel may know no 32-bit programs, and no user namespaces of ordinary users.
            if free[attempt] != "ok" && ["foreign", "unshare_namespace"].contains(&attempt) {
                skip(&format!(
                    "{option}: without it {attempt} is {}",
                    free[attempt]
                ));
                continue;
            }
            assert_eq!(tried[attempt], outcome, "{option}: {attempt}");
            assert_ne!(free[attempt], outcome, "{option}: {attempt}");
        }
        // The unit denies all calls that the service denies itself without a unit.
        for (name, outcome) in DENIED.map(|(name, _)| (name, "EPERM")) {
            // A call that this systemd does not know may be unknown to the kernel, too.
            let is_denied = tried[name] == outcome || tried[name] == "ENOSYS";
            assert!(is_denied, "{name}: {}", tried[name]);
        }
        for name in WORKS {
            assert_eq!(tried[name], "ok", "{name}");
        }
    });
}

#[test]
fn systemd_accepts_the_resource_limits() {
    within(&ORDINARY, async |session| {
        session.busctl_sample();
        let properties = ["MemoryMax", "TasksMax", "OOMPolicy"]
            .map(|name| session.systemctl(&["show", "sampled", "--value", "--property", name]));
        let properties = properties.each_ref().map(|value| value.trim());
        assert_eq!(properties, ["2147483648", "4096", "continue"]);
        // The files of the control group exist only if the controllers are delegated to the user.
        let process = session.owner().await;
        for (controller, file, value) in [
            ("memory", "memory.max", "2147483648"),
            ("pids", "pids.max", "4096"),
        ] {
            match control_group(process.pid).map(|group| fs::read_to_string(group.join(file))) {
                Some(Ok(text)) => assert_eq!(text.trim(), value),
                _ => println!(
                    "{file} is not checked: this session has no controller {controller} in its cgroup of version 2"
                ),
            }
        }
    });
}

#[test]
fn the_unit_is_in_the_slice_of_the_session() {
    within(&UNITS, async |session| {
        session.busctl_sample();
        let properties = ["Slice", "CPUWeight"]
            .map(|name| session.systemctl(&["show", "sampled", "--value", "--property", name]));
        let properties = properties.each_ref().map(|value| value.trim());
        assert_eq!(properties, ["session.slice", "20"]);
        let process = session.owner().await;
        let groups = fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).unwrap();
        assert!(
            groups.contains("/session.slice/sampled.service\n"),
            "{groups}"
        );
    });
}

/// The directory of the version 2 control group of a process.
fn control_group(pid: u32) -> Option<PathBuf> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mount = Command::new("findmnt")
        .args(["-rno", "TARGET", "-t", "cgroup2"])
        .output()
        .ok()?;
    let mount = String::from_utf8(mount.stdout).ok()?;
    Some(Path::new(mount.lines().next()?).join(path))
}

/// dbus-daemon starts the service as its child, dbus-broker in a transient unit.
#[test]
fn without_an_installed_unit_the_service_confines_itself() {
    let setups = ORDINARY.map(|setup| Setup {
        unit: false,
        ..setup
    });
    within(&setups, async |session| {
        session.busctl_sample();
        let process = session.owner().await;
        assert_eq!(field(process.pid, "NoNewPrivs"), "1");
        assert_eq!(field(process.pid, "Seccomp"), "2");
        assert_eq!(core_limits(process.pid), ["0", "0"]);
    });
}

/// The example in docs/sources.md for users whose commands need more rights.
#[test]
fn a_drop_in_of_the_user_removes_the_confinement() {
    within(&ORDINARY[..1], async |session| {
        let docs = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources.md"));
        let (_, text) = docs.split_once("```ini\n").expect("an example");
        let (text, _) = text.split_once("```").expect("its end");
        let directory = home().join(".config/systemd/user/sampled.service.d");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("override.conf"), text).unwrap();
        session.systemctl(&["daemon-reload"]);
        if let Some([tried, mut free]) = tried(session).await {
            // The probe by the command does not report all calls as metrics.
            free.retain(|name, _| tried.contains_key(name));
            assert_eq!(tried, free);
        }
        let limits = ["show", "sampled", "--property", "MemoryMax,TasksMax"];
        let limits = session.systemctl(&limits);
        assert_eq!(limits, "MemoryMax=infinity\nTasksMax=infinity\n");
    });
}

/// The kernel shows these fields only to a process that may trace the other one. No option of the unit hides them.
#[test]
fn all_fields_of_the_users_processes_are_read() {
    within(&ORDINARY, async |session| {
        let mut other = session.command("sleep").arg("1000").spawn().expect("sleep");
        let filter = format!("pid={}", other.id());
        let fields = "pid,executable,pss,read,write";
        let arguments = ["ps", "--json", "--fields", fields, "--filter", &filter];
        let text = Run::of(&mut session.sampled(&arguments)).ok();
        println!("{text}");
        assert!(
            text.contains("/sleep") && !text.contains("denied"),
            "{text}"
        );
        assert_eq!(field(session.owner().await.pid, "Seccomp"), "2");
        other.kill().expect("kill");
        other.wait().expect("wait");
    });
}

/// The service gets changes of definition files by inotify(7): no call makes it look for them.
#[test]
fn saved_definitions_are_noticed() {
    within(&ORDINARY, async |session| {
        let file = home().join("number");
        fs::write(&file, "1").unwrap();
        let text = |name| format!("[metrics.'saved/all/{name}']\nfile = {file:?}\n");
        define(&sources_d(), "saved.toml", &text("first"));
        let client = session.client().await;
        let mut kept = client
            .start(&["saved"], Start::every_millis(60))
            .await
            .expect("session");
        define(
            &sources_d(),
            "saved.toml",
            &(text("first") + &text("second")),
        );
        let second = async {
            loop {
                let frame = kept.next().await.expect("frame");
                if frame.reading("saved/all/second") == Some(Ok(Value::Number(1.0))) {
                    return;
                }
            }
        };
        timeout(DEADLINE, second)
            .await
            .expect("a frame with the new metric");
    });
}
