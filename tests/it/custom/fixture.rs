//! A directory of definitions of custom metrics, and a store that reads them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sampled::{
    custom,
    reading::{Reading, Stamp, Value},
    source::Roots,
    sources,
    store::{Baseline, Changes, Frame, Selection, Store},
};
use tempfile::TempDir;
use tokio::runtime;

use crate::support::{
    home::{Home, SAMPLED},
    process::DEADLINE,
};

/// The directory of definitions in a home.
pub(crate) fn sources_d(home: &Home) -> PathBuf {
    home.config().join("sampled/sources.d")
}

/// Writes a file of definitions and renames it, as most editors do.
///
/// A child that another test forks meanwhile has a copy of each open file until its execve(2). inotify(7) tells of a
/// file written in place when the last copy is closed, which may be after the test has looked.
pub(crate) fn define(directory: &Path, file: &str, text: &str) {
    fs::create_dir_all(directory).unwrap();
    let new = directory.join(format!(".{file}"));
    fs::write(&new, text).unwrap();
    fs::rename(new, directory.join(file)).unwrap();
}

/// A process that writes a file in place. No child of another test has a copy of its files.
pub(crate) struct Writer(Child);

impl Writer {
    /// Opens the file and writes the text.
    pub(crate) fn begin(path: &Path, text: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "cat > \"$0\""]).arg(path);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        let start = Instant::now();
        while fs::read_to_string(path).ok().as_deref() != Some(text) {
            assert!(
                start.elapsed() < DEADLINE,
                "{} is not written",
                path.display()
            );
            thread::yield_now();
        }
        Self(child)
    }

    /// Closes the file.
    pub(crate) fn close(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

/// A store in this process, with the definitions of a temporary directory.
pub(crate) struct Fixture {
    dir: TempDir,
    pub(crate) store: Store,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = TempDir::with_prefix("sampled-custom-").unwrap();
        let custom = custom::DirectoryOptions {
            directory: dir.path().join("sources.d"),
            subreaper: SAMPLED.into(),
        };
        let options = sources::SourceOptions {
            custom: Some(custom),
            ..sources::SourceOptions::default()
        };
        let store = Store::new(sources::all_with(&Roots::default(), &options));
        Self { dir, store }
    }

    /// With a definition of `a/b/c` that reads a file.
    pub(crate) fn with_file(lines: &str) -> Self {
        let fixture = Self::new();
        let file = fixture.path("file");
        fixture.define(
            "room.toml",
            &format!("[metrics.'a/b/c']\nfile = {file:?}\n{lines}"),
        );
        fixture
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.path("sources.d")
    }

    /// Replaces a file atomically.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let (new, path) = (self.path("new"), self.path(name));
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    pub(crate) fn define(&self, file: &str, text: &str) {
        define(&self.directory(), file, text);
    }

    /// Reads changed definitions, as the service does before each call.
    pub(crate) fn rediscover(&self) -> Changes {
        let mut changes = block_on(self.store.rediscover_definitions(true));
        // On a busy machine the load outlasts the call, and shows in a later one.
        let start = Instant::now();
        while self.store.definitions_fd().is_none() {
            assert!(start.elapsed() < DEADLINE, "the definitions are not loaded");
            thread::yield_now();
        }
        let late = block_on(self.store.rediscover_new_definitions());
        changes.appeared.extend(late.appeared);
        changes.vanished.extend(late.vanished);
        changes
    }

    /// A frame now. Waits up to [`DEADLINE`] for slow sources.
    pub(crate) fn read(&self, selection: &Selection) -> Frame {
        let now = Stamp::now().monotonic;
        block_on(self.store.prefetch(selection, now, now + DEADLINE));
        self.store.read(selection, now)
    }

    /// A reading of a metric now.
    pub(crate) fn reading(&self, id: &str) -> Reading {
        self.rediscover();
        let selection = block_on(self.store.wait_and_resolve(&[id])).unwrap();
        let frame = self.read(&selection);
        let none = Baseline::new();
        let (_, reading) = selection.readings(&frame, &none).next().unwrap();
        reading
    }

    /// Waits until a metric has this reading: a failed command pauses before its next run, and a slow file answers
    /// later.
    #[track_caller]
    pub(crate) fn wait_for(&self, id: &str, expected: Reading) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let reading = self.reading(id);
            if reading == expected {
                return;
            }
            let error = self.error("sources.d/room.toml");
            assert!(Instant::now() < deadline, "{id}: {reading:?} {error}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The ids of all custom metrics.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.rediscover();
        let selection = block_on(self.store.wait_and_resolve(&[])).unwrap();
        let columns = selection.columns.iter();
        let custom = columns.filter(|column| column.source.starts_with(custom::NAME));
        let mut ids: Vec<_> = custom.map(|column| column.metric.id.to_string()).collect();
        ids.sort();
        ids
    }

    /// Waits until these are the ids of all custom metrics: on a busy machine, the blocking pool reads the directory late.
    #[track_caller]
    pub(crate) fn wait_for_ids(&self, expected: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        while self.ids() != expected {
            assert!(Instant::now() < deadline, "{:?}", self.ids());
        }
    }

    /// Waits until there are changes of the catalog.
    #[track_caller]
    pub(crate) fn wait_for_changes(&self) -> Changes {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let changes = self.rediscover();
            if !changes.is_empty() {
                return changes;
            }
            assert!(Instant::now() < deadline, "there are no changes");
        }
    }

    /// Waits until a source has this error, or none if it is empty.
    #[track_caller]
    pub(crate) fn wait_for_error(&self, name: &str, expected: &str) {
        self.wait_for_error_that(name, |error| error == expected);
    }

    /// Waits until a source has such an error.
    #[track_caller]
    pub(crate) fn wait_for_error_that(&self, name: &str, is_expected: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_expected(&self.error(name)) {
            assert!(Instant::now() < deadline, "{}", self.error(name));
        }
    }

    /// The error of a source.
    pub(crate) fn error(&self, name: &str) -> String {
        self.rediscover();
        let sources = self.store.sources();
        let source = sources.iter().find(|source| &*source.name == name);
        source.map_or_else(String::new, |source| source.error.clone())
    }
}

pub(crate) fn number(number: f64) -> Reading {
    Ok(Value::Number(number))
}
