//! The double fork, and the launcher, which waits for the outcome.

mod fork;
mod intermediate;
mod launcher;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::Mode;

use super::error::Error;
use super::readiness::Message;
use super::setup::stdio::Streams;
use super::setup::{directory, environment};
use super::sys;
pub(crate) use fork::{Side, double_fork};

/// Turns the program into a daemon with the usual settings: the safe form of the C function `init_daemon()`
/// and of daemon(3).
///
/// Returns in the daemon only. The calling process ends by `_exit(0)` as soon as the daemon is detached, or prints the
/// error and ends by `_exit(1)`. The daemon
///
/// - is no child of the caller and no session leader, and neither has nor can get a controlling terminal;
/// - has default signal actions, no blocked signal, the file mode mask 022, and `/` as its directory;
/// - has /dev/null for its standard streams and for every other inherited descriptor. Descriptors that this program has
///   opened close-on-exec, as Rust does, stay open.
///
/// There is no pidfile, and the caller does not learn whether the service works; [`Daemon`](crate::Daemon) has both.
///
/// # Errors
/// [`Error::Threads`] if the process has more than one thread, [`Error::Runtime`] if it has entered an async runtime,
/// [`Error::Call`] if it cannot be forked. All are returned in the caller, which is unchanged.
pub fn detach() -> Result<(), Error> {
    match double_fork()? {
        Side::Launcher(launcher) => match launcher.wait(Duration::from_secs(30)) {
            Ok(_) => sys::fork::exit_now(0),
            Err(error) => {
                // A return would let the caller continue in the foreground.
                let _ = writeln!(io::stderr(), "{error}");
                sys::fork::exit_now(1)
            }
        },
        Side::Daemon(pipe) => {
            let done = environment::remove_supervisor_variables()
                .and_then(|()| directory::enter(Path::new("/"), Mode::from_bits_truncate(0o022)))
                .and_then(|()| Streams::null()?.install());
            if let Err(error) = done {
                pipe.failed(&error);
                sys::fork::exit_now(1);
            }
            pipe.write(&Message::Ready);
            Ok(())
        }
    }
}
