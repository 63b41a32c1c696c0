//! Descriptors, the table of descriptors and output.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::process::{Command, ExitCode};

use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use sampled_daemon::{Daemon, Error as DaemonError};

use super::{Done, check, require};

pub(super) fn a_file_opened_before_stays_that_file(daemon: &Daemon) {
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

pub(super) fn a_descriptor_becomes_dev_null(daemon: &Daemon) {
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

pub(super) fn keep_fd_keeps_a_descriptor(daemon: &Daemon) {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    let daemon = daemon.clone().keep_fd(&writer).unwrap();
    check(&daemon, move || {
        File::from(writer).write_all(b"kept").map_err(Into::into)
    });
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "kept");
}

pub(super) fn an_async_runtime_is_refused(daemon: &Daemon) {
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

#[allow(unsafe_code, reason = "the environment")]
pub(super) fn a_descriptor_that_a_value_owns_is_not_taken(daemon: &Daemon) {
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
pub(super) fn sockets_are_taken_once(_: &Daemon) {
    for how in ["first", "threads", "after-notify"] {
        let script = "exec 3</etc/passwd; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" listen $1";
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap());
        assert!(shell.arg(how).status().unwrap().success(), "{how}");
    }
}

pub(super) fn listen(how: &str) -> ExitCode {
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
pub(super) fn output_buffered_by_c_is_printed_once(daemon: &Daemon) {
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

fn is_null(file: impl AsFd) -> bool {
    let file = File::from(file.as_fd().try_clone_to_owned().unwrap());
    let found = file.metadata().unwrap();
    let null = fs::metadata("/dev/null").unwrap();
    found.file_type().is_char_device() && found.rdev() == null.rdev()
}
