//! What becomes of open descriptors that values of the program own, in a program of one thread: without a harness.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::process::ExitCode;

use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::signal::Signal;
use sampled_daemon::{Daemon, Error as DaemonError, Ready};

type Test = fn(&Daemon);
type Done = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let tests: [(&str, Test); 4] = [
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
    ];
    for (name, test) in tests {
        let directory = tempfile::tempdir().unwrap();
        let daemon = Daemon::new("soundness").pidfile(directory.path().join("x.pid"));
        test(&daemon);
        println!("test {name} ... ok");
    }
    println!("\n{} passed, 0 failed", tests.len());
    ExitCode::SUCCESS
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
