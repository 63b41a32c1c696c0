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
    process::{DEADLINE, Run, skip},
};

const ACTIVATION: &str = "share/dbus-1/services/io.github.sampled.Sampler1.service";
const UNIT: &str = "lib/systemd/user/sampled.service";
const INTERFACES: [&str; 2] = [
    "share/dbus-1/interfaces/io.github.sampled.Sampler1.xml",
    "share/dbus-1/interfaces/io.github.sampled.Processes1.xml",
];

/// The other files below a prefix, in the order in which they are written.
const DOCUMENTS: [&str; 8] = [
    "share/man/man1/sampled.1",
    "share/man/man5/sampled-config.5",
    "share/man/man5/sampled-sources.5",
    "share/man/man5/io.github.sampled.Sampler1.5",
    "share/man/man5/io.github.sampled.Processes1.5",
    "share/bash-completion/completions/sampled",
    "share/zsh/site-functions/_sampled",
    "share/fish/vendor_completions.d/sampled.fish",
];

/// The files that an installation has, at least with a unit: program, activation file, unit and the rest.
const FILES: usize = 3 + INTERFACES.len() + DOCUMENTS.len();

/// Whether a build of the workspace has put sampled-top beside the program: then it is installed, too.
fn companions() -> usize {
    Path::new(SAMPLED)
        .with_file_name("sampled-top")
        .exists()
        .into()
}

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
    let top = (companions() > 0).then_some("bin/sampled-top");
    let names = ["bin/sampled"].into_iter().chain(top).chain(INTERFACES);
    let names = names.chain(DOCUMENTS).chain([UNIT, ACTIVATION]);
    let written: Vec<_> = names.map(|name| root.join(name)).collect();
    let expected = written
        .iter()
        .map(|path| format!("wrote {}\n", path.display()));
    assert_eq!(run.ok(), expected.collect::<String>());

    assert_eq!(fs::read(&program).unwrap(), fs::read(SAMPLED).unwrap());
    assert_eq!(
        program.metadata().unwrap().permissions().mode() & 0o7777,
        0o755
    );
    let (activation, unit) = (read(&root.join(ACTIVATION)), read(&root.join(UNIT)));
    assert!(
        activation.contains("\nExec=/opt/sampled/bin/sampled serve\n"),
        "{activation}"
    );
    assert!(activation.contains("\nSystemdService=sampled.service\n"));
    assert!(unit.contains("\nExecStart=/opt/sampled/bin/sampled serve\n"));
    assert!(unit.contains("\nSlice=session.slice\n"));
    for interface in INTERFACES {
        let path = &root.join(interface);
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

    for file in DOCUMENTS {
        let path = root.join(file);
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "{file}");
        assert!(
            read(&path).contains("Written by `sampled install`"),
            "{file}"
        );
    }
    // zsh looks at the first line, and man at that of a page with a preprocessor.
    assert!(read(&root.join(DOCUMENTS[6])).starts_with("#compdef sampled\n"));

    let removed = home.run(&[&["uninstall"], &arguments[..]].concat()).ok();
    assert_eq!(removed.lines().count(), written.len(), "{removed}");
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
        (DOCUMENTS[0], ".TH sampled 1\n"),
        (DOCUMENTS[5], "complete -F _other sampled\n"),
        (DOCUMENTS[6], "#compdef sampled\n"),
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
    assert_eq!(
        home.run(&arguments).ok().lines().count(),
        FILES - 1 + companions()
    );
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
    assert_eq!(run("install").lines().count(), FILES - 1);
    assert_eq!(run("install").lines().count(), FILES - 1);
    assert_eq!(run("uninstall").lines().count(), FILES - 1);
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
    for file in [
        "bin/sampled",
        ACTIVATION,
        UNIT,
        INTERFACES[0],
        DOCUMENTS[0],
        DOCUMENTS[6],
    ] {
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

#[test]
fn a_program_beside_the_installing_one_is_installed_with_it() {
    let home = Home::new();
    let (source, prefix) = (home.dir().join("source"), home.dir().join("prefix"));
    fs::create_dir(&source).unwrap();
    let program = source.join("sampled");
    copy_program(Path::new(SAMPLED), &program);
    copy_program(Path::new("/bin/true"), &source.join("sampled-top"));
    let run = |program: &Path, command| {
        let arguments = [command, "--prefix", text(&prefix)];
        Run::of(home.command(text(program)).args(arguments))
    };
    let installed = prefix.join("bin/sampled-top");
    // That of another package.
    fs::create_dir_all(prefix.join("bin")).unwrap();
    fs::write(&installed, "").unwrap();
    let refused = run(&program, "install");
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(text(&installed)), "{refused:?}");
    fs::remove_file(&installed).unwrap();

    assert_eq!(run(&program, "install").ok().lines().count(), FILES + 1);
    let mode = installed.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    Run::of(&mut home.command(text(&installed))).ok();
    // A new version, and the installed one itself.
    assert_eq!(run(&program, "install").ok().lines().count(), FILES + 1);
    assert_eq!(
        run(&prefix.join("bin/sampled"), "install")
            .ok()
            .lines()
            .count(),
        FILES - 1
    );
    // A version that comes without it.
    fs::remove_file(source.join("sampled-top")).unwrap();
    assert_eq!(run(&program, "install").ok().lines().count(), FILES);
    assert_eq!(run(&program, "uninstall").ok().lines().count(), FILES + 1);
    assert_eq!(files(&prefix), [] as [PathBuf; 0]);
}

#[test]
fn man_finds_the_pages_of_a_user() {
    let home = Home::new();
    home.run(&["install"]).ok();
    let bin = home.dir().join(".local/bin");
    let mut command = home.command("man");
    let path = format!("{}:{}", text(&bin), std::env::var("PATH").unwrap());
    let found = command
        .args(["-w", "sampled", "sampled-config"])
        .env("PATH", path);
    let Ok(output) = found.output() else {
        return skip("man is not installed");
    };
    let pages = home.dir().join(".local/share/man");
    let expected = ["man1/sampled.1", "man5/sampled-config.5"].map(|page| pages.join(page));
    let expected = expected.map(|path| format!("{}\n", path.display()));
    assert_eq!(Run::from(output).ok(), expected.concat());
}
