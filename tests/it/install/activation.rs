//! A bus starts the installed program, wherever that is.

use std::{fs, path::PathBuf};

use super::{ACTIVATION, FILES, INTERFACES, companions, files, text};
use crate::support::{bus::Bus, home::Home, process::Run};

#[test]
fn a_running_bus_activates_the_installed_program() {
    let bus = Bus::new();
    let program = bus.dir().join(".local/bin/sampled");
    let bin = text(program.parent().unwrap());
    let in_path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let run = Run::of(bus.sampled(&["install"]).env("PATH", in_path));
    assert_eq!(run.stderr, "sampled: told the session bus to reload\n");
    assert!(run.ok().contains(text(&program)));
    assert!(bus.data().join("systemd/user/sampled.service").is_file());
    let interfaces = bus.data().join("dbus-1/interfaces");
    assert_eq!(files(&interfaces).len(), INTERFACES.len());

    bus.run(&["sample", "memory", "--json"]).ok();
    let daemon = bus.block_on(bus.daemon()).expect("it was started");
    let runs = fs::read_link(format!("/proc/{}/exe", daemon.pid)).unwrap();
    assert_eq!(runs, program);

    // Installing the same program again leaves it running.
    let again = Run::of(bus.command(text(&program)).arg("install"));
    assert_eq!(again.ok().lines().count(), FILES - 1);
    assert!(daemon.is_running());
    // Installing another copy ends the running one.
    assert_eq!(
        bus.run(&["install"]).ok().lines().count(),
        FILES + companions()
    );
    daemon.wait();

    let removed = bus.run(&["uninstall"]).ok();
    assert_eq!(removed.lines().count(), FILES + companions(), "{removed}");
    assert!(!program.exists());
    assert_eq!(files(&bus.dir().join(".local")), [] as [PathBuf; 0]);
    assert_eq!(files(&bus.data()), [] as [PathBuf; 0]);
    assert_eq!(bus.run(&["sample", "memory"]).code, Some(1));
}

#[test]
fn a_bus_activates_a_program_in_a_path_with_spaces() {
    let home = Home::new();
    let prefix = home.dir().join("it's a 100% home");
    home.run(&["install", "--prefix", text(&prefix)]).ok();
    let services = home.data().join("dbus-1/services");
    fs::create_dir_all(&services).unwrap();
    let file = prefix.join(ACTIVATION);
    fs::copy(&file, services.join(file.file_name().unwrap())).unwrap();
    let bus = Bus::in_home(home);
    bus.run(&["sample", "memory"]).ok();
    let daemon = bus.block_on(bus.daemon()).expect("it was started");
    let runs = fs::read_link(format!("/proc/{}/exe", daemon.pid)).unwrap();
    assert_eq!(runs, prefix.join("bin/sampled"));
}

#[test]
fn a_path_that_an_activation_file_cannot_contain_is_refused() {
    let home = Home::new();
    let prefix = home.dir().join("$HOME");
    let run = home.run(&["install", "--prefix", text(&prefix)]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("cannot be activated"), "{run:?}");
    assert!(!prefix.exists());
}
