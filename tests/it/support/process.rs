//! Processes, held by pidfds: a pid may be reused, a pidfd always means the same process.

use std::{
    os::fd::{AsFd, OwnedFd},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

pub(crate) use super::skip::skip;

/// How long a test waits for an event that must come. No correct run takes that long, also on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// How long a stress test lasts, from SAMPLED_STRESS_SECONDS. `.ci/run` sets it. With it, other tests that repeat
/// something do so more often.
pub(crate) fn stress_time() -> Option<Duration> {
    let seconds = std::env::var("SAMPLED_STRESS_SECONDS").ok()?;
    Some(Duration::from_secs(seconds.parse().expect("a number")))
}

/// A process on this machine.
pub(crate) struct Process {
    pub(crate) pid: u32,
    descriptor: OwnedFd,
}

impl Process {
    /// The process with this pid; `None` if there is none.
    pub(crate) fn open(pid: u32) -> Option<Self> {
        let number = Pid::from_raw(pid.try_into().ok()?)?;
        let descriptor = pidfd_open(number, PidfdFlags::empty()).ok()?;
        Some(Self { pid, descriptor })
    }

    /// Sends a signal. Nothing happens if the process has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.descriptor, signal).ok();
    }

    /// Stops the process, and waits until it has stopped.
    #[track_caller]
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        let start = Instant::now();
        while !self.is_stopped() {
            assert!(start.elapsed() < DEADLINE, "{} does not stop", self.pid);
            std::thread::yield_now();
        }
    }

    /// Whether it is stopped, by SIGSTOP or another signal.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest);
        after_name.is_some_and(|rest| rest.starts_with('T'))
    }

    /// Waits until the process has ended.
    #[track_caller]
    pub(crate) fn wait(&self) {
        assert!(
            self.ends_within(DEADLINE),
            "process {} has not ended",
            self.pid
        );
    }

    /// Whether the process ends within this time.
    pub(crate) fn ends_within(&self, time: Duration) -> bool {
        let time = Timespec {
            tv_sec: time.as_secs() as i64,
            tv_nsec: time.subsec_nanos().into(),
        };
        let descriptor = self.descriptor.as_fd();
        let mut ended = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
        poll(&mut ended, Some(&time)).expect("poll") > 0
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        !self.ends_within(Duration::ZERO)
    }
}

/// The output of a program and its exit status; `None` if a signal killed it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a command to its end.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().expect("the program can be run").into()
    }

    /// Runs a command, which must end within this time.
    #[track_caller]
    pub(crate) fn within(command: &mut Command, time: Duration) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = piped.stderr(Stdio::piped()).spawn().expect("spawn");
        let process = Process::open(child.id()).expect("a child exists until it is waited for");
        // Its output is read meanwhile, because a full pipe would stop it.
        let output = thread::spawn(|| child.wait_with_output().expect("output"));
        let has_ended = process.ends_within(time);
        if !has_ended {
            process.signal(Signal::KILL);
        }
        let run = Self::from(output.join().expect("the output is read"));
        assert!(
            has_ended,
            "{command:?} has not ended within {time:?}: {run:?}"
        );
        run
    }

    /// The standard output. Fails unless the exit status is 0.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output in UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
