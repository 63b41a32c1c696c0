//! A directory of definitions of custom metrics, and a store that reads them.

use std::{
    fs,
    path::{Path, PathBuf},
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

/// Writes a file of definitions in place, as some editors do.
pub(crate) fn define(directory: &Path, file: &str, text: &str) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join(file), text).unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
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
        block_on(self.store.rediscover_definitions(true))
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
