//! `install` and `uninstall`: the files that they write, and a bus that uses them.

mod activation;
mod uninstall;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::support::{
    home::{Home, SAMPLED, copy_program},
    process::{Run, skip},
};

const ACTIVATION: &str = "share/dbus-1/services/io.github.sampled.Sampler1.service";
const UNIT: &str = "lib/systemd/user/sampled.service";
const INTERFACES: [&str; 2] = [
    "share/dbus-1/interfaces/io.github.sampled.Sampler1.xml",
    "share/dbus-1/interfaces/io.github.sampled.Processes1.xml",
];

/// The other files below a prefix, in the order in which they are written.
const DOCUMENTS: [&str; 9] = [
    "share/man/man1/sampled.1",
    "share/man/man1/sampled-top.1",
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
    assert!(read(&root.join(DOCUMENTS[7])).starts_with("#compdef sampled\n"));

    let removed = home.run(&[&["uninstall"], &arguments[..]].concat()).ok();
    assert_eq!(removed.lines().count(), written.len(), "{removed}");
    assert_eq!(files(&stage), [] as [PathBuf; 0]);
    assert!(root.join("bin").is_dir());
    let again = home.run(&[&["uninstall"], &arguments[..]].concat());
    assert!(again.stderr.contains("nothing was removed"));
    assert_eq!(again.ok(), "");
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
fn install_names_a_directory_that_is_not_in_path() {
    let home = Home::new();
    let run = home.run(&["install"]);
    let bin = home.dir().join(".local/bin");
    let line = format!("export PATH=\"{}:$PATH\"", text(&bin));
    assert!(run.stderr.contains(&line), "{run:?}");
    run.ok();
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
