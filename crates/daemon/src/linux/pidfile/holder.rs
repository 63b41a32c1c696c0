//! Finds the process to signal from a pidfile.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use super::lock::Stage;
use super::probe;
use super::state::{Holder, PidfileState};
use crate::linux::error::Error;
use crate::linux::process::Process;
use crate::linux::sys::{proc, wait};

/// Opens the process that holds the pidfile. With `ready` it waits until that is ready.
pub(crate) fn open(
    path: &Path,
    timeout: Duration,
    ready: bool,
) -> Result<Option<(Process, Holder)>, Error> {
    let start = Instant::now();
    loop {
        let after = start.elapsed();
        let holder = match probe::observe(path)? {
            PidfileState::Absent | PidfileState::Free { .. } => return Ok(None),
            PidfileState::Held(holder) if !ready || holder.stage == Stage::Ready => Some(holder),
            PidfileState::Held(_) => None,
        };
        if let Some(holder) = holder {
            if let Some(process) = open_holder(path, holder)? {
                require_trusted(path, holder)?;
                return Ok(Some((process, holder)));
            }
        }
        if after >= timeout {
            let path = path.to_path_buf();
            return Err(Error::StillStarting { path, after });
        }
        wait::before_retry();
    }
}

/// The holder's process, or `None` if it has just ended.
///
/// The holder is looked up before and after the pidfd is opened. If both results have the same process id and the
/// process of the pidfd is alive after the second, then the id was not reused in between: that process is the holder.
fn open_holder(path: &Path, holder: Holder) -> Result<Option<Process>, Error> {
    let Some(process) = Process::open(holder.pid)? else {
        return Ok(None);
    };
    let same = match probe::observe(path)? {
        PidfileState::Held(second) => (second.pid, second.proof) == (holder.pid, holder.proof),
        _ => false,
    };
    Ok(Some(process).filter(|process| same && process.is_alive()))
}

/// The owner of a pidfile controls which process can lock it. So the owner must be root, this user, or the user of the
/// process that holds it.
fn require_trusted(path: &Path, Holder { pid, owner, .. }: Holder) -> Result<(), Error> {
    if owner == 0 || owner == geteuid().as_raw() || Some(owner) == proc::real_user(pid) {
        return Ok(());
    }
    let path = path.to_path_buf();
    Err(Error::Untrusted { path, owner, pid })
}
