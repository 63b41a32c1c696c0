//! A correct Unix daemon for anybody's program: detach, pidfile, readiness, start, stop, restart, status.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use nix::sys::signal::{SigSet, Signal};
//! use sampled_daemon::{Daemon, Error, Ready};
//!
//! fn serve(ready: Ready) -> Result<(), std::io::Error> {
//!     let stop = SigSet::from(Signal::SIGTERM);
//!     stop.thread_block()?;
//!     // Read the configuration, bind the sockets. An error from here is what the caller of `start` gets to see.
//!     ready.ready().map_err(std::io::Error::other)?;
//!     // Serve, until told to end.
//!     stop.wait()?;
//!     Ok(())
//! }
//!
//! fn main() -> Result<ExitCode, Error> {
//!     let daemon = Daemon::new("mydaemon");
//!     match std::env::args().nth(1).as_deref() {
//!         Some("start") => drop(daemon.start(serve)?),
//!         Some("stop") => drop(daemon.stop()?),
//!         Some("restart") => drop(daemon.restart(serve)?),
//!         Some("run") => daemon.run(serve)?,
//!         Some("status") => return Ok(daemon.status().exit_code().into()),
//!         _ => return Ok(ExitCode::from(2)),
//!     }
//!     Ok(ExitCode::SUCCESS)
//! }
//! ```
//!
//! `examples/mydaemon.rs` is the same with everything that belongs to it. Linux 5.3 or later.
//!
//! # The recipe
//!
//! [`Daemon::start`] does what follows, [`detach`] the same without pidfile, user and readiness. [`Daemon::run`] and
//! [`settle`] do what a process needs that is watched by a supervisor and stays where it is.
//!
//! 1. **A pipe**, over which the daemon's first word comes back. The caller's exit status is that word. A daemon
//!    that dies, panics, hangs or cannot open its files is a failed start.
//! 2. **fork**. The caller stays what it is. Only with one thread: a child has only the thread that forked, but
//!    all the locks that the others held.
//! 3. **Default signal actions, nothing blocked**: both are inherited through exec, so that a daemon started from
//!    nohup would never hear of SIGHUP. After the fork, for the caller may need its own.
//! 4. **Close** all but 0, 1, 2 and what is named to [`Daemon::keep_fds`]. An inherited pipe would keep
//!    `$(...)` waiting, an inherited socket its port in use.
//! 5. **setsid**: a session of its own, without the terminal, its hang-up and its Ctrl-C.
//! 6. **fork** again: what leads no session cannot get a terminal by opening one. Whose parent is gone belongs to
//!    init.
//! 7. **Environment, umask, chdir**. The supervisor's variables were the caller's. The mask is 022 and not 0, which
//!    would make files that all may write to. In `/` no file system is kept busy; relative paths were made
//!    absolute before.
//! 8. **The pidfile** is locked in the process that stays, and only then written. See below.
//! 9. **User and group**: groups first, which without root's rights could not be changed any more.
//! 10. **The service** starts, with the caller's standard streams, so that its complaints are seen.
//! 11. **Ready**: the streams go to /dev/null or a log file, the word goes to the caller, the caller returns.
//!
//! # The pidfile
//!
//! The lock is the truth; the number is a hint. The kernel frees a lock with the process that has it, however that
//! ends, so a stale file is no obstacle and its number kills nobody. The file is locked before it is written, looked
//! up again after it was locked (somebody may have removed it in between), never truncated unlocked, and removed
//! by its holder only. Who wants to signal the daemon takes hold of the process by a pidfd and then makes sure that
//! it is still the one which has the lock. Two locks are on it: the one of flock(2) is what other programs look
//! for, and one by fcntl(2) (`F_OFD_SETLK`) can be looked at without being taken. While its first byte is locked there
//! is a daemon; the second is locked until it is ready, the third until its number is in the file.
//!
//! Locks work among all who see the same file; whoever removes a running daemon's pidfile by hand can start a
//! second one. Keep it in a directory that nobody else may write to, and on a local file system.
mod control;
mod detach;
mod error;
mod identity;
mod lock;
mod look;
mod notify;
mod pidfile;
mod process;
mod ready;
mod settings;
mod start;
mod stdio;
#[allow(
    unsafe_code,
    reason = "fork, signal actions, descriptors by number and the environment have no safe form"
)]
mod sys;
mod word;

pub use control::{Status, Stop};
pub use detach::{detach, seclude, settle};
pub use error::Error;
pub use notify::Notify;
pub use pidfile::Pidfile;
pub use process::Process;
pub use ready::Ready;
pub use settings::Daemon;
pub use start::Start;
pub use stdio::Stdio;
