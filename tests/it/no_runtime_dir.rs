//! A user without XDG_RUNTIME_DIR, as after `su -`, with `sudo -u`, or in a container.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::support::{
    home::{MARK, SAMPLED, copy_program},
    process::{DEADLINE, Run, skip},
};

/// The user nobody, with a copy of the program: nobody may have no access to the build directory.
struct Nobody {
    dir: TempDir,
}

impl Nobody {
    fn new() -> Option<Self> {
        if !geteuid().is_root() {
            skip("it becomes the user nobody, which needs root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        copy_program(Path::new(SAMPLED), &dir.path().join("sampled"));
        Some(Self { dir })
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("sampled")
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Run {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env(MARK, self.dir.path());
        Run::within(&mut command, DEADLINE)
    }
}

#[test]
fn the_demo_runs_without_a_pidfile() {
    let Some(nobody) = Nobody::new() else {
        return;
    };
    let run = nobody.run(&nobody.program(), &["demo"]);
    assert_eq!(run.stderr, "");
    assert!(run.ok().ends_with("nothing is left.\n"));
}

#[test]
fn the_commands_find_the_service_by_its_name_on_the_bus() {
    let Some(nobody) = Nobody::new() else {
        return;
    };
    let program = nobody.program();
    let output = |script: &str| {
        let script = script.replace("sampled", program.to_str().unwrap());
        let session = Path::new("dbus-run-session");
        let run = nobody.run(session, &["--", "sh", "-c", &script]);
        format!("{}{}", run.stdout, run.stderr)
    };
    let check = |script: &str, expected: &[&str]| {
        let output = output(script);
        let lines: Vec<_> = output.lines().collect();
        let matches = |(line, expected): (&&str, &&str)| line.starts_with(expected);
        let all_match = lines.len() == expected.len() && lines.iter().zip(expected).all(matches);
        assert!(all_match, "{script}: {output}");
    };
    let definition = |line| format!("{}/.config/sampled/{line}", nobody.dir.path().display());
    let started = "sampled: started: process ";
    let stopped = "sampled: stopped: process ";
    check(
        "sampled start; sampled start; sampled stop",
        &[started, "sampled: already running: process ", stopped],
    );
    check(
        "sampled start; sampled status | head -n1 | cut -d, -f2; sampled reload; sampled restart; sampled stop",
        &[
            started,
            " detached by `sampled start`",
            "sampled: reloaded: process ",
            &definition("config.toml: there is no such file"),
            &definition("sources.d: there is no such directory"),
            stopped,
            started,
            stopped,
        ],
    );
    check(
        "sampled restart; sampled stop",
        &["sampled: not running", started, stopped],
    );
    check(
        "sampled stop; sampled status; echo $?; sampled reload; echo $?",
        &[
            "sampled: not running",
            "sampled is not running",
            "3",
            "7",
            "sampled: not running",
        ],
    );
    check(
        "sampled serve & while ! sampled stop | grep stopped; do :; done; wait; echo $?",
        &[stopped, "0"],
    );
}
