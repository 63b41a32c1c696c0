//! `install` and `uninstall` while systemd or the bus runs the service.

use std::{cell::Cell, env, fs, os::unix::fs::MetadataExt, process::Command};

use futures_util::future::{join, join_all};

use crate::support::{
    home::SAMPLED,
    process::{DEADLINE, Run, stress_time},
};

use super::session::{EVERYWHERE, Setup, UNITS, within};

/// Runs `install` or `uninstall`, with or without a unit.
#[track_caller]
fn run(is_unit: bool, name: &str) -> Run {
    let mut command = Command::new(SAMPLED);
    let is_without = name == "install" && !is_unit;
    command.arg(name).args(is_without.then_some("--no-systemd"));
    Run::within(&mut command, DEADLINE)
}

#[test]
fn the_next_call_starts_the_installed_program() {
    let nobody = Setup {
        user: "nobody",
        ..UNITS[0]
    };
    within(&[&EVERYWHERE[..], &[nobody]].concat(), async |session| {
        let client = session.client().await;
        session.read(&client).await.expect("sample");
        let first = session.owner().await;
        let installed = run(session.setup.unit, "install");
        let message = format!(
            "replaced process {}: the next call starts the new one",
            first.pid
        );
        assert!(installed.stderr.contains(&message), "{installed:?}");
        installed.ok();
        first.wait();
        session.read(&client).await.expect("sample");
        let second = session.owner().await;
        let identity = |path: &str| {
            let metadata = fs::metadata(path).expect("program");
            (metadata.dev(), metadata.ino())
        };
        let program = format!("{}/.local/bin/sampled", env::var("HOME").unwrap());
        let running = identity(&format!("/proc/{}/exe", second.pid));
        assert_eq!(running, identity(&program));
        assert_eq!(session.failed_units(), "");

        let removed = run(session.setup.unit, "uninstall");
        let message = format!("stopped process {}", second.pid);
        assert!(removed.stderr.contains(&message), "{removed:?}");
        removed.ok();
        assert!(!second.is_running());
        assert!(session.read(&client).await.is_err());
        assert_eq!(session.failed_units(), "");
    });
}

#[test]
fn no_call_is_lost_during_install() {
    let installs = if stress_time().is_some() { 6 } else { 2 };
    within(&EVERYWHERE, async |session| {
        let is_unit = session.setup.unit;
        let is_over = Cell::new(false);
        let callers = (0..4).map(async |caller| {
            let client = session.client().await;
            let mut calls = 0;
            while !is_over.get() {
                let sample = session.read(&client).await;
                sample.unwrap_or_else(|error| panic!("call {calls} of {caller}: {error}"));
                calls += 1;
            }
            calls
        });
        let install = async {
            for _ in 0..installs {
                session.owned().await;
                // On another thread, so that the callers go on.
                let installing = tokio::task::spawn_blocking(move || run(is_unit, "install"));
                let installed = installing.await.expect("the end of install");
                assert!(
                    installed.stderr.contains("replaced process"),
                    "{installed:?}"
                );
                installed.ok();
            }
            is_over.set(true);
        };
        let (calls, ()) = join(join_all(callers), install).await;
        println!("{} calls", calls.iter().sum::<u64>());
    });
}

#[test]
fn a_unit_with_another_name_is_not_restarted() {
    within(&UNITS[..1], async |session| {
        let program = format!("{}/.local/bin/sampled", env::var("HOME").unwrap());
        session.start_as_readings(&program);
        let process = session.owner().await;
        let installed = run(session.setup.unit, "install");
        let message = format!("process {} still runs", process.pid);
        assert!(installed.stderr.contains(&message), "{installed:?}");
        assert!(process.is_running());
    });
}
