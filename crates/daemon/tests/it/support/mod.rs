mod locks;
mod processes;

use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

pub(crate) use self::{
    locks::{lock_range, python, record_lock},
    processes::{
        UnrelatedProcess, ends_within, kill, kill_and_wait, open_files, open_process, status_line,
        wait_for_end,
    },
};
use super::environment::environment;
pub(crate) use super::skip::skip;

/// A deadline that only a hang exceeds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A directory for a pidfile, and the processes with that pidfile in their environment. `drop` kills them.
pub(crate) struct Fixture {
    directory: tempfile::TempDir,
}

/// The exit status, output and errors of a program.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn pidfile(&self) -> PathBuf {
        self.path("m.pid")
    }

    /// A FIFO: a daemon that opens it waits until the test opens the other end.
    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        path
    }

    /// Waits until a process that `child` has started writes to the FIFO. Fails if `child` ends before.
    pub(crate) fn wait_for_fifo(&self, fifo: &Path, child: &Child) {
        let mut reader = fs::File::options();
        let reader = reader.read(true).custom_flags(libc::O_NONBLOCK);
        let reader = reader.open(fifo).unwrap();
        let child = open_process(child.id() as i32);
        let [written, ended] = [reader.as_fd(), child.as_fd()];
        let mut fds = [written, ended].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let ready = poll(&mut fds, PollTimeout::try_from(DEADLINE).unwrap()).unwrap();
        let wrote = fds[0].any().unwrap();
        assert!(
            wrote,
            "{}: {}",
            fifo.display(),
            if ready == 0 {
                "too late"
            } else {
                "the child ended"
            }
        );
    }

    /// A program with the pidfile in its environment, and the example `mydaemon` as `$M`.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("MYDAEMON_PIDFILE", self.pidfile())
            .env("M", example("mydaemon"))
            .env("RUST_BACKTRACE", "0")
            .env_remove("NOTIFY_SOCKET")
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn mydaemon(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(example("mydaemon"));
        command.args(arguments);
        command
    }

    /// Runs mydaemon until it has ended and every process has closed its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        finish(self.mydaemon(arguments).spawn().unwrap())
    }

    pub(crate) fn shell(&self, script: &str) -> Output {
        finish(self.command("sh").args(["-c", script]).spawn().unwrap())
    }

    /// Starts a daemon and returns its process id.
    pub(crate) fn start(&self, options: &[&str]) -> i32 {
        let output = self.run(&[options, &["start"]].concat());
        assert_eq!(output.code, Some(0), "{output:?}");
        self.pid()
    }

    pub(crate) fn check(&self, arguments: &[&str], code: i32, out: &str) {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?}: {output:?}");
        assert!(output.out.contains(out), "{arguments:?}: {output:?}");
    }

    /// The number in the pidfile.
    pub(crate) fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.pidfile()).unwrap();
        text.strip_suffix('\n').unwrap().parse().unwrap()
    }

    /// All living processes with this pidfile in their environment.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mark = format!("MYDAEMON_PIDFILE={}\0", self.pidfile().display());
        let all = fs::read_dir("/proc").unwrap().flatten();
        let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers
            .filter(|&pid: &i32| {
                environment(pid as u32)
                    .windows(mark.len())
                    .any(|window| window == mark.as_bytes())
            })
            .collect()
    }

    /// Copies mydaemon into the directory by cp(1). If this process wrote the copy, another test might fork meanwhile, its
    /// child would have the copy open for writing, and execve(2) would fail with ETXTBSY.
    pub(crate) fn copy_mydaemon(&self) {
        let mut cp = Command::new("cp");
        let status = cp.arg(example("mydaemon")).arg(self.path("mydaemon"));
        assert!(status.status().unwrap().success());
    }

    /// Runs mydaemon as the user nobody. The directory gets the mode of /tmp.
    pub(crate) fn run_as_nobody(&self, arguments: &str) -> Output {
        // The user nobody may have no access to the build directory.
        let copy = self.path("mydaemon");
        if !copy.exists() {
            self.copy_mydaemon();
        }
        fs::set_permissions(self.path(""), fs::Permissions::from_mode(0o1777)).unwrap();
        let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
        self.shell(&format!("{nobody} {} {arguments}", copy.display()))
    }

    pub(crate) fn assert_nothing_left(&self) {
        assert_eq!(self.processes(), [0; 0], "processes");
        assert!(!self.pidfile().exists(), "the pidfile is left");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        for pid in self.processes() {
            kill(pid, Signal::SIGKILL);
        }
    }
}

/// The program of an example. cargo puts examples beside the directory of the test programs.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples")
        .join(name);
    assert!(
        path.exists(),
        "{}: build it by `cargo build --examples`",
        path.display()
    );
    path
}

/// Waits until a program has ended and every process has closed its output. Fails after two minutes: a script may have
/// several deadlines.
pub(crate) fn finish(child: Child) -> Output {
    let pid = child.id();
    let (sender, finished) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let output = finished.recv_timeout(Duration::from_secs(120));
    let output = output.unwrap_or_else(|_| panic!("process {pid} or its output does not end"));
    let output = output.unwrap();
    Output {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A program as process 1 of a pid namespace, with a /proc of its own. `None` if no namespace can be made here.
pub(crate) fn in_pid_namespace(fixture: &Fixture, program: impl AsRef<OsStr>) -> Option<Command> {
    if !root("cannot make a pid namespace") {
        return None;
    }
    let unshare = |program: &OsStr| {
        let mut command = fixture.command("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.arg(program);
        command
    };
    let tried = finish(unshare("true".as_ref()).spawn().unwrap());
    if tried.code != Some(0) {
        skip(&format!("no pid namespace here: {tried:?}"));
        return None;
    }
    Some(unshare(program.as_ref()))
}

#[track_caller]
pub(crate) fn root(reason: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip(&format!("not root, {reason}"));
    }
    root
}

/// All commands, from start to stop.
pub(crate) const ALL_COMMANDS: &str =
    "$M start && $M status && $M reload && $M restart && $M stop && ! $M status";

#[test]
fn a_process_that_replaces_its_program_is_found() {
    let fixture = Fixture::new();
    let again = "exec sh -c \"$AGAIN\"";
    let mut shell = fixture.command("sh");
    let mut shell = shell
        .args(["-c", again])
        .env("AGAIN", again)
        .spawn()
        .unwrap();
    // `.ci/run` sets it.
    let rounds = match std::env::var_os("SAMPLED_STRESS_SECONDS") {
        Some(_) => 2000,
        None => 200,
    };
    for round in 0..rounds {
        assert_eq!(fixture.processes(), [shell.id() as i32], "round {round}");
    }
    shell.kill().unwrap();
    shell.wait().unwrap();
}
