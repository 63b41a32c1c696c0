//! The identification of callers in a sandbox and outside.

use std::{fs, path::PathBuf, pin::pin};

use futures_util::StreamExt;
use rustix::process::geteuid;
use sampled::client::{Client, SampleOptions, Start, TableOptions};
use tokio::time::timeout;
use zbus::{
    MessageStream,
    fdo::{DBusProxy, MonitoringProxy},
    message::Type,
};

use super::{Sandbox, assert_denied, configure};
use crate::support::{
    bus::{Bus, name},
    home::SAMPLED,
    hung_mount::Hung,
    process::{DEADLINE, Run, skip},
};

#[test]
fn a_sandbox_without_an_id_is_granted_nothing() {
    let bus = Bus::activating("");
    for info in ["", "[Application]\n", "[Application]\nname=../x\n", "\u{1}"] {
        let Some(sandbox) = Sandbox::proxy(&bus, info) else {
            return skip(Sandbox::NEEDS);
        };
        bus.block_on(async {
            let client = sandbox.client().await;
            client.list(&["memory"]).await.unwrap();
            assert_denied(
                client.quit().await,
                &["Quit", "/.flatpak-info names no application"],
            );
        });
    }
}

#[test]
fn a_caller_whose_root_cannot_be_read_is_granted_nothing() {
    if !geteuid().is_root() {
        return skip("it needs a service with fewer rights than its caller, which needs root");
    }
    // An ordinary user may not read the root of an undumpable process.
    let setpriv = "/usr/bin/env setpriv --bounding-set=-sys_ptrace";
    let bus = Bus::executing(&format!("{setpriv} {SAMPLED} serve"));
    bus.block_on(async {
        let client = bus.client().await;
        client.list(&["memory"]).await.unwrap();
        let words = ["Quit", "/proc/", "/root: Permission denied"];
        assert_denied(client.quit().await, &words);
    });
}

#[test]
fn a_root_directory_that_hangs_delays_no_other_caller() {
    let bus = Bus::activating("");
    let file = bus.dir().join("hung");
    fs::write(&file, "").unwrap();
    let Some(hung) = Hung::over(&file) else {
        return skip(Hung::NEEDS);
    };
    let Some(sandbox) = Sandbox::proxy_with_info_at(&bus, &file) else {
        return skip(Sandbox::NEEDS);
    };
    bus.block_on(async {
        let (client, host) = (sandbox.client().await, bus.client().await);
        let sample = async |client: &Client| {
            let sample = client.sample(&["memory"], SampleOptions::default());
            timeout(DEADLINE, sample).await.unwrap().unwrap();
        };
        sample(&client).await;
        for _ in 0..2 {
            // Each call identifies the caller again: the file system may have recovered.
            let mut quit = pin!(client.quit());
            let mut answered = 0;
            loop {
                tokio::select! {
                    biased;
                    quit = &mut quit => {
                        assert_denied(quit, &["Quit", "has not answered in 2 s"]);
                        break;
                    }
                    () = sample(&host) => answered += 1,
                }
            }
            // A service that waits for the root directory would answer one call at most, together with `Quit`.
            assert!(answered >= 2, "{answered}");
        }
        // The FUSE program ends: the file exists and cannot be read.
        drop(hung);
        let words = ["Quit", "/root/.flatpak-info"];
        assert_denied(timeout(DEADLINE, client.quit()).await.unwrap(), &words);
        host.sources().await.unwrap();
    });
}

#[test]
fn a_snap_is_identified_by_its_control_group() {
    let mounts = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"];
    let is_hierarchy = |path: &&&str| PathBuf::from(path).join("cgroup.procs").exists();
    let group = mounts.iter().find(is_hierarchy).map(|path| {
        let name = format!("snap.example.app-{}.scope", std::process::id());
        PathBuf::from(path).join(name)
    });
    let Some(group) = group.filter(|group| fs::create_dir(group).is_ok()) else {
        return skip("it makes a control group, which needs root");
    };
    let bus = Bus::activating("");
    let enter = "echo $$ > \"$1/cgroup.procs\" && shift && exec \"$@\"";
    let run = |arguments: &[&str]| {
        let mut command = bus.command("sh");
        command.args(["-c", enter, "sh"]).arg(&group).arg(SAMPLED);
        Run::of(command.args(arguments))
    };
    run(&["sample", "memory/physical/total"]).ok();
    let refused = run(&["ps"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let grant = "processes = true below [sandbox.\"snap.example\"]";
    assert!(refused.stderr.contains(grant), "{refused:?}");
    bus.run(&["stop"]);
    bus.block_on(bus.vacant());
    configure(&bus, "[sandbox.'snap.example']\nprocesses = true\n");
    run(&["ps", "--fields", "pid,name"]).ok();
    let end = std::time::Instant::now() + DEADLINE;
    // The kernel removes a process from its control group a moment after it was waited for.
    while fs::remove_dir(&group).is_err() {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
}

#[test]
fn a_caller_of_kernel_metrics_is_not_identified() {
    let bus = Bus::activating("");
    super::define_secret(&bus);
    bus.block_on(async {
        let client = bus.client().await;
        let sample = async || {
            let ids = ["cpu/all/usage"];
            client.sample(&ids, SampleOptions::default()).await.unwrap()
        };
        sample().await;
        let service = DBusProxy::new(client.bus().connection()).await.unwrap();
        let service = service.get_name_owner(name()).await.unwrap();
        let monitor = bus.connect().await;
        let mut messages = MessageStream::from(&monitor);
        let proxy = MonitoringProxy::new(&monitor).await.unwrap();
        proxy.become_monitor(&[], 0).await.unwrap();
        let caller = client.bus().connection().unique_name().unwrap().clone();
        // The methods that the service calls until it has sent this many replies to the client.
        let mut calls_of_service = async |replies: usize| {
            let mut calls: Vec<String> = Vec::new();
            let mut seen = 0;
            while seen < replies {
                let message = timeout(DEADLINE, messages.next()).await.unwrap().unwrap();
                let message = message.unwrap();
                let header = message.header();
                let sender = header.sender().map(|name| name.as_str());
                if sender != Some(service.as_str()) {
                    continue;
                }
                match message.message_type() {
                    Type::MethodCall => calls.extend(header.member().map(ToString::to_string)),
                    Type::MethodReturn
                        if header
                            .destination()
                            .is_some_and(|to| *to == caller.as_str()) =>
                    {
                        seen += 1;
                    }
                    _ => {}
                }
            }
            calls
        };
        for _ in 0..5 {
            sample().await;
        }
        client.list(&["cpu"]).await.unwrap();
        assert_eq!(calls_of_service(6).await, [""; 0]);
        // A call that needs a grant has the caller identified once.
        for _ in 0..5 {
            client.list(&[super::SECRET]).await.unwrap();
        }
        let first = calls_of_service(5).await;
        assert!((1..=4).contains(&first.len()), "{first:?}");
        client.list(&[super::SECRET]).await.unwrap();
        client.sources().await.unwrap();
        assert_eq!(calls_of_service(2).await, [""; 0]);
    });
}

#[test]
fn a_program_outside_a_sandbox_may_do_everything() {
    let bus = Bus::activating("");
    super::define_secret(&bus);
    bus.block_on(async {
        let (client, other) = (bus.client().await, bus.client().await);
        let detached = Start {
            detached: true,
            label: "x".to_owned(),
            ..Start::every_millis(50)
        };
        let session = client.start(&[super::SECRET], detached).await.unwrap();
        let sessions = other.sessions().await.unwrap();
        assert!(sessions.values().all(|session| session.label == "x"));
        other.stop(session.id()).await.unwrap();
        let processes = sampled::client::Processes::on(other.bus().clone())
            .await
            .unwrap();
        let one = TableOptions::default().filtered_by("command_line", "*");
        let table = processes
            .snapshot(&[], &one, SampleOptions::default())
            .await
            .unwrap();
        assert!(table.columns.iter().any(|column| column == "command_line"));
        other.quit().await.unwrap();
    });
}
