//! `sampled` itself in a sandbox: the files there are not those of the user's machine.

use std::fs;

use rustix::process::geteuid;

use super::{ENTER, INFO, Sandbox};
use crate::support::{
    home::{Home, SAMPLED},
    process::{Run, skip},
};

/// Runs `sampled` in a root that has a `/.flatpak-info`, where no session bus can be reached.
fn run(home: &Home, arguments: &[&str]) -> Run {
    let root = home.dir().join("root");
    fs::create_dir_all(&root).unwrap();
    let mut command = home.command("unshare");
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--propagation=private", "sh", "-ec", ENTER, "sh"]);
    command.arg(root).args([INFO, ""]);
    command.arg(SAMPLED).args(arguments);
    Run::of(&mut command)
}

#[test]
fn without_a_bus_the_client_in_a_sandbox_does_not_read_files() {
    let home = Home::new();
    if run(&home, &["--version"]).code != Some(0) {
        return skip(Sandbox::NEEDS);
    }
    for arguments in [
        &["sample", "cpu/all/usage"][..],
        &["list"],
        &["watch", "cpu", "--count", "1"],
        &["ps"],
        &["sources"],
    ] {
        let run = run(&home, arguments);
        assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{run:?}");
        for word in [
            "no session bus",
            "--talk-name=io.github.sampled.Sampler1",
            "--local",
        ] {
            assert!(run.stderr.contains(word), "{word} is not in: {run:?}");
        }
    }
    // With an option that asks for it, the client reads these files.
    for option in [&["--procfs", "/proc"][..], &["--local"]] {
        let arguments = [&["sample", "cpu/all/usage"], option].concat();
        let output = run(&home, &arguments).ok();
        assert!(output.contains("cpu/all/usage"), "{output}");
    }
}
