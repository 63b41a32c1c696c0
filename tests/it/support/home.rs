//! A user for one test: a home and a runtime directory that no other test uses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{
    environment::environment,
    process::{DEADLINE, Process, Run},
};

/// The program under test.
pub(crate) const SAMPLED: &str = env!("CARGO_BIN_EXE_sampled");

/// The environment variable that marks the processes of a test: [`Home`] finds and kills them by it.
pub(crate) const MARK: &str = "SAMPLED_TEST";

/// Copies a program by cp(1). If this process wrote the copy, another test might fork meanwhile, its child would have the
/// copy open for writing, and execve(2) would fail with ETXTBSY.
#[track_caller]
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(status.expect("cp").success(), "{}", to.display());
}

/// The directories of a user, in a temporary directory. It has no bus: see [`Bus`](crate::support::bus::Bus).
///
/// `drop` kills every process that was started in it, also one that has detached.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("sampled-test-").tempdir();
        let home = Self {
            dir: dir.expect("temporary directory"),
        };
        for (_, dir) in home.directories() {
            fs::create_dir_all(dir).expect("directory");
        }
        home
    }

    /// HOME, the temporary directory that holds the others.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// XDG_RUNTIME_DIR.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.dir().join("run")
    }

    /// XDG_DATA_HOME.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir().join("data")
    }

    /// XDG_CONFIG_HOME.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir().join("config")
    }

    /// A program with the environment of this user, and no variable of the test but PATH.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir())
            .env("LC_ALL", "C")
            .env(MARK, self.dir());
        command.envs(self.directories());
        command
    }

    /// `sampled` with these arguments, without a session bus.
    pub(crate) fn sampled(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(SAMPLED);
        command.args(arguments);
        command
    }

    /// Runs `sampled` with these arguments, without a session bus.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.sampled(arguments))
    }

    /// The processes that were started in it, detached ones too.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let mark = format!("{MARK}={}", self.dir().display());
        processes(|pid| has_variable(pid, &mark))
    }

    /// Also the commands of its services, which have its HOME and not the mark, and programs that a command has started
    /// with an empty environment: they have its working directory.
    fn remaining(&self) -> Vec<Process> {
        let dir = self.dir().display();
        let variables = [format!("{MARK}={dir}"), format!("HOME={dir}")];
        let is_inside = |link: PathBuf| link.starts_with(self.dir());
        processes(|pid| {
            let cwd = fs::read_link(format!("/proc/{pid}/cwd"));
            variables.iter().any(|variable| has_variable(pid, variable)) || cwd.is_ok_and(is_inside)
        })
    }

    fn directories(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("XDG_RUNTIME_DIR", self.runtime()),
            ("XDG_DATA_HOME", self.data()),
            ("XDG_CONFIG_HOME", self.config()),
            // The bus activates no service that is installed on this machine.
            ("XDG_DATA_DIRS", self.dir().join("share")),
        ]
    }
}

/// The processes with a property, which the function finds by the pid.
fn processes(is_meant: impl Fn(u32) -> bool) -> Vec<Process> {
    let numbers = fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse().ok()
    });
    // The descriptor is opened before the environment is read: a signal by it reaches no process that got the pid
    // later.
    let processes = numbers.filter_map(Process::open);
    processes.filter(|process| is_meant(process.pid)).collect()
}

fn has_variable(pid: u32, expected: &str) -> bool {
    environment(pid)
        .split(|&byte| byte == 0)
        .any(|variable| variable == expected.as_bytes())
}

impl Drop for Home {
    fn drop(&mut self) {
        // Until there is none: a process may start another before it is killed.
        loop {
            let processes = self.remaining();
            if processes.is_empty() {
                return;
            }
            for process in processes {
                process.signal(Signal::KILL);
                if !process.ends_within(DEADLINE) {
                    // A second panic would abort, and hide the first one.
                    assert!(thread::panicking(), "{} survives SIGKILL", process.pid);
                    return;
                }
            }
        }
    }
}

#[test]
fn a_home_ends_programs_without_its_environment() {
    let home = Home::new();
    let start = |script: &str| {
        let mut command = home.command("setsid");
        let child = command
            .args(["sh", "-c", script])
            .current_dir(home.dir())
            .spawn();
        child.expect("setsid")
    };
    let scripts = [
        "exec env -i sleep 1000",
        "cd /; unset SAMPLED_TEST; exec sleep 1000",
    ];
    let children = scripts.map(start);
    let mark = format!("{MARK}={}", home.dir().display());
    let start = Instant::now();
    while children.iter().any(|child| has_variable(child.id(), &mark)) {
        assert!(start.elapsed() < DEADLINE, "sh does not execute sleep");
    }
    drop(home);
    for mut child in children {
        Process::open(child.id()).expect("not waited for").wait();
        child.wait().expect("wait");
    }
}
