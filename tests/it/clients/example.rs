//! The clients in `examples/`, each built and run by the commands at its head.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use crate::support::{bus::Bus, process::Run};

/// A client in a directory of `examples/`.
pub(super) struct Example {
    /// The directory, which is also the label of its sessions.
    pub(super) directory: &'static str,
    pub(super) file: &'static str,
    /// Commands that succeed where its language and its library are installed.
    pub(super) probe: &'static str,
    /// Whether a compiler makes it.
    pub(super) compiled: bool,
}

/// The directories of the clients that this test program has built.
static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());

impl Example {
    /// The reason why it cannot be run here.
    pub(super) fn lacks(&self, bus: &Bus) -> Option<String> {
        let probe = Run::of(tools(bus, "sh").args(["-ec", self.probe]));
        (probe.code != Some(0)).then(|| format!("it needs {}", self.probe))
    }

    /// The command that runs it. The first call builds it.
    pub(super) fn command(&self, bus: &Bus) -> Command {
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = built
            .entry(self.directory)
            .or_insert_with(|| self.build(bus));
        let commands = self.commands();
        let run = commands.last().expect("a command that runs it");
        let mut words = run.split(' ');
        let mut command = tools(bus, words.next().expect("a program"));
        command.args(words).current_dir(directory);
        command
    }

    /// Builds a copy in the target directory, so that the sources stay clean and make finds what an earlier run has built.
    fn build(&self, bus: &Bus) -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let examples = target.join("examples");
        fs::create_dir_all(&examples).expect("directory");
        let dbus = target.join("dbus");
        fs::remove_file(&dbus).ok();
        symlink(source("dbus"), dbus).expect("link");
        let copy = Command::new("cp")
            .args(["-pru"])
            .arg(source("examples").join(self.directory))
            .arg(&examples)
            .status();
        assert!(copy.expect("cp").success());
        let directory = examples.join(self.directory);
        let commands = self.commands();
        if let (true, [build @ .., _]) = (self.compiled, &commands[..]) {
            let mut shell = tools(bus, "sh");
            shell.args(["-ec", &build.join("\n")]);
            Run::of(shell.current_dir(&directory)).ok();
        }
        directory
    }

    /// The commands at the head of the file, the last of which runs it: the first lines of its first comment that are
    /// indented.
    fn commands(&self) -> Vec<String> {
        let file = source("examples").join(self.directory).join(self.file);
        let text = fs::read_to_string(&file).expect("an example");
        let indented = |line: &str| {
            let line = line.trim_start().trim_start_matches(['/', '*', '#']);
            let command = line.strip_prefix("     ").or(line.strip_prefix('\t'));
            command.map(str::to_owned)
        };
        let lines = text.lines().map(|line| {
            // A docstring has no marks of comments.
            indented(line).or_else(|| line.strip_prefix("    ").map(str::to_owned))
        });
        let commands = lines.skip_while(Option::is_none).map_while(|line| line);
        commands.collect()
    }
}

/// A file of this package.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The path of the example of Rust; `None` if it has not been built. cargo puts examples beside the directory of the test
/// programs.
pub(super) fn rust_example() -> Option<String> {
    let test = env::current_exe().expect("path of the test");
    let target = test.parent().and_then(|deps| deps.parent());
    let program = target.expect("target").join("examples/session");
    let path = program.to_str().expect("UTF-8");
    program.exists().then(|| path.to_owned())
}

/// A program with the interpreters, compilers and libraries of the distribution, whose output is not buffered.
pub(super) fn tools(bus: &Bus, program: &str) -> Command {
    let mut command = bus.command("stdbuf");
    let path = env::var("PATH").unwrap_or_default();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    command
        .env("PATH", format!("/usr/bin:{path}"))
        .env("PYTHONUNBUFFERED", "1")
        // `npm install --prefix target/tmp` puts packages there, as .ci/run does.
        .env("NODE_PATH", target.join("node_modules"))
        // The libraries of Debian, and no network.
        .env("GOFLAGS", "-modfile=debian.mod")
        .env("GOPROXY", "off")
        .env("GOCACHE", target.join("go-cache"))
        .args(["-oL", program]);
    command
}
