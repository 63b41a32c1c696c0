//! Counts the threads: fork(2) and changes of the environment are safe in a process of one thread only.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::wait;
use crate::linux::error::Error;

/// The time for which /proc may show a joined thread: the kernel removes it a little after the join.
const THREAD_END_TIMEOUT: Duration = Duration::from_millis(50);

/// The links of /proc/self/task in a process of one thread: one of its name, one of `.`, and one of the thread.
const LINKS_OF_ONE: u64 = 3;

/// Returns an error in a process of several threads.
pub(crate) fn require_single() -> Result<(), Error> {
    let start = Instant::now();
    let path = Path::new("/proc/self/task");
    // Faster than a read of the directory, which is needed only for the names.
    if fs::metadata(path).is_ok_and(|tasks| tasks.nlink() == LINKS_OF_ONE) {
        return Ok(());
    }
    loop {
        let tasks = match fs::read_dir(path) {
            Ok(tasks) => tasks,
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                return require_single_without_proc();
            }
            Err(cause) => return Err(Error::file(path, cause)),
        };
        let tasks: Vec<_> = tasks.flatten().collect();
        if tasks.len() == 1 {
            return Ok(());
        }
        if start.elapsed() >= THREAD_END_TIMEOUT {
            let name = |task: &fs::DirEntry| fs::read(task.path().join("comm")).unwrap_or_default();
            let names = tasks.iter().map(name);
            let names = names.map(|name| String::from_utf8_lossy(&name).trim_end().to_owned());
            return Err(Error::Threads {
                names: names.collect(),
            });
        }
        wait::before_retry();
    }
}

/// unshare(2) with CLONE_THREAD does nothing in a process of one thread, and returns EINVAL in any other.
fn require_single_without_proc() -> Result<(), Error> {
    match unshare(CloneFlags::CLONE_THREAD) {
        Ok(()) => Ok(()),
        Err(Errno::EINVAL) => Err(Error::Threads { names: Vec::new() }),
        Err(_) => Err(Error::Unsupported {
            what: "/proc is not mounted, so the threads of this process cannot be counted",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_refused_with_and_without_proc() {
        let check = |outcome| assert!(matches!(outcome, Err(Error::Threads { .. })));
        check(require_single());
        check(require_single_without_proc());
    }
}
