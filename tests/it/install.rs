//! `install` and `uninstall`: the files that they write, and a bus that uses them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use rustix::process::geteuid;

use crate::support::{
    bus::Bus,
    home::{Home, SAMPLED, copy_program},
    process::{DEADLINE, Run},
};

const ACTIVATION: &str = "share/dbus-1/services/io.github.sampled.Sampler1.service";
const UNIT: &str = "lib/systemd/user/sampled.service";
const INTERFACES: [&str; 2] = [
    "share/dbus-1/interfaces/io.github.sampled.Sampler1.xml",
    "share/dbus-1/interfaces/io.github.sampled.Processes1.xml",
];

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn install_with_destdir_stages_a_package() {
    let home = Home::new();
    let stage = home.dir().join("stage");
    let arguments = ["--prefix", "/opt/sampled", "--destdir", text(&stage)];
    let run = home.run(&[&["install"], &arguments[..]].concat());
    assert_eq!(run.stderr, "");
    let root = stage.join("opt/sampled");
    let program = root.join("bin/sampled");
    let [sampler, processes] = INTERFACES.map(|file| root.join(file));
    let written = [
        program.clone(),
        sampler,
        processes,
        root.join(UNIT),
        root.join(ACTIVATION),
    ];
    let expected = written
        .iter()
        .map(|path| format!("wrote {}\n", path.display()));
    assert_eq!(run.ok(), expected.collect::<String>());

    assert_eq!(fs::read(&program).unwrap(), fs::read(SAMPLED).unwrap());
    assert_eq!(
        program.metadata().unwrap().permissions().mode() & 0o7777,
        0o755
    );
    let activation = read(&written[4]);
    assert!(
        activation.contains("\nExec=/opt/sampled/bin/sampled serve\n"),
        "{activation}"
    );
    assert!(activation.contains("\nSystemdService=sampled.service\n"));
    assert!(read(&written[3]).contains("\nExecStart=/opt/sampled/bin/sampled serve\n"));
    assert!(read(&written[3]).contains("\nSlice=session.slice\n"));
    for (path, interface) in written[1..3].iter().zip(INTERFACES) {
        let described = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbus");
        let described = read(&described.join(Path::new(interface).file_name().unwrap()));
        let installed = read(path);
        // Code generators tell XML by its beginning.
        assert!(installed.starts_with("<?xml "), "{installed}");
        assert!(installed.ends_with(&described), "{installed}");
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o7777,
            0o644
        );
    }

    let removed = home.run(&[&["uninstall"], &arguments[..]].concat()).ok();
    assert_eq!(removed.lines().count(), 5, "{removed}");
    assert_eq!(files(&stage), [] as [PathBuf; 0]);
    assert!(root.join("bin").is_dir());
    let again = home.run(&[&["uninstall"], &arguments[..]].concat());
    assert!(again.stderr.contains("nothing was removed"));
    assert_eq!(again.ok(), "");
}

#[test]
fn a_file_of_another_program_is_neither_replaced_nor_removed() {
    let home = Home::new();
    let prefix = home.dir().join("prefix");
    for (file, content) in [
        (ACTIVATION, "[D-BUS Service]\n"),
        (
            INTERFACES[1],
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<node/>\n",
        ),
    ] {
        let path = prefix.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let run = home.run(&["install", "--prefix", text(&prefix)]);
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains(text(&path)), "{run:?}");
        assert_eq!(files(&prefix), std::slice::from_ref(&path));
        home.run(&["uninstall", "--prefix", text(&prefix)]).ok();
        assert_eq!(files(&prefix), std::slice::from_ref(&path));
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn no_systemd_installs_no_unit() {
    let home = Home::new();
    let prefix = home.dir().join("prefix");
    let arguments = ["install", "--no-systemd", "--prefix", text(&prefix)];
    assert_eq!(home.run(&arguments).ok().lines().count(), 4);
    assert!(!read(&prefix.join(ACTIVATION)).contains("SystemdService"));
    assert!(!prefix.join(UNIT).exists());
}

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
    assert_eq!(again.ok().lines().count(), 4);
    assert!(daemon.is_running());
    // Installing another copy ends the running one.
    assert_eq!(bus.run(&["install"]).ok().lines().count(), 5);
    daemon.wait();

    let removed = bus.run(&["uninstall"]).ok();
    assert_eq!(removed.lines().count(), 5, "{removed}");
    assert!(!program.exists());
    assert_eq!(bus.run(&["sample", "memory"]).code, Some(1));
}

#[test]
fn install_names_a_directory_that_is_not_in_path() {
    let home = Home::new();
    let run = home.run(&["install"]);
    let bin = home.dir().join(".local/bin");
    let line = format!("export PATH=\"{}:$PATH\"", text(&bin));
    assert!(run.stderr.contains(&line), "{run:?}");
    run.ok();
}

#[test]
fn uninstall_leaves_a_program_that_was_there_before() {
    let home = Home::new();
    let prefix = home.dir().join("prefix");
    let program = prefix.join("bin/sampled");
    fs::create_dir_all(prefix.join("bin")).unwrap();
    copy_program(Path::new(SAMPLED), &program);
    let run = |command| {
        let arguments = [command, "--prefix", text(&prefix)];
        Run::of(Command::new(&program).args(arguments).env_clear()).ok()
    };
    assert_eq!(run("install").lines().count(), 4);
    assert_eq!(run("install").lines().count(), 4);
    assert_eq!(run("uninstall").lines().count(), 4);
    assert_eq!(files(&prefix), [program]);
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

#[test]
fn install_and_uninstall_leave_links_and_fifos_alone() {
    for file in ["bin/sampled", ACTIVATION, UNIT, INTERFACES[0]] {
        for is_link in [false, true] {
            let home = Home::new();
            let prefix = home.dir().join("prefix");
            let path = prefix.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match is_link {
                true => symlink("/nonexistent", &path).unwrap(),
                false => mkfifo(&path, Mode::S_IRWXU).unwrap(),
            }
            for (command, code) in [("install", 1), ("uninstall", 0)] {
                let mut command = home.sampled(&[command, "--prefix", text(&prefix)]);
                let run = Run::within(&mut command, DEADLINE);
                assert_eq!(run.code, Some(code), "{file}: {run:?}");
                let is_named = run.stderr.contains(text(&path));
                assert_eq!(is_named, code == 1, "{file}: {run:?}");
                assert_eq!(run.stderr.contains("remove it first"), code == 1, "{run:?}");
            }
            assert!(fs::symlink_metadata(&path).is_ok());
        }
    }
}

#[test]
fn uninstall_removes_all_files_or_none() {
    let home = Home::new();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    allow(home.dir(), 0o777);
    let prefix = home.dir().join("prefix");
    let program = home.dir().join("sampled");
    copy_program(Path::new(SAMPLED), &program);
    let run = |command: &str| {
        let arguments = [command, "--prefix", text(&prefix)];
        let mut command = home.command(text(&program));
        if geteuid().is_root() {
            // Permissions do not bind root.
            command = home.command("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
            command.arg(&program);
        }
        Run::of(command.args(arguments))
    };
    run("install").ok();
    let before = files(&prefix);
    let bin = prefix.join("bin");
    allow(&bin, 0o555);
    let refused = run("uninstall");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("bin/sampled: Permission denied"),
        "{refused:?}"
    );
    assert_eq!(files(&prefix), before);
    allow(&bin, 0o755);
    run("uninstall").ok();
    assert_eq!(files(&prefix), [] as [PathBuf; 0]);
}
