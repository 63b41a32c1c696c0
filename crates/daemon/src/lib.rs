//! A correct Unix daemon for any program: detach, pidfile, readiness, start, stop, restart, reload, status.
//!
//! ```no_run
//! use std::error::Error;
//! use std::io::{Write, stdout};
//! use std::process::ExitCode;
//!
//! use nix::sys::signal::{SigSet, Signal};
//! use sampled_daemon::{Daemon, Ready};
//!
//! fn serve(ready: Ready) -> Result<(), Box<dyn Error>> {
//!     // By default SIGTERM would end the process at once, and leave its pidfile behind.
//!     let stop = SigSet::from(Signal::SIGTERM);
//!     stop.thread_block()?;
//!     // Read the configuration, bind the sockets. The caller of `start` sees an error from here.
//!     ready.ready()?;
//!     // Serve, until the signal comes.
//!     stop.wait()?;
//!     Ok(())
//! }
//!
//! fn main() -> Result<ExitCode, sampled_daemon::Error> {
//!     let daemon = Daemon::new("mydaemon");
//!     let outcome = match std::env::args().nth(1).as_deref() {
//!         Some("start") => daemon.start(serve)?.to_string(),
//!         Some("stop") => daemon.stop()?.to_string(),
//!         Some("restart") => daemon.restart(serve)?.to_string(),
//!         Some("run") => daemon.run(serve).map(|()| "ended".to_owned())?,
//!         Some("status") => daemon.status().to_string(),
//!         _ => return Ok(ExitCode::from(2)),
//!     };
//!     // Not println!, which panics if nobody reads.
//!     let _ = writeln!(stdout(), "{outcome}");
//!     Ok(ExitCode::SUCCESS)
//! }
//! ```
//!
//! `examples/mydaemon.rs` is the same with reload, a log, another user and signals. Linux 5.3 or later.
//!
//! # The recipe
//!
//! [`Daemon::start`] takes the steps below, [`detach`] the same without pidfile, user and readiness. [`Daemon::run`]
//! and [`settle`] do what a process needs that is watched by a supervisor and stays where it is.
//!
//! 1. **A pipe**, over which the daemon tells how its start went. The caller's exit status follows from that. A
//!    daemon that dies, panics, hangs or cannot open its files is a failed start.
//! 2. **fork**. The caller stays what it is. Only with one thread: a child has only the thread that forked, but
//!    all the locks that the others held.
//! 3. **Default signal actions, nothing blocked**: both are inherited through exec, so that a daemon started from
//!    nohup would never hear of SIGHUP. After the fork, for the caller may need its own.
//! 4. **Inherited descriptors become /dev/null**: those above 2 without `FD_CLOEXEC`. An inherited pipe would keep
//!    `$(...)` waiting, an inherited socket its port in use. They are not closed, because a value of this program may
//!    own such a number, and would own the next file to be opened.
//! 5. **setsid**: a session of its own, without the terminal, its hang-up and its Ctrl-C.
//! 6. **fork** again: a process that leads no session cannot get a terminal by opening one. The process between the
//!    two forks waits for the daemon until that is ready, because only a parent hears how its child died.
//! 7. **Environment, umask, chdir**. The supervisor's variables were the caller's. The mask is 022 and not 0, which
//!    would make files that all may write to. In `/` no file system is kept busy; relative paths were made
//!    absolute before.
//! 8. **The pidfile** is locked in the process that stays, and only then written. See below.
//! 9. **User and group**: groups first, which without root's rights could not be changed any more. HOME, USER and
//!    LOGNAME follow.
//! 10. **The service** starts, with the caller's standard streams, so that its complaints are seen.
//! 11. **Ready**: the streams go to /dev/null or a log file, the caller is told and returns.
//!
//! # The pidfile
//!
//! The locks are the truth; the number in the file is a hint for other programs. The kernel frees a lock with the
//! process that has it, however that ends, so a stale file is no obstacle. The file is locked before it is written,
//! looked up again after it was locked (somebody may have removed it in between), never truncated unlocked, and
//! removed under the lock only.
//!
//! An open file description lock decides who the daemon is, and its length shows how far the start has come. A
//! record lock names the process: fcntl(2) `F_GETLK` gives the process id of its holder to everybody who may read
//! the file. [`stop`](Daemon::stop), [`restart`](Daemon::restart) and [`reload`](Daemon::reload) ask for it before
//! and after they open a pidfd, and signal that process, so a number that was written into the file, was given to
//! another process or comes from another pid namespace gets nobody killed. Where /proc may be read, the process
//! must show the lock there as well. A flock(2) shows the daemon to other programs and decides nothing.
//!
//! Locks work among all processes that see the same file; if a running daemon's pidfile is removed by hand, a second
//! daemon can start. Keep it in a directory that nobody else may write to, and on a local file system.
#![deny(clippy::print_stdout, reason = "the standard output is the caller's")]

#[cfg(not(target_os = "linux"))]
compile_error!("sampled-daemon is for Linux only: it needs pidfds and open file description locks");

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

/// The example in the README is compiled with those of this page.
#[cfg(all(doctest, target_os = "linux"))]
#[doc = include_str!("../README.md")]
mod readme {}
