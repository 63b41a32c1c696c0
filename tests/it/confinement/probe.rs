//! A program that tries what may be denied, as a custom command of a service and without a service.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nix::libc;
use sampled::{
    client::{Client, SampleOptions},
    reading::Value,
};

use crate::{
    custom::fixture::define,
    support::process::{DEADLINE, Run},
};

/// System calls that a confined service may not make.
pub(crate) const DENIED: [(&str, i64); 42] = [
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("pivot_root", libc::SYS_pivot_root),
    ("open_tree", libc::SYS_open_tree),
    ("move_mount", libc::SYS_move_mount),
    ("fsopen", libc::SYS_fsopen),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsmount", libc::SYS_fsmount),
    ("fspick", libc::SYS_fspick),
    ("mount_setattr", libc::SYS_mount_setattr),
    // They have the same number on every architecture. Not every version of libc has them.
    ("open_tree_attr", 467),
    ("quotactl_fd", 443),
    ("swapon", libc::SYS_swapon),
    ("swapoff", libc::SYS_swapoff),
    ("quotactl", libc::SYS_quotactl),
    ("acct", libc::SYS_acct),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("init_module", libc::SYS_init_module),
    ("finit_module", libc::SYS_finit_module),
    ("delete_module", libc::SYS_delete_module),
    ("kexec_load", libc::SYS_kexec_load),
    ("kexec_file_load", KEXEC_FILE_LOAD),
    ("reboot", libc::SYS_reboot),
    ("settimeofday", libc::SYS_settimeofday),
    ("clock_settime", libc::SYS_clock_settime),
    ("ptrace", libc::SYS_ptrace),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("setns", libc::SYS_setns),
    ("unshare", libc::SYS_unshare),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("add_key", libc::SYS_add_key),
    ("request_key", libc::SYS_request_key),
    ("keyctl", libc::SYS_keyctl),
    // Only on x86.
    ("iopl", IOPL),
    ("ioperm", IOPERM),
];

#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: i64 = libc::SYS_kexec_file_load;
#[cfg(not(target_arch = "x86_64"))]
const KEXEC_FILE_LOAD: i64 = 294;
#[cfg(target_arch = "x86_64")]
const IOPL: i64 = libc::SYS_iopl;
#[cfg(target_arch = "x86_64")]
const IOPERM: i64 = libc::SYS_ioperm;
#[cfg(not(target_arch = "x86_64"))]
const IOPL: i64 = libc::SYS_mount;
#[cfg(not(target_arch = "x86_64"))]
const IOPERM: i64 = libc::SYS_mount;

/// System calls that the program makes with valid arguments.
const OTHERS: [(&str, i64); 4] = [
    ("clone", libc::SYS_clone),
    ("clone3", libc::SYS_clone3),
    ("personality", libc::SYS_personality),
    ("sched_setscheduler", libc::SYS_sched_setscheduler),
];

/// Attempts that succeed, confined or not.
pub(crate) const WORKS: [&str; 10] = [
    "thread",
    "subprocess",
    "jit",
    "inotify",
    "memfd",
    "unshare_files",
    "inet",
    "unix",
    "netlink",
    "other_process",
];

/// The other outcomes that the program prints.
const OTHER_OUTCOMES: [&str; 11] = [
    "clone3",
    "personality",
    "ask_personality",
    "clone_namespace",
    "unshare_namespace",
    "real_time",
    "set-user-ID",
    "packet_socket",
    "foreign",
    "NoNewPrivs",
    "Umask",
];

/// The outcome of each attempt by its name.
pub(crate) type Outcomes = BTreeMap<String, String>;

/// The program, in a directory that its user may write to.
pub(crate) struct Probe(PathBuf);

impl Probe {
    /// None where the machine has no Python.
    pub(crate) fn new(directory: &Path) -> Option<Self> {
        let program = directory.join("probe.py");
        fs::write(&program, include_str!("probe.py")).unwrap();
        Path::new(PYTHON).exists().then_some(Self(program))
    }

    fn argv(&self) -> [String; 3] {
        let calls = DENIED.iter().chain(&OTHERS);
        let calls: BTreeMap<_, _> = calls.copied().collect();
        [
            PYTHON.to_owned(),
            self.0.to_str().expect("UTF-8").to_owned(),
            serde_json::to_string(&calls).unwrap(),
        ]
    }

    /// The outcomes without a service.
    #[track_caller]
    pub(crate) fn run_unconfined(&self) -> Outcomes {
        let [program, arguments @ ..] = self.argv();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.0.parent().unwrap());
        serde_json::from_str(&Run::of(&mut command).ok()).unwrap()
    }

    /// Defines it as a command, and its outcomes as metrics.
    pub(crate) fn define(&self, sources_d: &Path) {
        let calls = DENIED.iter().map(|(name, _)| *name);
        let names = calls.chain(OTHER_OUTCOMES).chain(WORKS);
        let metrics = names.map(|name| {
            format!(
                "[metrics.'probe/all/{name}']\ncommand = 'probe'\njson = '/{name}'\nkind = 'text'\n"
            )
        });
        let argv = serde_json::to_string(&self.argv()).unwrap();
        let text = format!("[commands.probe]\nargv = {argv}\n") + &metrics.collect::<String>();
        define(sources_d, "probe.toml", &text);
    }

    /// The outcomes in a command of the service.
    pub(crate) async fn run_confined(&self, client: &Client) -> Outcomes {
        let options = SampleOptions {
            timeout: Some(DEADLINE),
            ..SampleOptions::default()
        };
        let sample = client.sample(&["probe"], options).await.unwrap();
        let source_error = || async {
            client.sources().await.unwrap()["sources.d/probe.toml"]
                .error
                .clone()
        };
        assert!(
            sample.faults.is_empty(),
            "{:?} {}",
            sample.faults,
            source_error().await
        );
        let outcomes = sample.readings.into_iter().map(|(id, value)| {
            let name = id
                .strip_prefix("probe/all/")
                .expect("it was asked for")
                .to_owned();
            match value {
                Value::Text(outcome) => (name, outcome.to_string()),
                number => panic!("{name}: {number:?}"),
            }
        });
        outcomes.collect()
    }
}

const PYTHON: &str = "/usr/bin/python3";
