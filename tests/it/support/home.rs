//! A user of our own: a home and a runtime directory that no other test sees.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{
    environment::environment,
    process::{Process, Run},
};

/// The program under test.
pub(crate) const SAMPLED: &str = env!("CARGO_BIN_EXE_sampled");

/// The variable by which everything that a test has started is found and ended.
pub(crate) const MARK: &str = "SAMPLED_TEST";

/// A user's directories, in a temporary one. There is no bus here: see [`Bus`](crate::support::bus::Bus).
///
/// When it is dropped, every process that was started in it ends, also one that has detached.
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

    /// The temporary directory that everything is in: HOME.
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

    /// A program with this user's environment and nothing else of ours.
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

    /// `sampled` with these arguments, and no bus to reach.
    pub(crate) fn sampled(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(SAMPLED);
        command.args(arguments);
        command
    }

    /// Runs `sampled` with these arguments, and no bus to reach.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.sampled(arguments))
    }

    /// The processes that were started in it, detached ones too.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let numbers = fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse().ok()
        });
        // The descriptor first: what is asked of it then is asked of the process that is meant.
        let processes = numbers.filter_map(Process::open);
        processes
            .filter(|process| self.has_started(process.pid))
            .collect()
    }

    fn has_started(&self, pid: u32) -> bool {
        let mark = format!("{MARK}={}", self.dir().display());
        environment(pid)
            .split(|&byte| byte == 0)
            .any(|variable| variable == mark.as_bytes())
    }

    fn directories(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("XDG_RUNTIME_DIR", self.runtime()),
            ("XDG_DATA_HOME", self.data()),
            ("XDG_CONFIG_HOME", self.config()),
            // No other service of this machine takes part.
            ("XDG_DATA_DIRS", self.dir().join("share")),
        ]
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Until there is none: one may start another before it is ended.
        loop {
            let processes = self.processes();
            if processes.is_empty() {
                return;
            }
            for process in processes {
                process.signal(Signal::KILL);
                process.ends_within(crate::support::process::DEADLINE);
            }
        }
    }
}
