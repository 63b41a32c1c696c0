//! Descriptors and children of a program with one thread. It runs without the test harness, which has several.
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
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::Pid;
use sampled_daemon::{Daemon, Error as DaemonError, Event, Process, Ready, Signals, Status};

type Test = fn(&Daemon);
type Done = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if let (Some("listen"), Some(how)) = (args.next().as_deref(), args.next()) {
        return listen(&how);
    }
    let tests: [(&str, Test); 14] = [
        (
            "a_file_opened_before_stays_that_file",
            a_file_opened_before_stays_that_file,
        ),
        (
            "a_descriptor_without_close_on_exec_becomes_dev_null",
            a_descriptor_becomes_dev_null,
        ),
        ("keep_fd_keeps_a_descriptor", keep_fd_keeps_a_descriptor),
        ("an_async_runtime_is_refused", an_async_runtime_is_refused),
        (
            "a_child_that_shares_the_descriptor_table_is_no_daemon",
            a_child_that_shares_the_table_is_no_daemon,
        ),
        (
            "a_service_that_leaves_its_session_is_killed_after_the_timeout",
            a_service_that_leaves_its_session,
        ),
        (
            "a_daemon_started_by_a_daemon_does_not_inherit_its_lock",
            a_daemon_started_by_a_daemon_does_not_inherit_its_lock,
        ),
        (
            "a_service_that_fails_and_does_not_end_is_killed",
            a_service_that_fails_and_does_not_end,
        ),
        (
            "a_joined_thread_is_not_counted",
            a_joined_thread_is_not_counted,
        ),
        (
            "signals_are_taken_one_by_one_by_any_thread",
            signals_are_taken_one_by_one_by_any_thread,
        ),
        (
            "signals_caught_before_the_fork_are_refused",
            signals_caught_before_the_fork_are_refused,
        ),
        (
            "a_descriptor_that_a_value_owns_is_not_taken",
            a_descriptor_that_a_value_owns_is_not_taken,
        ),
        ("sockets_are_taken_once", sockets_are_taken_once),
        (
            "output_buffered_by_c_is_printed_once",
            output_buffered_by_c_is_printed_once,
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

/// Kills every other process of this program. A failed test may have left some.
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

fn require(condition: bool, failure: &str) -> Done {
    match condition {
        true => Ok(()),
        false => Err(failure.into()),
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
    // An earlier version closed the descriptor, and the pidfile got its number: the text went into the pidfile.
    assert_eq!(fs::read_to_string(path).unwrap(), "hello and goodbye");
}

fn a_descriptor_becomes_dev_null(daemon: &Daemon) {
    // pipe(2) sets no FD_CLOEXEC.
    let (reader, writer) = nix::unistd::pipe().unwrap();
    check(daemon, move || {
        let opened: Vec<File> = (0..32)
            .flat_map(|_| File::open("/proc/self/stat"))
            .collect();
        require(opened.len() == 32, "files cannot be opened")?;
        require(
            is_null(&reader) && is_null(&writer),
            "a number of the pipe is not /dev/null",
        )
    });
}

fn keep_fd_keeps_a_descriptor(daemon: &Daemon) {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    let daemon = daemon.clone().keep_fd(&writer).unwrap();
    check(&daemon, move || {
        File::from(writer).write_all(b"kept").map_err(Into::into)
    });
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "kept");
}

fn an_async_runtime_is_refused(daemon: &Daemon) {
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

/// clone(2) with CLONE_FILES: a record lock belongs to the descriptor table, and the kernel reports it with the process
/// id of the process that took it, even if that process is dead and another one has its process id.
#[allow(unsafe_code, reason = "clone(2) by hand")]
fn a_child_that_shares_the_table_is_no_daemon(daemon: &Daemon) {
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
    assert_not_running(&daemon);
    let daemon = daemon.verify_with(leave.clone());
    is_gone(daemon.verify().unwrap_err());
}

fn a_daemon_started_by_a_daemon_does_not_inherit_its_lock(daemon: &Daemon) {
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

fn a_service_that_fails_and_does_not_end(daemon: &Daemon) {
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

fn a_joined_thread_is_not_counted(_: &Daemon) {
    for _ in 0..3000 {
        std::thread::spawn(|| ()).join().unwrap();
        sampled_daemon::Notify::from_env().unwrap();
    }
}

/// A readable descriptor, as an event loop sees it.
fn is_readable(fd: impl AsFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).unwrap() > 0
}

fn signals_are_taken_one_by_one_by_any_thread(daemon: &Daemon) {
    check(daemon, || {
        // A thread that exists before, and gets the signals as likely as this one.
        std::thread::spawn(|| {
            loop {
                std::thread::park();
            }
        });
        let signals = Signals::new()?;
        let same = Signals::new()?;
        require(!is_readable(&signals), "readable without a signal")?;
        for signal in [
            Signal::SIGHUP,
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGTERM,
        ] {
            kill(Pid::this(), signal)?;
        }
        require(signals.wait()? == Event::Reload, "the first signal first")?;
        require(is_readable(&signals), "the stop is pending")?;
        require(
            same.take()? == Some(Event::Stop),
            "the other value takes the rest",
        )?;
        require(
            same.take()?.is_none() && signals.take()?.is_none(),
            "each counts once",
        )?;
        require(!is_readable(&signals), "readable without a signal")?;
        require(
            signals.wait_timeout(Duration::from_millis(1))?.is_none(),
            "a timeout",
        )?;
        // Both are pending when the kernel delivers them: the one with the lower number first, as by a signalfd.
        let both: SigSet = [Signal::SIGHUP, Signal::SIGTERM].into_iter().collect();
        both.thread_block()?;
        raise(Signal::SIGTERM)?;
        raise(Signal::SIGHUP)?;
        both.thread_unblock()?;
        require(
            signals.wait()? == Event::Reload,
            "SIGHUP has the lower number",
        )?;
        require(signals.wait()? == Event::Stop, "then SIGTERM")?;
        let (reader, writer) = nix::unistd::pipe()?;
        File::from(writer).write_all(b"x")?;
        require(
            signals.wait_or_readable(&reader)?.is_none(),
            "the pipe is readable",
        )?;
        kill(Pid::this(), Signal::SIGHUP)?;
        let event = signals.wait_or_readable(&reader)?;
        require(
            event == Some(Event::Reload),
            "a signal before a readable pipe",
        )?;
        // Two threads wait, and each signal wakes one of them.
        let (taken, done) = (AtomicUsize::new(0), AtomicBool::new(false));
        let take = |signals: &Signals| {
            while !done.load(Ordering::SeqCst) {
                if let Ok(Some(_)) = signals.wait_timeout(Duration::from_millis(20)) {
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        let lost = std::thread::scope(|scope| {
            let _threads = [&signals, &same].map(|signals| scope.spawn(move || take(signals)));
            let deadline = Instant::now() + Duration::from_secs(20);
            let lost = (1..=2000).find(|round| {
                let signal = [Signal::SIGHUP, Signal::SIGTERM][round % 2];
                let _ = kill(Pid::this(), signal);
                while taken.load(Ordering::SeqCst) < *round && Instant::now() < deadline {
                    std::thread::yield_now();
                }
                taken.load(Ordering::SeqCst) != *round
            });
            done.store(true, Ordering::SeqCst);
            lost
        });
        require(lost.is_none(), &format!("lost: {lost:?}"))
    });
}

fn signals_caught_before_the_fork_are_refused(daemon: &Daemon) {
    let signals = Signals::new().unwrap();
    check(daemon, || {
        let refused = signals.wait().unwrap_err().to_string();
        require(refused.contains("before a fork"), &refused)?;
        // Those of the daemon are its own.
        let own = Signals::new()?;
        kill(Pid::this(), Signal::SIGTERM)?;
        require(own.wait()? == Event::Stop, "its own")
    });
    assert_eq!(signals.take().unwrap(), None);
}

#[allow(unsafe_code, reason = "the environment")]
fn a_descriptor_that_a_value_owns_is_not_taken(daemon: &Daemon) {
    check(daemon, || {
        // One of them, or another value, owns descriptor 3, as if another library had taken the socket.
        let files: Vec<File> = (0..32).flat_map(|_| File::open("/etc/passwd")).collect();
        // SAFETY: this is the only thread.
        unsafe {
            std::env::set_var("LISTEN_PID", std::process::id().to_string());
            std::env::set_var("LISTEN_FDS", "1");
        }
        let refused = sampled_daemon::listen_fds().unwrap_err().to_string();
        let expected = "LISTEN_FDS=1: descriptor 3 is in use by this program";
        require(refused == expected, &refused)?;
        require(
            std::env::var_os("LISTEN_FDS").is_none(),
            "a variable is left",
        )?;
        require(files.len() == 32, "files cannot be opened")
    });
}

/// Another process of this program with a socket, by the arguments of `listen`.
fn sockets_are_taken_once(_: &Daemon) {
    for how in ["first", "threads", "after-notify"] {
        let script = "exec 3</etc/passwd; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" listen $1";
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap());
        assert!(shell.arg(how).status().unwrap().success(), "{how}");
    }
}

fn listen(how: &str) -> ExitCode {
    let thread = || std::thread::spawn(std::thread::park);
    match how {
        "threads" => {
            let running = thread();
            let refused = sampled_daemon::listen_fds().unwrap_err();
            assert!(matches!(refused, DaemonError::Threads { .. }), "{refused}");
            running.thread().unpark();
            running.join().unwrap();
        }
        "after-notify" => {
            // It has removed the variables. A thread does no harm then.
            sampled_daemon::Notify::from_env().unwrap();
            thread();
        }
        _ => {}
    }
    let sockets = sampled_daemon::listen_fds().unwrap();
    let [socket] = <[_; 1]>::try_from(sockets).unwrap();
    assert_eq!(socket.name(), "unknown");
    assert!(std::env::var_os("LISTEN_FDS").is_none());
    assert!(sampled_daemon::listen_fds().unwrap().is_empty());
    let mut text = String::new();
    File::from(std::os::fd::OwnedFd::from(socket))
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, fs::read_to_string("/etc/passwd").unwrap());
    ExitCode::SUCCESS
}

#[allow(unsafe_code, reason = "printf(3)")]
fn output_buffered_by_c_is_printed_once(daemon: &Daemon) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    // The C library buffers a stream on a file until it is flushed.
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
