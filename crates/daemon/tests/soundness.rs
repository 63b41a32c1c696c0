//! Descriptors and children of a program of one thread. A test harness has threads, so there is none.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sampled_daemon::{Daemon, Error as DaemonError, Process, Ready, Status};

type Test = fn(&Daemon);
type Done = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let tests: [(&str, Test); 10] = [
        (
            "a_file_opened_before_stays_that_file",
            a_file_opened_before_stays_that_file,
        ),
        (
            "a_number_without_close_on_exec_is_never_another_file",
            a_number_is_never_another_file,
        ),
        ("what_is_to_be_kept_is_kept", what_is_to_be_kept_is_kept),
        (
            "a_runtime_that_was_entered_is_refused",
            a_runtime_that_was_entered_is_refused,
        ),
        (
            "a_child_with_its_table_of_descriptors_is_no_daemon",
            a_child_with_its_table_is_no_daemon,
        ),
        (
            "a_service_that_leaves_its_session_is_ended_in_time",
            a_service_that_leaves_its_session,
        ),
        (
            "a_daemon_of_a_daemon_has_no_lock_of_it",
            a_daemon_of_a_daemon_has_no_lock_of_it,
        ),
        (
            "a_service_that_fails_and_stays_leaves_nothing",
            a_service_that_fails_and_stays,
        ),
        (
            "a_thread_that_was_joined_is_no_thread",
            a_thread_that_was_joined_is_no_thread,
        ),
        (
            "what_c_has_buffered_is_printed_once",
            what_c_has_buffered_is_printed_once,
        ),
    ];
    let mut failed = 0;
    for (name, test) in tests {
        let directory = tempfile::tempdir().unwrap();
        let daemon = Daemon::new("soundness").pidfile(directory.path().join("x.pid"));
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&daemon)));
        failed += usize::from(outcome.is_err());
        println!(
            "test {name} ... {}",
            if outcome.is_ok() { "ok" } else { "FAILED" }
        );
        end_daemons();
    }
    println!("\n{} passed, {failed} failed", tests.len() - failed);
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Kills what a test that failed has left: every other process of this program.
fn end_daemons() {
    let program = std::env::current_exe().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in numbers.filter(|&pid| pid != std::process::id() as i32) {
        if fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Starts a daemon that checks something before it is ready, and ends it.
fn check(daemon: &Daemon, service: impl FnOnce() -> Done) {
    let serve = |ready: Ready| {
        service()?;
        ready.ready()?;
        nix::sys::signal::SigSet::from(Signal::SIGTERM).wait()?;
        Done::Ok(())
    };
    let _started = daemon.start(serve).unwrap();
    let _stopped = daemon.stop().unwrap();
}

fn require(done: bool, what: &str) -> Done {
    match done {
        true => Ok(()),
        false => Err(what.into()),
    }
}

fn is_null(file: impl AsFd) -> bool {
    let file = File::from(file.as_fd().try_clone_to_owned().unwrap());
    let found = file.metadata().unwrap();
    let null = fs::metadata("/dev/null").unwrap();
    found.file_type().is_char_device() && found.rdev() == null.rdev()
}

fn a_file_opened_before_stays_that_file(daemon: &Daemon) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("banner");
    fs::write(&path, "hello").unwrap();
    let mut file = File::options().read(true).append(true).open(&path).unwrap();
    check(daemon, move || {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        file.write_all(b" and goodbye")?;
        require(text == "hello", &text)
    });
    // It was the pidfile once, and got this written into it.
    assert_eq!(fs::read_to_string(path).unwrap(), "hello and goodbye");
}

fn a_number_is_never_another_file(daemon: &Daemon) {
    // pipe(2) sets no FD_CLOEXEC.
    let (reader, writer) = nix::unistd::pipe().unwrap();
    check(daemon, move || {
        let opened: Vec<File> = (0..32)
            .flat_map(|_| File::open("/proc/self/stat"))
            .collect();
        require(opened.len() == 32, "files cannot be opened")?;
        require(
            is_null(&reader) && is_null(&writer),
            "the pipe is still there, or another file is",
        )
    });
}

fn what_is_to_be_kept_is_kept(daemon: &Daemon) {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    let daemon = daemon.clone().keep_fd(&writer).unwrap();
    check(&daemon, move || {
        File::from(writer).write_all(b"kept").map_err(Into::into)
    });
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "kept");
}

fn a_runtime_that_was_entered_is_refused(daemon: &Daemon) {
    let runtime = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
    let refused = daemon.start(|_| Done::Ok(())).unwrap_err();
    assert!(matches!(refused, DaemonError::Runtime { .. }), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("enter the runtime in the service")
    );
    assert!(matches!(
        sampled_daemon::detach(),
        Err(DaemonError::Runtime { .. })
    ));
    drop(runtime);
    check(daemon, || Ok(()));
}

/// clone(2) with CLONE_FILES: a record lock belongs to the table of descriptors, and is shown under the number of the
/// process that took it, also when that is dead and its number another one's.
#[allow(unsafe_code, reason = "clone(2) by hand")]
fn a_child_with_its_table_is_no_daemon(daemon: &Daemon) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("child");
    let serve = |ready: Ready| {
        ready.ready()?;
        // SAFETY: the only thread clones the process as fork(2) does, but for the table of descriptors.
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
    // It was ready, so its end is near; and its status is that of a daemon until then.
    let deadline = Instant::now() + Duration::from_secs(20);
    while matches!(daemon.status(), Status::Running { .. }) && Instant::now() < deadline {}
    let child = fs::read_to_string(&path).unwrap();
    let message = format!("is locked by process {child}, which is not known as a daemon");
    let check = |text: String| assert!(text.contains(&message), "{text}");
    let status = daemon.status();
    assert_eq!(status.exit_code(), 4);
    check(status.to_string());
    check(daemon.stop().unwrap_err().to_string());
    check(daemon.reload().unwrap_err().to_string());
    check(daemon.start(|_| Done::Ok(())).unwrap_err().to_string());
    let child = Process::open(child.parse().unwrap()).unwrap().unwrap();
    let _ended = child.end(Duration::from_secs(10)).unwrap();
    check_nothing(daemon);
}

fn check_nothing(daemon: &Daemon) {
    let status = daemon.status();
    assert!(
        matches!(status, Status::NotRunning | Status::Dead),
        "{status}"
    );
}

fn a_service_that_leaves_its_session(daemon: &Daemon) {
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
    check_nothing(&daemon);
    let daemon = daemon.verify_with(leave.clone());
    is_gone(daemon.verify().unwrap_err());
}

fn a_daemon_of_a_daemon_has_no_lock_of_it(daemon: &Daemon) {
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
    // The first one has ended, and its pidfile is free.
    check_nothing(daemon);
    let _started = daemon.start(serve as fn(Ready) -> Done).unwrap();
    let _stopped = daemon.stop().unwrap();
    let _stopped = second.stop().unwrap();
}

fn a_service_that_fails_and_stays(daemon: &Daemon) {
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

fn a_thread_that_was_joined_is_no_thread(_: &Daemon) {
    for _ in 0..3000 {
        std::thread::spawn(|| ()).join().unwrap();
        sampled_daemon::Notify::from_env().unwrap();
    }
}

#[allow(unsafe_code, reason = "printf(3)")]
fn what_c_has_buffered_is_printed_once(daemon: &Daemon) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    // A stream of the C library on a file keeps what is printed until it is flushed.
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: name and mode are C strings; the stream is checked, and used by this thread alone.
    let stream = unsafe { libc::fopen(name.as_ptr(), c"w".as_ptr()) };
    assert!(!stream.is_null());
    // SAFETY: the stream is open.
    unsafe { libc::fputs(c"once\n".as_ptr(), stream) };
    check(daemon, || {
        // As exit(3) does.
        // SAFETY: a null pointer means all streams.
        unsafe { libc::fflush(std::ptr::null_mut()) };
        Ok(())
    });
    // SAFETY: the stream is open, and not used afterwards.
    unsafe { libc::fclose(stream) };
    assert_eq!(fs::read_to_string(path).unwrap(), "once\n");
}
