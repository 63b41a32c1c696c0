//! Children of a program and of its daemon.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::libc;
use sampled_daemon::{Daemon, Error as DaemonError, Process, Ready, Status};

use super::{Done, check};

/// clone(2) with CLONE_FILES: a record lock belongs to the descriptor table, and the kernel reports it with the process
/// id of the process that took it, even if that process is dead and another one has its process id.
#[allow(unsafe_code, reason = "clone(2) by hand")]
pub(super) fn a_child_that_shares_the_table_is_no_daemon(daemon: &Daemon) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("child");
    let serve = |ready: Ready| {
        ready.ready()?;
        // SAFETY: the only thread clones the process as fork(2) does, except that the child shares the descriptor
        // table.
        let child = unsafe {
            libc::syscall(
                libc::SYS_clone,
                libc::CLONE_FILES | libc::SIGCHLD,
                0,
                0,
                0,
                0,
            )
        };
        if child == 0 {
            loop {
                std::thread::park();
            }
        }
        fs::write(&path, child.to_string())?;
        // SAFETY: _exit(2) has no preconditions.
        unsafe { libc::_exit(0) };
        #[allow(unreachable_code, reason = "the type of the result")]
        Done::Ok(())
    };
    let _started = daemon.start(serve).unwrap();
    // The daemon ends right after it was ready; until then the status is that of a running daemon.
    let deadline = Instant::now() + Duration::from_secs(20);
    while matches!(daemon.status(), Status::Running { .. }) && Instant::now() < deadline {}
    let child = fs::read_to_string(&path).unwrap();
    let known = format!("is locked by process {child}, which is not known as a daemon");
    // The kernel does not tell the process id of the dead daemon in any other pid namespace, once it is reaped.
    let hidden = "or by a dead daemon's child";
    let check = |text: String| {
        let is_hidden = !is_first_pid_namespace() && text.contains(hidden);
        assert!(is_hidden || text.contains(&known), "{text}");
    };
    let status = daemon.status();
    assert_eq!(status.exit_code(), 4);
    check(status.to_string());
    check(daemon.stop().unwrap_err().to_string());
    check(daemon.reload().unwrap_err().to_string());
    check(daemon.start(|_| Done::Ok(())).unwrap_err().to_string());
    let child = Process::open(child.parse().unwrap()).unwrap().unwrap();
    let _ended = child.end(Duration::from_secs(10)).unwrap();
    assert_not_running(daemon);
}

fn is_first_pid_namespace() -> bool {
    // PROC_PID_INIT_INO, the same in every kernel.
    const FIRST: &str = "pid:[4026531836]";
    fs::read_link("/proc/self/ns/pid").unwrap() == Path::new(FIRST)
}

fn assert_not_running(daemon: &Daemon) {
    let status = daemon.status();
    assert!(
        matches!(status, Status::NotRunning | Status::Dead),
        "{status}"
    );
}

pub(super) fn a_service_that_leaves_its_session(daemon: &Daemon) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid");
    let daemon = daemon.clone().ready_timeout(Duration::from_millis(300));
    let leave = {
        let path = path.clone();
        move || -> Done {
            nix::unistd::setsid()?;
            fs::write(&path, std::process::id().to_string())?;
            loop {
                std::thread::park();
            }
        }
    };
    let is_gone = |refused: DaemonError| {
        let in_time = matches!(
            refused,
            DaemonError::TimedOut { .. } | DaemonError::CheckTimedOut { .. }
        );
        assert!(in_time, "{refused}");
        let pid = fs::read_to_string(&path).unwrap().parse().unwrap();
        assert!(Process::open(pid).unwrap().is_none());
    };
    is_gone(daemon.start(|_| leave()).unwrap_err());
    assert_not_running(&daemon);
    let daemon = daemon.verify_with(leave.clone());
    is_gone(daemon.verify().unwrap_err());
}

pub(super) fn a_daemon_started_by_a_daemon_does_not_inherit_its_lock(daemon: &Daemon) {
    let directory = tempfile::tempdir().unwrap();
    let second = Daemon::new("second").pidfile(directory.path().join("second.pid"));
    let serve = |ready: Ready| {
        ready.ready()?;
        loop {
            std::thread::park();
        }
    };
    check(daemon, || {
        let _started = second.start(serve)?;
        Ok(())
    });
    // The first daemon has ended, and its pidfile is free.
    assert_not_running(daemon);
    let _started = daemon.start(serve as fn(Ready) -> Done).unwrap();
    let _stopped = daemon.stop().unwrap();
    let _stopped = second.stop().unwrap();
}

pub(super) fn a_service_that_fails_and_does_not_end(daemon: &Daemon) {
    let refused = daemon.start(|ready| {
        ready.fail("no luck");
        loop {
            std::thread::park();
        }
        #[allow(unreachable_code, reason = "the type of the result")]
        Done::Ok(())
    });
    assert_eq!(refused.unwrap_err().to_string(), "no luck");
    let status = daemon.status();
    assert!(matches!(status, Status::NotRunning), "{status}");
}

pub(super) fn a_joined_thread_is_not_counted(_: &Daemon) {
    for _ in 0..3000 {
        std::thread::spawn(|| ()).join().unwrap();
        sampled_daemon::Notify::from_env().unwrap();
    }
}
