//! `uninstall` removes the files that `install` has written, and no others.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use rustix::process::geteuid;

use super::{ACTIVATION, DOCUMENTS, FILES, INTERFACES, UNIT, files, text};
use crate::support::{
    home::{Home, SAMPLED, copy_program},
    process::{DEADLINE, Run},
};

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
