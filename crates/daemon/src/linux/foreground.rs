use std::fs::OpenOptions;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd;

use super::Error;
use super::setup::{descriptors, directory, stdio};
use super::sys::{self, threads};

/// Resets the state that a foreground process has inherited. For a process that systemd, a container or the bus
/// starts and supervises.
///
/// It sets default signal actions and unblocks all signals, but an ignored SIGHUP stays ignored (nohup); makes a
/// session of its own, unless the process has a controlling terminal, so that Ctrl-C reaches it, or leads its process
/// group; sets the file mode mask 022, `/` as the directory, and standard input from /dev/null. Output and other
/// descriptors stay unchanged, since the supervisor has chosen them. Make relative paths absolute before, and install
/// signal handlers and start threads after.
///
/// # Errors
/// [`Error::Threads`] if there is more than one thread: signals are blocked per thread.
pub fn settle() -> Result<(), Error> {
    settle_in(Path::new("/"), Mode::from_bits_truncate(0o022), true).map(drop)
}

/// Like [`settle`], for a process that runs other programs: they inherit nothing of its caller.
///
/// The process leaves a controlling terminal, and does not ignore SIGHUP. Each descriptor above 2 that it inherited
/// (without `FD_CLOEXEC`) becomes a close-on-exec /dev/null, except `keep`.
///
/// # Errors
/// As [`settle`].
pub fn seclude(keep: impl AsFd) -> Result<(), Error> {
    settle_in(Path::new("/"), Mode::from_bits_truncate(0o022), false)?;
    descriptors::keep(keep)?;
    descriptors::replace_inherited()
}

/// With `keep_terminal` the process keeps a controlling terminal, and an ignored SIGHUP stays ignored. Returns whether
/// the process leads a session of its own now.
pub(crate) fn settle_in(directory: &Path, umask: Mode, keep_terminal: bool) -> Result<bool, Error> {
    threads::require_single()?;
    sys::fd::open_closed_standard()?;
    sys::signals::reset(keep_terminal)?;
    let own_session = !(keep_terminal && has_terminal()) && leave_session()?;
    directory::enter(directory, umask)?;
    unistd::dup2_stdin(stdio::null()?).map_err(Error::call("dup2"))?;
    Ok(own_session)
}

/// /dev/tty can be opened if and only if there is a controlling terminal.
fn has_terminal() -> bool {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let terminal = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open("/dev/tty");
    terminal.is_ok()
}

fn leave_session() -> Result<bool, Error> {
    match unistd::setsid() {
        Ok(_) => Ok(true),
        // A process group leader cannot make a session; its parent has given it a group of its own on purpose.
        Err(Errno::EPERM) => Ok(false),
        Err(errno) => Err(Error::call("setsid")(errno)),
    }
}
