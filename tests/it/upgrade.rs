//! `install` and `uninstall` while the service runs.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use sampled::client::{Error, Start};

use crate::{
    name_owner::NameOwner,
    support::{
        bus::Bus,
        home::{Home, SAMPLED, copy_program},
        process::{DEADLINE, Process, Run},
        unresponsive_bus::UnresponsiveBus,
    },
};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A bus whose user has run `install`, and the installed program.
fn installed() -> (Bus, PathBuf) {
    let home = Home::new();
    home.run(&["install"]).ok();
    let program = home.dir().join(".local/bin/sampled");
    (Bus::in_home(home), program)
}

/// A bus with a program as a package installs it: outside of the home, with an activation file.
fn packaged(exec: impl FnOnce(&Path) -> String, program: &Path) -> (Bus, PathBuf) {
    let home = Home::new();
    let copy = home.dir().join("usr/bin/sampled");
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    copy_program(program, &copy);
    let services = home.dir().join("share/dbus-1/services");
    fs::create_dir_all(&services).unwrap();
    let name = sampled::wire::NAME;
    let file = format!("[D-BUS Service]\nName={name}\nExec={}\n", exec(&copy));
    fs::write(services.join(format!("{name}.service")), file).unwrap();
    (Bus::in_home(home), copy)
}

/// Makes a call and returns the process that owns the name of the service afterwards.
#[track_caller]
fn call(bus: &Bus) -> Process {
    bus.run(&["list", "memory"]).ok();
    bus.block_on(bus.owned())
}

#[track_caller]
fn assert_runs(daemon: &Process, program: &Path) {
    let running = fs::metadata(format!("/proc/{}/exe", daemon.pid)).unwrap();
    let program = fs::metadata(program).unwrap();
    assert_eq!(
        (running.dev(), running.ino()),
        (program.dev(), program.ino())
    );
}

#[track_caller]
fn assert_stderr_contains(run: &Run, text: &str) {
    assert!(run.stderr.contains(text), "{text}: {run:?}");
}

#[test]
fn the_next_call_starts_the_installed_program() {
    let (bus, program) = installed();
    let first = call(&bus);
    assert_runs(&first, &program);
    let mut session = bus.block_on(async {
        let client = bus.client().await;
        let start = client.start(&["memory"], Start::every_millis(100)).await;
        start.expect("session")
    });
    let run = bus.run(&["install"]);
    assert_stderr_contains(
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
                Err(_) => panic!("the session does not end"),
            }
        }
    });
    assert!(
        matches!(&ended, Error::Ended(why) if why == "stopping"),
        "{ended}"
    );
    assert_runs(&call(&bus), &program);
}

#[test]
fn a_service_that_runs_the_installed_program_goes_on() {
    let (bus, program) = installed();
    let daemon = call(&bus);
    let again = Run::of(bus.command(text(&program)).arg("install"));
    assert!(!again.stderr.contains("process"), "{again:?}");
    again.ok();
    assert!(daemon.is_running());
}

#[test]
fn a_detached_service_is_restarted_with_its_options() {
    let (bus, program) = installed();
    let dir = bus.dir().join("working-directory");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("config.toml"), "[sources]\noff = ['os']\n").unwrap();
    let mut start = bus.command(text(&program));
    start.args(["--config", "config.toml", "start", "--idle-timeout", "1h"]);
    Run::of(start.current_dir(&dir).env("PWD", &dir)).ok();
    let first = bus.block_on(bus.owned());
    let run = bus.run(&["install"]);
    assert_stderr_contains(&run, &format!("replaced process {}", first.pid));
    run.ok();
    first.wait();
    let second = bus.block_on(bus.owned());
    assert_runs(&second, &program);
    let status = bus.run(&["status"]).ok();
    assert!(status.contains("detached by `sampled start`"), "{status}");
    bus.block_on(async {
        let client = bus.client().await;
        assert_eq!(client.proxy().idle_timeout().await.unwrap(), 3_600_000_000);
        assert!(client.list(&["os/kernel"]).await.is_err());
    });
}

#[test]
fn a_service_in_the_foreground_is_not_replaced() {
    let (bus, program) = installed();
    let mut serve = bus.command(text(&program));
    let mut serve = serve.arg("serve").stdin(Stdio::null()).spawn().unwrap();
    let daemon = bus.block_on(bus.owned());
    let run = bus.run(&["install"]);
    assert_stderr_contains(
        &run,
        &format!("process {} still runs {}", daemon.pid, text(&program)),
    );
    assert_stderr_contains(&run, "sampled stop");
    run.ok();
    assert!(daemon.is_running());
    bus.run(&["stop"]).ok();
    serve.wait().unwrap();
}

#[test]
fn another_program_that_owns_the_name_goes_on() {
    let (bus, _) = installed();
    let owner = NameOwner::on(&bus, "silent");
    for command in ["install", "uninstall"] {
        let run = Run::within(&mut bus.sampled(&[command]), DEADLINE);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_stderr_contains(&run, &format!("process {}", owner.process.pid));
        if command == "install" {
            assert_stderr_contains(&run, "not sampled");
        }
        assert!(owner.process.is_running());
    }
}

#[test]
fn an_installation_in_the_home_replaces_the_service_of_a_package() {
    let exec = |program: &Path| format!("{} serve", program.display());
    let (bus, packaged) = packaged(exec, Path::new(SAMPLED));
    let first = call(&bus);
    assert_runs(&first, &packaged);
    let run = bus.run(&["install"]);
    assert_stderr_contains(&run, &format!("replaced process {}", first.pid));
    run.ok();
    first.wait();
    assert_runs(&call(&bus), &bus.dir().join(".local/bin/sampled"));
    // After `uninstall` the next call starts the program of the package again.
    let second = call(&bus);
    let run = bus.run(&["uninstall"]);
    assert_stderr_contains(&run, &format!("stopped process {}", second.pid));
    run.ok();
    second.wait();
    assert_runs(&call(&bus), &packaged);
}

#[test]
fn an_installation_with_another_prefix_replaces_nothing() {
    let (bus, _) = installed();
    let daemon = call(&bus);
    let prefix = bus.dir().join("opt");
    let run = bus.run(&["install", "--prefix", text(&prefix)]);
    assert_stderr_contains(&run, &format!("process {} still runs", daemon.pid));
    run.ok();
    assert!(daemon.is_running());
}

/// A bus that has started a program with this behaviour, as a package of another version has installed it, and the program.
fn with_another_version(behaviour: &str) -> (Bus, Process) {
    let exec = |program: &Path| {
        let test = "name_owner::process_that_owns_the_name";
        let program = program.display();
        format!(
            "/bin/sh -c 'SAMPLED_TEST_OWNER={behaviour} exec {program} --exact {test} >/dev/null'"
        )
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
    let process = bus.block_on(bus.owned());
    (bus, process)
}

#[test]
fn a_service_that_answers_no_call_is_replaced() {
    // It ends at SIGTERM.
    let (bus, first) = with_another_version("silent");
    let run = Run::within(&mut bus.sampled(&["install"]), DEADLINE);
    assert_stderr_contains(&run, &format!("replaced process {}", first.pid));
    first.wait();
    assert_runs(&call(&bus), &bus.dir().join(".local/bin/sampled"));
}

#[test]
fn the_version_that_is_replaced_is_named() {
    let (bus, first) = with_another_version("old");
    let elsewhere = bus.dir().join("elsewhere");
    let run = bus.run(&["install", "--prefix", text(&elsewhere)]);
    let old = format!("process {} still runs {}", first.pid, bus.dir().display());
    assert_stderr_contains(&run, &old);
    run.ok();

    let run = Run::within(&mut bus.sampled(&["install"]), DEADLINE);
    let replaced = format!("replaced process {} (version 0.0.1): the next", first.pid);
    assert_stderr_contains(&run, &replaced);
    first.wait();
    assert_runs(&call(&bus), &bus.dir().join(".local/bin/sampled"));
}

#[test]
fn a_service_is_named_if_the_bus_does_not_find_the_installation() {
    let bus = Bus::in_home(Home::new());
    let owner = NameOwner::on(&bus, "old");
    let mut install = bus.sampled(&["install"]);
    install.env("XDG_DATA_HOME", bus.dir().join("elsewhere"));
    let run = Run::within(&mut install, DEADLINE);
    let pid = owner.process.pid;
    assert_stderr_contains(&run, "the session bus does not look there");
    assert_stderr_contains(&run, &format!("process {pid} still runs"));
    assert_stderr_contains(&run, "(version 0.0.1)");
    assert!(owner.process.is_running());
}

#[test]
fn uninstall_ends_the_service() {
    let (bus, program) = installed();
    let daemon = call(&bus);
    assert_runs(&daemon, &program);
    let run = bus.run(&["uninstall"]);
    assert_stderr_contains(&run, &format!("stopped process {}", daemon.pid));
    run.ok();
    assert!(!daemon.is_running());
    assert_eq!(bus.run(&["list", "memory"]).code, Some(1));
}

#[test]
fn uninstall_leaves_a_detached_service_running() {
    let (bus, _) = installed();
    bus.run(&["start"]).ok();
    let daemon = bus.block_on(bus.owned());
    let run = bus.run(&["uninstall"]);
    assert_stderr_contains(&run, &format!("process {} goes on", daemon.pid));
    run.ok();
    assert!(daemon.is_running());
    bus.run(&["stop"]).ok();
}

#[test]
fn a_bus_that_does_not_answer_is_reported() {
    let home = Home::new();
    let silent = UnresponsiveBus::after_hello(&home.dir().join("silent"));
    for command in ["install", "uninstall"] {
        let mut command = home.sampled(&[command]);
        command.env("DBUS_SESSION_BUS_ADDRESS", silent.address());
        let run = Run::within(&mut command, DEADLINE);
        assert_stderr_contains(&run, silent.address());
        run.ok();
    }
}
