//! Processes: their signals and ends, and their files in /proc.

use std::fs;
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use sampled_daemon::Process;

use super::DEADLINE;

pub(crate) fn kill(pid: i32, signal: Signal) {
    // The process may have ended.
    let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
}

/// Opens a process that must exist.
pub(crate) fn open_process(pid: i32) -> Process {
    Process::open(pid).unwrap().unwrap()
}

pub(crate) fn wait_for_end(process: &Process) {
    assert!(ends_within(process, DEADLINE), "the process does not end");
}

pub(crate) fn ends_within(process: &Process, time: Duration) -> bool {
    let end = PollFd::new(process.as_fd(), PollFlags::POLLIN);
    poll(&mut [end], PollTimeout::try_from(time).unwrap()).unwrap() > 0
}

/// Sends SIGKILL and waits for the end.
pub(crate) fn kill_and_wait(pid: i32) {
    let process = open_process(pid);
    kill(pid, Signal::SIGKILL);
    wait_for_end(&process);
}

/// A line of /proc/N/status, see proc_pid_status(5).
pub(crate) fn status_line(pid: i32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}:\t")));
    line.unwrap().to_owned()
}

/// The number and the target of every open descriptor.
pub(crate) fn open_files(pid: i32) -> Vec<(i32, String)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let mut files: Vec<(i32, String)> = entries
        .map(|entry| {
            let target = fs::read_link(entry.path()).unwrap().display().to_string();
            (entry.file_name().to_str().unwrap().parse().unwrap(), target)
        })
        .collect();
    files.sort();
    files
}

/// A process unrelated to the daemon. It must not be killed.
pub(crate) struct UnrelatedProcess(Child);

impl UnrelatedProcess {
    pub(crate) fn new() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> i32 {
        self.0.id() as i32
    }

    pub(crate) fn assert_alive(&mut self) {
        assert_eq!(
            self.0.try_wait().unwrap(),
            None,
            "the unrelated process was killed"
        );
    }
}

impl Drop for UnrelatedProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
