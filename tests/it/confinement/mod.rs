//! The service confines itself and its commands unless a unit of systemd does that. For the unit, see
//! `systemd::confinement`.

pub(crate) mod probe;

use std::{
    any::type_name_of_val,
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    os::unix::{net::UnixDatagram, process::CommandExt},
    process::{Command, Stdio},
};

use nix::{libc, unistd::Uid};
use rustix::process::Signal;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::{
    commands::fixture::{rerun_message, rerun_test},
    custom::fixture::sources_d,
    support::{
        bus::Bus,
        home::SAMPLED,
        process::{Process, skip},
    },
};
use probe::{DENIED, Probe, WORKS};

/// A field of /proc/PID/task/TID/status, which must be the same in all threads.
#[track_caller]
pub(crate) fn field(pid: u32, name: &str) -> String {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut values = threads.filter_map(|thread| {
        let status = fs::read_to_string(thread.ok()?.path().join("status")).ok()?;
        let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
        let value = lines.next().expect("field");
        Some(value.trim_start_matches(':').trim().to_owned())
    });
    let value = values.next().expect("a thread");
    for other in values {
        assert_eq!(other, value, "{name}");
    }
    value
}

/// The soft and the hard limit of the size of core files.
#[track_caller]
pub(crate) fn core_limits(pid: u32) -> [String; 2] {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"));
    let mut words = line.expect("limit").split_whitespace().map(str::to_owned);
    [words.next().unwrap(), words.next().unwrap()]
}

/// A field of this process, which is not confined.
fn unconfined_field(name: &str) -> String {
    field(std::process::id(), name)
}

#[test]
fn the_service_confines_itself_and_its_commands() {
    for arguments in ["serve", "start"] {
        let bus = Bus::executing(&format!("{SAMPLED} {arguments} --idle-timeout never"));
        let Some(probe) = Probe::new(bus.dir()) else {
            return skip("there is no python3");
        };
        probe.define(&sources_d(&bus));
        let (outcomes, daemon) = bus.block_on(async {
            let client = bus.client().await;
            let outcomes = probe.run_confined(&client).await;
            (outcomes, bus.daemon().await.expect("it stays"))
        });
        assert_eq!(field(daemon.pid, "NoNewPrivs"), "1");
        assert_eq!(field(daemon.pid, "Seccomp"), "2");
        assert_eq!(field(daemon.pid, "Umask"), "0077");
        assert_eq!(core_limits(daemon.pid), ["0", "0"]);

        let unconfined = probe.run_unconfined();
        let expected = DENIED.map(|(name, _)| (name, "EPERM"));
        let others = [
            ("clone_namespace", "EPERM"),
            ("unshare_namespace", "EPERM"),
            ("personality", "EPERM"),
            ("ask_personality", "ok"),
            ("clone3", "ENOSYS"),
            ("NoNewPrivs", "1"),
            // The service has 0077.
            ("Umask", "0022"),
        ];
        let works = WORKS.map(|name| (name, "ok"));
        for (name, outcome) in expected.into_iter().chain(others).chain(works) {
            assert_eq!(
                outcomes[name], outcome,
                "{name}; without the service {}",
                unconfined[name]
            );
        }
        // A kernel may be built without 32-bit system calls.
        if cfg!(target_arch = "x86_64") && unconfined["foreign"] == "ok" {
            assert_eq!(outcomes["foreign"], "SIGSYS");
        }
        // Only the filter denies these to root.
        if Uid::effective().is_root() && unconfined_field("Seccomp") == "0" {
            let equal = outcomes.iter().filter(|(_, outcome)| *outcome == "EPERM");
            let equal: Vec<_> = equal
                .filter(|(name, outcome)| unconfined[*name] == **outcome)
                .collect();
            assert!(equal.is_empty(), "{equal:?}");
        }
    }
}

/// A client may do what the shell that has started it may do.
#[test]
fn clients_are_not_confined() {
    let bus = Bus::activating("");
    let mut watch = bus.sampled(&["watch", "memory/physical/used", "--json"]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(watch.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(!line.is_empty());
    for name in ["NoNewPrivs", "Seccomp", "Umask"] {
        assert_eq!(field(watch.id(), name), unconfined_field(name), "{name}");
    }
    assert_eq!(core_limits(watch.id()), core_limits(std::process::id()));
    watch.kill().unwrap();
    watch.wait().unwrap();
}

/// The user may have edited the unit.
#[test]
fn a_service_in_a_unit_of_systemd_does_not_confine_itself() {
    let bus = Bus::new();
    let mut serve = bus.command("sh");
    let socket = bus.dir().join("notify");
    let _manager = UnixDatagram::bind(&socket).unwrap();
    let text = "SYSTEMD_EXEC_PID=$$ exec \"$0\" serve";
    serve.args(["-c", text, SAMPLED]);
    let mut daemon = serve.env("NOTIFY_SOCKET", socket).spawn().unwrap();
    bus.block_on(bus.owned());
    for name in ["NoNewPrivs", "Seccomp"] {
        assert_eq!(field(daemon.id(), name), unconfined_field(name), "{name}");
    }
    assert_eq!(core_limits(daemon.id()), core_limits(std::process::id()));
    assert_eq!(field(daemon.id(), "Umask"), "0077");
    Process::open(daemon.id()).unwrap().signal(Signal::TERM);
    daemon.wait().unwrap();
}

/// As in a container, or on a kernel without seccomp.
#[test]
fn a_confinement_that_the_kernel_refuses_is_logged_once_and_left_out() {
    if rerun_message().is_some() {
        seccompiler::apply_filter(&denying_filter()).unwrap();
        let error = Command::new(SAMPLED)
            .args(["serve", "--log-level", "info"])
            .exec();
        panic!("{error}");
    }
    let bus = Bus::new();
    let mut serve = rerun_test(type_name_of_val(&|| ()), "serve".as_ref());
    serve.env("DBUS_SESSION_BUS_ADDRESS", bus.address());
    serve.env("HOME", bus.dir()).env_remove("NOTIFY_SOCKET");
    let mut daemon = serve
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    bus.block_on(async {
        bus.owned().await;
        let sample = bus.client().await.list(&["cpu"]).await;
        assert!(!sample.unwrap().is_empty());
    });
    Process::open(daemon.id()).unwrap().signal(Signal::TERM);
    let log: Vec<_> = BufReader::new(daemon.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .collect();
    assert!(daemon.wait().unwrap().success());
    for feature in ["RLIMIT_CORE", "no_new_privs", "seccomp"] {
        let lines = log.iter().filter(|line| line.contains(feature));
        let lines: Vec<_> = lines.collect();
        assert!(
            matches!(&lines[..], [line] if line.contains("INFO") && line.contains("not permitted")),
            "{feature}: {log:#?}"
        );
    }
}

/// A filter that denies the system calls by which the service confines itself.
fn denying_filter() -> BpfProgram {
    let rule = |index, value| {
        let operator = SeccompCmpOp::Eq;
        let condition = SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value);
        vec![SeccompRule::new(vec![condition.unwrap()]).unwrap()]
    };
    let rules = BTreeMap::from([
        (libc::SYS_seccomp, Vec::new()),
        (libc::SYS_prctl, rule(0, libc::PR_SET_NO_NEW_PRIVS as u64)),
        (libc::SYS_prlimit64, rule(1, libc::RLIMIT_CORE as u64)),
    ]);
    let deny = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, deny, arch);
    filter.unwrap().try_into().unwrap()
}
