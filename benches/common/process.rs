//! The resources that a process uses, from /proc.

use std::{fs, os::fd::OwnedFd, time::Duration};

use nix::time::ClockId;

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

pub(crate) struct Process {
    pub(crate) pid: u32,
    descriptor: OwnedFd,
}

/// The resources that a process has used, in all or between two moments.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// CPU time of all threads, including those that have ended, in µs.
    pub(crate) cpu: f64,
    /// Voluntary and involuntary context switches of its first thread.
    pub(crate) switches: f64,
    /// Calls of read(2) and its variants, without reads of sockets.
    pub(crate) reads: f64,
}

impl Process {
    pub(crate) fn open(pid: u32) -> Self {
        let descriptor = pidfd_open(number(pid), PidfdFlags::empty()).expect("it runs");
        Self { pid, descriptor }
    }

    pub(crate) fn kill(&self) {
        pidfd_send_signal(&self.descriptor, Signal::KILL).expect("it is ours");
        let mut ended = [PollFd::new(&self.descriptor, PollFlags::IN)];
        poll(&mut ended, None).expect("poll");
    }

    pub(crate) fn usage(&self) -> Usage {
        let pid = i32::try_from(self.pid).expect("a process id");
        let clock = ClockId::pid_cpu_clock_id(nix::unistd::Pid::from_raw(pid));
        let cpu = clock.and_then(ClockId::now).expect("it runs");
        Usage {
            cpu: Duration::from(cpu).as_secs_f64() * 1e6,
            switches: (self.value("status", "voluntary_ctxt_switches:")
                + self.value("status", "nonvoluntary_ctxt_switches:")) as f64,
            reads: self.value("io", "syscr:") as f64,
        }
    }

    /// CPU time of all threads that exist, in µs.
    pub(crate) fn cpu_of_threads(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).expect("it runs");
        let times = threads.flatten().filter_map(|thread| {
            // A thread that has just ended has no file.
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        times.sum::<f64>() / 1e3
    }

    /// Context switches of all threads that exist.
    pub(crate) fn switches_of_threads(&self) -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).expect("it runs");
        let switches = threads.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("status")).ok()?;
            let lines = text
                .lines()
                .filter_map(|line| line.split_once("voluntary_ctxt_switches:"));
            Some(
                lines
                    .filter_map(|(_, number)| number.trim().parse::<u64>().ok())
                    .sum::<u64>(),
            )
        });
        switches.sum()
    }

    pub(crate) fn threads(&self) -> u64 {
        self.value("status", "Threads:")
    }

    /// Memory that only this process maps, in kB: pages that it has written; and pages of files that no other process
    /// maps, which are those of the executable while it runs once.
    pub(crate) fn private_memory(&self) -> (u64, u64) {
        (
            self.value("smaps_rollup", "Private_Dirty:"),
            self.value("smaps_rollup", "Private_Clean:"),
        )
    }

    /// The resident set, in kB.
    pub(crate) fn resident(&self) -> u64 {
        self.value("status", "VmRSS:")
    }

    /// The largest resident set so far, in kB.
    pub(crate) fn peak(&self) -> u64 {
        self.value("status", "VmHWM:")
    }

    fn value(&self, file: &str, key: &str) -> u64 {
        let text = self.file(file);
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("{file} has {key}"))
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.pid)).expect("it runs")
    }
}

impl Usage {
    /// The use since `before`, divided by `count`.
    pub(crate) fn since(self, before: Self, count: f64) -> Self {
        Self {
            cpu: (self.cpu - before.cpu) / count,
            switches: (self.switches - before.switches) / count,
            reads: (self.reads - before.reads) / count,
        }
    }
}

/// Pins these processes, and this one, to one CPU until the result is dropped.
pub(crate) fn pin(processes: &[u32]) -> Pinned {
    let before = sched_getaffinity(None).expect("affinity");
    let first = (0..CpuSet::MAX_CPU).find(|&cpu| before.is_set(cpu));
    let mut one = CpuSet::new();
    one.set(first.expect("a CPU"));
    let mut all = vec![None];
    all.extend(processes.iter().map(|&pid| Some(number(pid))));
    for &process in &all {
        sched_setaffinity(process, &one).expect("they are ours");
    }
    Pinned { all, before }
}

pub(crate) struct Pinned {
    all: Vec<Option<Pid>>,
    before: CpuSet,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        for &process in &self.all {
            sched_setaffinity(process, &self.before).ok();
        }
    }
}

fn number(pid: u32) -> Pid {
    let pid = pid.try_into().ok().and_then(Pid::from_raw);
    pid.expect("a process id")
}
