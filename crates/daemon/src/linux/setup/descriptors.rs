//! Open descriptors above 2: a daemon keeps some and replaces the others by /dev/null.
//!
//! Rust opens every file close-on-exec, so a descriptor with `FD_CLOEXEC` belongs to a value of this program, and stays
//! open. A descriptor without it was most likely inherited; but a value may own it, too (pipe(2), a C library). So it
//! is not closed, which would free its number, but replaced by /dev/null.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::{AsFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use super::stdio;
use crate::linux::error::Error;
use crate::linux::sys;

/// Without /proc each number up to RLIMIT_NOFILE is tried, which would take too long above this limit.
const LIMIT_WITHOUT_PROC: RawFd = 1 << 20;

/// Sets `FD_CLOEXEC`, so that [`replace_inherited`] keeps the descriptor.
pub(crate) fn keep(fd: impl AsFd) -> Result<(), Error> {
    let done = fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    done.map(drop).map_err(Error::call("fcntl"))
}

/// Replaces every descriptor above 2 without `FD_CLOEXEC` by a close-on-exec /dev/null.
pub(crate) fn replace_inherited() -> Result<(), Error> {
    let mut null = None;
    for fd in open_above_standard()? {
        match sys::fd::descriptor_flags(fd) {
            // The descriptor of the listing of /proc/self/fd, closed by now.
            Err(Errno::EBADF) => continue,
            Err(errno) => return Err(Error::call("fcntl")(errno)),
            Ok(flags) if flags & libc::FD_CLOEXEC != 0 => continue,
            Ok(_) => {}
        }
        let file = match null.take() {
            Some(file) => file,
            None => stdio::null()?,
        };
        match sys::fd::replace_file(&file, fd) {
            Ok(()) => {}
            Err(Errno::EBADF) => replace_above_limit(&file, fd)?,
            Err(errno) => return Err(Error::call("dup3")(errno)),
        }
        null = Some(file);
    }
    Ok(())
}

/// Replaces a descriptor that is not below `RLIMIT_NOFILE`: the limit is raised for that. If it cannot be raised, the
/// descriptor is closed, since no later open can get the number.
fn replace_above_limit(file: &File, fd: RawFd) -> Result<(), Error> {
    let limit = Resource::RLIMIT_NOFILE;
    let (soft, hard) = getrlimit(limit).map_err(Error::call("getrlimit"))?;
    let raised = rlim_t::try_from(fd).unwrap_or_default().saturating_add(1);
    if setrlimit(limit, raised, hard.max(raised)).is_err() {
        return sys::fd::close(fd).map_err(Error::call("close"));
    }
    let done = sys::fd::replace_file(file, fd).map_err(Error::call("dup3"));
    setrlimit(limit, soft, hard).map_err(Error::call("setrlimit"))?;
    done
}

/// Refuses a process that has entered an async runtime: the daemon would share its epoll instance, without the threads
/// of the runtime.
pub(crate) fn refuse_async_runtime() -> Result<(), Error> {
    for fd in open_above_standard()? {
        let target = fs::read_link(format!("/proc/self/fd/{fd}"));
        let is_close_on_exec =
            |fd| sys::fd::descriptor_flags(fd).is_ok_and(|flags| flags & libc::FD_CLOEXEC != 0);
        if target.is_ok_and(|target| target == Path::new("anon_inode:[eventpoll]"))
            && is_close_on_exec(fd)
        {
            return Err(Error::Runtime { fd });
        }
    }
    Ok(())
}

fn open_above_standard() -> Result<Vec<RawFd>, Error> {
    let path = Path::new("/proc/self/fd");
    match fs::read_dir(path) {
        Ok(names) => {
            let numbers = names
                .flatten()
                .filter_map(|name| name.file_name().to_str()?.parse().ok());
            Ok(numbers.filter(|&fd| fd > 2).collect())
        }
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let limit = getrlimit(Resource::RLIMIT_NOFILE).map_err(Error::call("getrlimit"))?;
            open_without_proc(limit.0)
        }
        Err(cause) => Err(Error::file(path, cause)),
    }
}

fn open_without_proc(limit: rlim_t) -> Result<Vec<RawFd>, Error> {
    match RawFd::try_from(limit) {
        Ok(limit) if limit <= LIMIT_WITHOUT_PROC => Ok((3..limit)
            .filter(|&fd| sys::fd::descriptor_flags(fd).is_ok())
            .collect()),
        _ => Err(Error::Unsupported {
            what: "/proc is not mounted and RLIMIT_NOFILE is large, so open descriptors cannot be found",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_descriptors_are_found_with_and_without_proc() {
        let file = File::open("/dev/null").unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
        assert!(open_above_standard().unwrap().contains(&fd));
        assert!(open_without_proc(4096).unwrap().contains(&fd));
        let refused = open_without_proc(rlim_t::MAX);
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
    }
}
