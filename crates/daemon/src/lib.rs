//! Turns a program into a correct Unix daemon, with the commands start, stop, restart, reload, status and run.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use sampled_daemon::{Daemon, Error, Event, Ready, Signals};
//!
//! fn serve(ready: Ready) -> Result<(), Error> {
//!     let signals = Signals::new()?;
//!     // Read the configuration, bind the sockets. The caller of `start` gets an error returned here.
//!     ready.ready()?;
//!     // Serve, until the signal comes.
//!     while signals.wait()? != Event::Stop {}
//!     Ok(())
//! }
//!
//! fn main() -> ExitCode {
//!     Daemon::new("mydaemon").main(std::env::args_os(), serve)
//! }
//! ```
//!
//! [`Daemon::main`] is the whole command line; its commands are also calls. The rest is there for those who need it:
//! [`Daemon::privileged`] binds port 80 before the change of user, [`Stdio`] and [`Ready::reopen_logs`] are for logs,
//! [`listen_fds`] and [`Notify`] for systemd. [`detach`] alone is the function `daemon()` of old. Linux 5.3 or later.
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
//! 9. **The privileged step**, with the pidfile and before the change of user: another instance cannot run it at the same
//!    time, and its error is the error of the start.
//! 10. **User and group**: groups first, since only root may change them. HOME, USER and LOGNAME follow. Before it logs in
//!     root's directories are opened, and the bounding set of capabilities is emptied, since the user may do neither.
//! 11. **The service** starts with the caller's standard streams, so that the caller sees its error messages.
//! 12. **Ready**: the streams are redirected to /dev/null, a log file or the journal, and `start` returns in the caller.
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
//!
//! # The choices
//!
//! **Signals by a handler and an eventfd, not by signalfd(2).** A signalfd needs its signals blocked in every thread, also in
//! those that a library has started before, and exec(2) passes the blocked signals to every child, which SIGTERM then does
//! not end. The handler notes the signal in an atomic and writes to the eventfd, and nothing else. See [`Signals`].
//!
//! **The value of the privileged step goes through a closure, not through a global.** The step runs in the process that then
//! serves, so its listener or key is a Rust value with one owner. A check before a restart does not run it: the old daemon
//! has the port. See [`Daemon::privileged`].
//!
//! **Logs belong to the user of the daemon.** Root opens a log only where the user cannot, and only where no other user can
//! have placed a link: see [`Stdio::File`]. After a rotation the user opens it, so logrotate makes the file
//! ([`Ready::reopen_logs`]).
//!
//! **Sockets are owned once.** The number of a descriptor in the environment says nothing about its owner; that it survived
//! exec(2), and so has no `FD_CLOEXEC`, does. See [`listen_fds`].
//!
//! **Exit statuses and one line are the interface of init scripts**, of cron and of people. So [`Daemon::main`] has them, and
//! [`Error::exit_code`] is for a program that has a command line of its own.
//!
//! **Messages to systemd are calls, not effects of others.** [`Ready::ready`] ends the start of a detached daemon;
//! [`Notify::ready`] ends that of a unit. A service that is both calls both.
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
