//! Locks on a pidfile, held by other programs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::Fixture;
use crate::skip::skip;

/// The argument of a locking fcntl(2).
pub(crate) fn lock_range(kind: i32, start: i64, length: i64) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start as libc::off_t,
        l_len: length as libc::off_t,
        l_pid: 0,
    }
}

/// The process with a record lock for writing on the pidfile; -1 for an open file description lock.
pub(crate) fn record_lock(fixture: &Fixture) -> i32 {
    let file = fs::File::open(fixture.pidfile()).unwrap();
    let mut lock = lock_range(libc::F_RDLCK, 4, 0);
    fcntl(&file, FcntlArg::F_GETLK(&mut lock)).unwrap();
    assert_ne!(i32::from(lock.l_type), libc::F_UNLCK, "no record lock");
    lock.l_pid
}

/// A Python program that holds locks on the pidfile (its variable `file`) until its standard input is closed. `None`
/// without Python.
pub(crate) fn python(fixture: &Fixture, script: &str) -> Option<Child> {
    let script = format!(
        "import fcntl, os, struct, subprocess, sys
file = open('{}', 'a+')
{script}
print(os.getpid(), flush=True)
sys.stdin.read()",
        fixture.pidfile().display()
    );
    let mut python = fixture.command("python3");
    let spawned = python.args(["-c", &script]).stdin(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(missing) => {
            skip(&format!("python3: {missing}"));
            return None;
        }
    };
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.as_mut().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, format!("{}\n", child.id()));
    Some(child)
}
