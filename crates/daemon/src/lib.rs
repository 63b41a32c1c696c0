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
//!     // By default SIGTERM ends the process at once and leaves its pidfile behind.
//!     let stop = SigSet::from(Signal::SIGTERM);
//!     stop.thread_block()?;
//!     // Read the configuration, bind the sockets. The caller of `start` gets an error returned here.
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
//!     // Not println!, which panics on a closed pipe.
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
//! and [`settle`] prepare a process that stays in the foreground, under a supervisor.
//!
//! 1. **A pipe**, over which the daemon reports the outcome of its start. It decides the caller's exit status. If the
//!    daemon dies, panics, hangs or cannot open its files, the start has failed.
//! 2. **fork**. The caller stays unchanged. It must have one thread: a child has only the thread that forked, but
//!    all the locks that the others held.
//! 3. **Default signal actions, no blocked signal**: exec(2) passes ignored and blocked signals on, so a daemon started
//!    from nohup would never receive SIGHUP. This happens after the fork, because the caller may need its own.
//! 4. **Inherited descriptors become /dev/null**: those above 2 without `FD_CLOEXEC`. An inherited pipe would keep
//!    `$(...)` waiting, an inherited socket its port in use. They are not closed, because a value of this program may
//!    own such a number, and would then own the next file to be opened.
//! 5. **setsid**: a session of its own, without the terminal and its SIGHUP and SIGINT.
//! 6. **fork** again: a process that is no session leader cannot get a controlling terminal by opening one. The
//!    intermediate process, between the two forks, waits until the daemon is ready, because only the parent gets its
//!    exit status.
//! 7. **Environment, umask, chdir**. The variables of a supervisor, meant for the caller, are removed. The mask is 022
//!    and not 0, which would create files that every user may write to. A process in `/` does not prevent umount(8) of
//!    another file system; relative paths were made absolute before.
//! 8. **The pidfile** is locked by the daemon's own process, and written after that. See below.
//! 9. **User and group**: groups first, since only root may change them. HOME, USER and LOGNAME follow.
//! 10. **The service** starts with the caller's standard streams, so that the caller sees its error messages.
//! 11. **Ready**: the streams are redirected to /dev/null or a log file, and `start` returns in the caller.
//!
//! # The pidfile
//!
//! The locks decide; the number in the file is a hint for other programs. The kernel releases the locks of a process
//! when it ends, also by SIGKILL, so a stale file does not prevent a start. The file is locked before it is written,
//! looked up again after it was locked (another process may have removed it in between), truncated and removed only
//! under the lock.
//!
//! The process with the open file description lock is the daemon; the length of the lock shows the stage of the start.
//! A record lock names the process: fcntl(2) `F_GETLK` gives the process id of its holder to every user who may read
//! the file. [`stop`](Daemon::stop), [`restart`](Daemon::restart) and [`reload`](Daemon::reload) ask for it before
//! and after they open a pidfd, and signal that process. So no other process is signalled because its process id was
//! written into the file, was reused, or comes from another pid namespace. Where /proc may be read, the process
//! must show the lock there as well. A flock(2) shows the daemon to other programs and decides nothing.
//!
//! Locks work among all processes that see the same file; if the pidfile of a running daemon is removed by hand, a
//! second daemon can start. Keep it in a directory that no other user may write to, and on a local file system.
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
