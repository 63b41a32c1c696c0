//! Signals before and after the fork.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::Pid;
use sampled_daemon::{Daemon, Event, Signals};

use super::{check, require};

pub(super) fn signals_are_taken_one_by_one_by_any_thread(daemon: &Daemon) {
    check(daemon, || {
        // A thread that exists before, and gets the signals as likely as this one.
        std::thread::spawn(|| {
            loop {
                std::thread::park();
            }
        });
        let signals = Signals::new()?;
        let same = Signals::new()?;
        require(!is_readable(&signals), "readable without a signal")?;
        for signal in [
            Signal::SIGHUP,
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGTERM,
        ] {
            kill(Pid::this(), signal)?;
        }
        require(signals.wait()? == Event::Reload, "the first signal first")?;
        require(is_readable(&signals), "the stop is pending")?;
        require(
            same.take()? == Some(Event::Stop),
            "the other value takes the rest",
        )?;
        require(
            same.take()?.is_none() && signals.take()?.is_none(),
            "each counts once",
        )?;
        require(!is_readable(&signals), "readable without a signal")?;
        require(
            signals.wait_timeout(Duration::from_millis(1))?.is_none(),
            "a timeout",
        )?;
        // Both are pending when the kernel delivers them: the one with the lower number first, as by a signalfd.
        let both: SigSet = [Signal::SIGHUP, Signal::SIGTERM].into_iter().collect();
        both.thread_block()?;
        raise(Signal::SIGTERM)?;
        raise(Signal::SIGHUP)?;
        both.thread_unblock()?;
        require(
            signals.wait()? == Event::Reload,
            "SIGHUP has the lower number",
        )?;
        require(signals.wait()? == Event::Stop, "then SIGTERM")?;
        let (reader, writer) = nix::unistd::pipe()?;
        File::from(writer).write_all(b"x")?;
        require(
            signals.wait_or_readable(&reader)?.is_none(),
            "the pipe is readable",
        )?;
        kill(Pid::this(), Signal::SIGHUP)?;
        let event = signals.wait_or_readable(&reader)?;
        require(
            event == Some(Event::Reload),
            "a signal before a readable pipe",
        )?;
        // Two threads wait, and each signal wakes one of them.
        let (taken, done) = (AtomicUsize::new(0), AtomicBool::new(false));
        let take = |signals: &Signals| {
            while !done.load(Ordering::SeqCst) {
                if let Ok(Some(_)) = signals.wait_timeout(Duration::from_millis(20)) {
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        let lost = std::thread::scope(|scope| {
            let _threads = [&signals, &same].map(|signals| scope.spawn(move || take(signals)));
            let deadline = Instant::now() + Duration::from_secs(20);
            let lost = (1..=2000).find(|round| {
                let signal = [Signal::SIGHUP, Signal::SIGTERM][round % 2];
                let _ = kill(Pid::this(), signal);
                while taken.load(Ordering::SeqCst) < *round && Instant::now() < deadline {
                    std::thread::yield_now();
                }
                taken.load(Ordering::SeqCst) != *round
            });
            done.store(true, Ordering::SeqCst);
            lost
        });
        require(lost.is_none(), &format!("lost: {lost:?}"))
    });
}

pub(super) fn signals_caught_before_the_fork_are_refused(daemon: &Daemon) {
    let signals = Signals::new().unwrap();
    check(daemon, || {
        let refused = signals.wait().unwrap_err().to_string();
        require(refused.contains("before a fork"), &refused)?;
        // Those of the daemon are its own.
        let own = Signals::new()?;
        kill(Pid::this(), Signal::SIGTERM)?;
        require(own.wait()? == Event::Stop, "its own")
    });
    assert_eq!(signals.take().unwrap(), None);
}

/// A readable descriptor, as an event loop sees it.
fn is_readable(fd: impl AsFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).unwrap() > 0
}
