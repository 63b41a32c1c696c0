//! What runs while another program is installed, or taken away.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use sampled::client::{Error, Start};

use crate::{
    name_owner::Owner,
    support::{
        bus::Bus,
        home::{Home, SAMPLED},
        process::{DEADLINE, Process, Run},
        unresponsive_bus::UnresponsiveBus,
    },
};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A bus, and the program that is installed there.
fn installed() -> (Bus, PathBuf) {
    let home = Home::new();
    home.run(&["install"]).ok();
    let program = home.dir().join(".local/bin/sampled");
    (Bus::in_home(home), program)
}

/// A program of a package, which the bus starts for the name.
fn packaged(exec: impl FnOnce(&Path) -> String, program: &Path) -> (Bus, PathBuf) {
    let home = Home::new();
    let copy = home.dir().join("usr/bin/sampled");
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(program, &copy).unwrap();
    let services = home.dir().join("share/dbus-1/services");
    fs::create_dir_all(&services).unwrap();
    let name = sampled::wire::NAME;
    let file = format!("[D-BUS Service]\nName={name}\nExec={}\n", exec(&copy));
    fs::write(services.join(format!("{name}.service")), file).unwrap();
    (Bus::in_home(home), copy)
}

/// One call, and who has answered it.
#[track_caller]
fn call(bus: &Bus) -> Process {
    bus.run(&["list", "memory"]).ok();
    bus.block_on(bus.owned())
}

#[track_caller]
fn runs(daemon: &Process, program: &Path) {
    let running = fs::metadata(format!("/proc/{}/exe", daemon.pid)).unwrap();
    let program = fs::metadata(program).unwrap();
    assert_eq!(
        (running.dev(), running.ino()),
        (program.dev(), program.ino())
    );
}

#[track_caller]
fn says(run: &Run, text: &str) {
    assert!(run.stderr.contains(text), "{text}: {run:?}");
}

#[test]
fn the_next_call_starts_what_was_installed() {
    let (bus, program) = installed();
    let first = call(&bus);
    runs(&first, &program);
    let mut session = bus.block_on(async {
        let client = bus.client().await;
        let start = client.start(&["memory"], Start::every_millis(100)).await;
        start.expect("session")
    });
    let run = bus.run(&["install"]);
    says(
        &run,
        &format!(
            "replaced process {} (one session of a client has ended): the next call starts the new one\n",
            first.pid
        ),
    );
    run.ok();
    first.wait();
    let ended = bus.block_on(async {
        loop {
            match tokio::time::timeout(DEADLINE, session.next()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error,
                Err(_) => panic!("it does not end"),
            }
        }
    });
    assert!(
        matches!(&ended, Error::Ended(why) if why == "stopping"),
        "{ended}"
    );
    runs(&call(&bus), &program);
}

#[test]
fn one_that_runs_the_installed_program_stays() {
    let (bus, program) = installed();
    let daemon = call(&bus);
    let again = Run::of(bus.command(text(&program)).arg("install"));
    assert!(!again.stderr.contains("process"), "{again:?}");
    again.ok();
    assert!(daemon.is_running());
}

#[test]
fn a_daemon_that_is_kept_is_kept_by_what_was_installed() {
    let (bus, program) = installed();
    let dir = bus.dir().join("here");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("config.toml"), "[sources]\noff = ['os']\n").unwrap();
    let mut start = bus.command(text(&program));
    start.args(["--config", "config.toml", "start", "--idle-timeout", "1h"]);
    Run::of(start.current_dir(&dir).env("PWD", &dir)).ok();
    let first = bus.block_on(bus.owned());
    let run = bus.run(&["install"]);
    says(&run, &format!("replaced process {}", first.pid));
    run.ok();
    first.wait();
    let second = bus.block_on(bus.owned());
    runs(&second, &program);
    let status = bus.run(&["status"]).ok();
    assert!(status.contains("detached by `sampled start`"), "{status}");
    bus.block_on(async {
        let client = bus.client().await;
        assert_eq!(client.proxy().idle_timeout().await.unwrap(), 3_600_000_000);
        assert!(client.list(&["os/kernel"]).await.is_err());
    });
}

#[test]
fn one_that_was_started_by_hand_is_left_alone() {
    let (bus, program) = installed();
    let mut serve = bus.command(text(&program));
    let mut serve = serve.arg("serve").stdin(Stdio::null()).spawn().unwrap();
    let daemon = bus.block_on(bus.owned());
    let run = bus.run(&["install"]);
    says(
        &run,
        &format!("process {} still runs {}", daemon.pid, text(&program)),
    );
    says(&run, "sampled stop");
    run.ok();
    assert!(daemon.is_running());
    bus.run(&["stop"]).ok();
    serve.wait().unwrap();
}

#[test]
fn another_program_is_left_alone() {
    let (bus, _) = installed();
    let owner = Owner::on(&bus, "mute");
    for command in ["install", "uninstall"] {
        let run = Run::within(&mut bus.sampled(&[command]), DEADLINE);
        assert_eq!(run.code, Some(0), "{run:?}");
        says(&run, &format!("process {}", owner.process.pid));
        if command == "install" {
            says(&run, "not sampled");
        }
        assert!(owner.process.is_running());
    }
}

#[test]
fn what_is_installed_at_home_replaces_what_a_package_has() {
    let exec = |program: &Path| format!("{} serve", program.display());
    let (bus, packaged) = packaged(exec, Path::new(SAMPLED));
    let first = call(&bus);
    runs(&first, &packaged);
    let run = bus.run(&["install"]);
    says(&run, &format!("replaced process {}", first.pid));
    first.wait();
    runs(&call(&bus), &bus.dir().join(".local/bin/sampled"));
    // And when it is gone, the package's is there again.
    let second = call(&bus);
    let run = bus.run(&["uninstall"]);
    says(&run, &format!("stopped process {}", second.pid));
    second.wait();
    runs(&call(&bus), &packaged);
}

#[test]
fn what_is_installed_elsewhere_replaces_nothing_at_home() {
    let (bus, _) = installed();
    let daemon = call(&bus);
    let prefix = bus.dir().join("opt");
    let run = bus.run(&["install", "--prefix", text(&prefix)]);
    says(&run, &format!("process {} still runs", daemon.pid));
    run.ok();
    assert!(daemon.is_running());
}

#[test]
fn one_of_another_version_is_replaced() {
    // It answers no call, and knows SIGTERM.
    let exec = |program: &Path| {
        let test = "name_owner::a_process_that_has_the_name";
        let program = program.display();
        format!("/bin/sh -c 'SAMPLED_TEST_OWNER=mute exec {program} --exact {test} >/dev/null'")
    };
    let (bus, _) = packaged(exec, &std::env::current_exe().unwrap());
    let log = || bus.log();
    bus.block_on(async {
        let bus = bus.connect().await;
        let proxy = zbus::fdo::DBusProxy::new(&bus).await.unwrap();
        let name = sampled::wire::NAME.try_into().unwrap();
        let started = proxy.start_service_by_name(name, 0).await;
        started.unwrap_or_else(|error| panic!("{error}: {}", log()));
    });

    let first = bus.block_on(bus.owned());
    let run = Run::within(&mut bus.sampled(&["install"]), DEADLINE);
    says(&run, &format!("replaced process {}", first.pid));
    first.wait();
    runs(&call(&bus), &bus.dir().join(".local/bin/sampled"));
}

#[test]
fn nothing_runs_of_what_was_taken_away() {
    let (bus, program) = installed();
    let daemon = call(&bus);
    runs(&daemon, &program);
    let run = bus.run(&["uninstall"]);
    says(&run, &format!("stopped process {}", daemon.pid));
    run.ok();
    assert!(!daemon.is_running());
    assert_eq!(bus.run(&["list", "memory"]).code, Some(1));
}

#[test]
fn what_was_not_started_by_what_is_taken_away_stays() {
    let (bus, _) = installed();
    bus.run(&["start"]).ok();
    let daemon = bus.block_on(bus.owned());
    let run = bus.run(&["uninstall"]);
    says(&run, &format!("process {} goes on", daemon.pid));
    run.ok();
    assert!(daemon.is_running());
    bus.run(&["stop"]).ok();
}

#[test]
fn a_bus_that_says_nothing_keeps_nobody_waiting() {
    let home = Home::new();
    let mute = UnresponsiveBus::behind_hello(&home.dir().join("mute"));
    for command in ["install", "uninstall"] {
        let mut command = home.sampled(&[command]);
        command.env("DBUS_SESSION_BUS_ADDRESS", mute.address());
        let run = Run::within(&mut command, Duration::from_secs(15));
        says(&run, mute.address());
        run.ok();
    }
}
