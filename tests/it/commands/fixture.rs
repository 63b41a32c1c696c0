//! A fixture for commands, and checks of the processes and descriptors that they leave.

use std::{
    any::type_name,
    env,
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    process::Command as Program,
    time::{Duration, Instant},
};

use sampled::custom::command::{self, Command, CommandState, Handle, Runner};

use crate::support::{
    home::{Home, MARK, SAMPLED},
    process::{DEADLINE, Process, Run},
};

/// Longer than any test.
pub(crate) const FOREVER: Duration = Duration::from_secs(3600);

/// A runner, and a directory that its commands run in.
pub(crate) struct Fixture {
    pub(crate) home: Home,
    pub(crate) runner: Runner,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::at(Home::new())
    }

    pub(crate) fn at(home: Home) -> Self {
        Self {
            home,
            runner: Runner::new(SAMPLED),
        }
    }

    pub(crate) fn shell(&self, text: &str) -> Command {
        shell(self.home.dir(), text)
    }

    pub(crate) fn argv(&self, argv: &[&str]) -> Command {
        let argv = argv.iter().map(OsString::from).collect();
        once(self.home.dir(), command::Program::Argv(argv))
    }

    /// The first answer of a command.
    #[track_caller]
    pub(crate) fn answer(&self, command: Command) -> CommandState {
        next_answer(&self.runner.add(command), 0)
    }

    /// The output of a shell command.
    #[track_caller]
    pub(crate) fn output(&self, text: &str) -> String {
        let state = self.answer(self.shell(text));
        assert_eq!(state.problem, None);
        let bytes = state.output.unwrap().bytes;
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// The processes of its commands, and their subreapers.
    pub(crate) fn processes(&self) -> Vec<Process> {
        processes(&self.home)
    }
}

/// A shell command that runs once, in a home, without a timeout.
pub(crate) fn shell(home: &Path, text: &str) -> Command {
    once(home, command::Program::Shell(text.into()))
}

fn once(home: &Path, program: command::Program) -> Command {
    Command {
        interval: FOREVER,
        timeout: None,
        environment: vec![(MARK.into(), home.into())],
        directory: Some(home.to_owned()),
        ..Command::new(program)
    }
}

/// Waits until there are more answers than these.
#[track_caller]
pub(crate) fn next_answer(handle: &Handle, answers: u64) -> CommandState {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let state = handle.wait(DEADLINE);
        if state.answers > answers {
            return state;
        }
        assert!(Instant::now() < deadline, "no answer: {state:?}");
        // A command that writes lines is not pending between two lines.
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The processes of the commands in a home: those with its variable or its working directory.
pub(crate) fn processes(home: &Home) -> Vec<Process> {
    let mut processes = home.processes();
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse().ok()
    });
    processes.extend(numbers.filter_map(Process::open).filter(|process| {
        let cwd = fs::read_link(format!("/proc/{}/cwd", process.pid));
        cwd.is_ok_and(|cwd| cwd.starts_with(home.dir()))
    }));
    processes
}

/// Waits until no process of these commands is left.
#[track_caller]
pub(crate) fn nothing_is_left(home: &Home) {
    loop {
        let processes = processes(home);
        if processes.is_empty() {
            return;
        }
        for process in processes {
            assert!(
                process.ends_within(DEADLINE),
                "{:?}",
                fs::read_to_string(format!("/proc/{}/cmdline", process.pid))
            );
        }
    }
}

/// The resources of a process that may leak: descriptors, threads, children.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    descriptors: usize,
    threads: usize,
    children: Vec<u32>,
}

impl Resources {
    pub(crate) fn now() -> Self {
        let count = |path| fs::read_dir(path).unwrap().count();
        Self {
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            children: children(),
        }
    }

    /// Waits until this process has exactly these: the end of a thread is not signalled.
    #[track_caller]
    pub(crate) fn wait_until_restored(&self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let now = Self::now();
            if now == *self {
                return;
            }
            assert!(Instant::now() < deadline, "{now:?} instead of {self:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The children of all threads of this process.
pub(crate) fn children() -> Vec<u32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let lists = tasks.filter_map(|task| {
        let children = task.ok()?.path().join("children");
        fs::read_to_string(children).ok()
    });
    let numbers = |list: String| -> Vec<u32> {
        let words = list.split_ascii_whitespace();
        words.map(|word| word.parse().unwrap()).collect()
    };
    lists.flat_map(numbers).collect()
}

/// The environment variable of a test that was run again, in a process of its own: a message from the first process.
const MESSAGE: &str = "SAMPLED_RERUN_MESSAGE";

/// Runs the rest of a test, a closure in it, in a process of its own, where no other test opens
/// descriptors or starts threads.
#[track_caller]
pub(crate) fn in_own_process<F: FnOnce()>(inside: F) {
    if env::var_os(MESSAGE).is_some() {
        return inside();
    }
    let run = Run::of(&mut rerun_test(type_name::<F>(), "".as_ref()));
    let passed = run.code == Some(0) && run.stdout.contains("test result: ok. 1 passed");
    assert!(passed, "{}{}", run.stdout, run.stderr);
}

/// The message from [`rerun_test`]; `None` in the first process.
pub(crate) fn rerun_message() -> Option<String> {
    env::var(MESSAGE).ok()
}

/// A command that runs the test of this closure in another process, with a message for [`rerun_message`].
pub(crate) fn rerun_test(closure: &str, message: &OsStr) -> Program {
    // crate::module::test::{{closure}}
    let name = closure.split_once("::");
    let test = name.and_then(|(_, name)| name.rsplit_once("::"));
    let (test, _) = test.expect("name of the test");
    let mut program = Program::new(env::current_exe().expect("path of the test"));
    program
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(MESSAGE, message)
        // The message is often the directory of a home, which then ends the process if the test fails.
        .env(MARK, message);
    program
}

/// The subreapers of these commands.
pub(crate) fn subreapers(home: &Home) -> Vec<Process> {
    let mut processes = processes(home);
    processes.retain(|process| {
        let line = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        let mut arguments = line.split(|&byte| byte == 0);
        arguments.next() == Some(SAMPLED.as_bytes()) && arguments.next() == Some(b"guard")
    });
    processes
}
