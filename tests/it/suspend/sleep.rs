//! A suspend as a process knows it: its CLOCK_BOOTTIME goes ahead of its CLOCK_MONOTONIC. A debugger (ptrace(2)) lets the
//! process enter a time namespace that has been suspended for longer; clock_gettime(2) and its vDSO follow at once.

use std::{
    fs,
    io::{BufRead, BufReader, Error},
    os::unix::fs::FileExt,
    process::{Child, Command, Stdio},
    time::Instant,
};

use nix::{
    errno::Errno,
    libc,
    sys::{
        ptrace,
        signal::Signal,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::process::geteuid;

use crate::support::process::{DEADLINE, Process, skip};

/// Why the tests cannot run, if they cannot. They are skipped then.
pub(crate) fn is_impossible() -> bool {
    let reason = if !geteuid().is_root() {
        "it lets a process enter a time namespace, which needs root"
    } else if fs::metadata("/proc/self/ns/time").is_err() {
        "it needs time namespaces (CONFIG_TIME_NS)"
    } else {
        return false;
    };
    skip(reason);
    true
}

/// Suspends the machine for so many seconds, as far as this process sees. It must have one thread.
pub(crate) fn suspend(process: &Process, seconds: u64) {
    let namespace = TimeNamespace::ahead_of(process, seconds);
    let start = Instant::now();
    // Another thread, of the blocking pool, ends after a while.
    while !Traced::stop(process).enter(&namespace) {
        assert!(start.elapsed() < DEADLINE, "it keeps a second thread");
        std::thread::yield_now();
    }
}

/// A time namespace, kept by a process in it.
struct TimeNamespace {
    keeper: Child,
    pid: u32,
}

impl TimeNamespace {
    /// A namespace whose CLOCK_BOOTTIME is ahead of that of a process.
    fn ahead_of(process: &Process, seconds: u64) -> Self {
        let offsets = fs::read_to_string(format!("/proc/{}/timens_offsets", process.pid));
        let offsets = offsets.expect("time namespaces");
        let boottime = offsets
            .lines()
            .find_map(|line| line.strip_prefix("boottime"));
        let before = boottime.and_then(|line| line.split_whitespace().next());
        let before: u64 = before.expect("an offset").parse().expect("a number");
        // The shell waits for the end of its stdin.
        let keeper = Command::new("unshare")
            .args([
                "--time",
                "--fork",
                "--boottime",
                &(before + seconds).to_string(),
            ])
            .args(["sh", "-c", "echo $$; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut keeper = keeper.expect("unshare(1)");
        let mut line = String::new();
        let stdout = keeper.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let pid = line.trim_end().parse().expect("the pid of the shell");
        Self { keeper, pid }
    }
}

impl Drop for TimeNamespace {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

/// A process that is stopped by ptrace(2). It goes on when this is dropped.
struct Traced(Pid);

impl Traced {
    fn stop(process: &Process) -> Self {
        let traced = Self(Pid::from_raw(process.pid.try_into().expect("a pid")));
        ptrace::seize(traced.0, ptrace::Options::empty()).expect("ptrace");
        ptrace::interrupt(traced.0).expect("ptrace");
        traced.wait();
        traced
    }

    /// Enters the namespace; false if the process has several threads, or is stopped in no system call.
    fn enter(&self, namespace: &TimeNamespace) -> bool {
        let Some(keeper) = self.call(libc::SYS_pidfd_open, [namespace.pid.into(), 0]) else {
            return false;
        };
        let keeper = keeper.expect("pidfd_open");
        let entered = self.call(libc::SYS_setns, [keeper, libc::CLONE_NEWTIME.into()]);
        let closed = self.call(libc::SYS_close, [keeper, 0]);
        closed.expect("a system call").expect("close");
        match entered.expect("a system call") {
            Ok(_) => true,
            Err(Errno::EUSERS) => false,
            Err(error) => panic!("setns: {error}"),
        }
    }

    /// Makes a system call in the process, by the instruction of the one that it is stopped in; `None` if it is in none.
    fn call(&self, number: i64, arguments: [i64; 2]) -> Option<Result<i64, Errno>> {
        const SYSCALL: [u8; 2] = [0x0f, 0x05];
        let saved = ptrace::getregs(self.0).expect("registers");
        let memory = fs::File::open(format!("/proc/{}/mem", self.0)).expect("memory");
        let mut instruction = [0; 2];
        let place = saved.rip - SYSCALL.len() as u64;
        memory.read_exact_at(&mut instruction, place).expect("code");
        if instruction != SYSCALL {
            return None;
        }
        let mut registers = saved;
        registers.rip = place;
        registers.rax = number.cast_unsigned();
        // Not to be restarted.
        registers.orig_rax = u64::MAX;
        [registers.rdi, registers.rsi] = arguments.map(i64::cast_unsigned);
        ptrace::setregs(self.0, registers).expect("registers");
        ptrace::step(self.0, None).expect("a step");
        self.wait();
        let result = ptrace::getregs(self.0)
            .expect("registers")
            .rax
            .cast_signed();
        ptrace::setregs(self.0, saved).expect("registers");
        Some(match result {
            0.. => Ok(result),
            error => Err(Errno::from_raw(error.wrapping_neg() as i32)),
        })
    }

    /// Waits until it is stopped by this tracer.
    fn wait(&self) {
        let status = waitpid(self.0, Some(WaitPidFlag::__WALL)).expect("wait");
        let is_stopped = matches!(
            status,
            WaitStatus::PtraceEvent(..) | WaitStatus::Stopped(_, Signal::SIGTRAP)
        );
        assert!(is_stopped, "{status:?}: {}", Error::last_os_error());
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        ptrace::detach(self.0, None).ok();
    }
}
