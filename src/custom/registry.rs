//! The definitions that the family and its members share, and the problems that the members find.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{
    custom::command::Runner,
    source::{Answered, DefinitionsSummary, Error, pool::Pool},
};

use super::{
    definition::{Definition, Reader},
    directory::{Directory, Loaded},
};

/// The definitions of a directory, the problems of its readers, and the runner of its commands.
pub(super) struct Registry {
    contents: Mutex<Contents>,
    pub(super) pool: Pool,
    subreaper: PathBuf,
}

struct Contents {
    /// `None` until the first load.
    directory: Option<Directory>,
    /// The inotify descriptor of the directory.
    descriptor: Option<OwnedFd>,
    /// Network and FUSE mounts.
    mounts: Vec<PathBuf>,
    /// Counts loads of the directory.
    loads: u64,
    /// By file and id.
    problems: BTreeMap<(Arc<str>, Arc<str>), Problem>,
    /// Counts changes of `problems`.
    changes: u64,
    /// `None` until the first command is defined.
    runner: Option<Arc<Runner>>,
    on_answer: Option<Answered>,
}

/// The reason why a metric has no value, and the time since which it is reported.
struct Problem {
    message: String,
    since: Instant,
}

/// A problem whose message changes at every reading is reported once in this time.
const PROBLEM_INTERVAL: Duration = Duration::from_secs(60);

/// At most this many problems of one file are reported, the first ones by id.
const MOST_PROBLEMS: usize = 256;

/// The version of the definitions and problems: a difference means that something has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Generation {
    loads: u64,
    changes: u64,
}

impl Registry {
    pub(super) fn new(pool: Pool, subreaper: PathBuf) -> Self {
        Self {
            contents: Mutex::new(Contents {
                directory: None,
                descriptor: None,
                mounts: Vec::new(),
                loads: 0,
                problems: BTreeMap::new(),
                changes: 0,
                runner: None,
                on_answer: None,
            }),
            pool,
            subreaper,
        }
    }

    /// Takes the result of a load.
    pub(super) fn publish(&self, loaded: Loaded) {
        let Loaded {
            directory,
            descriptor,
            mounts,
        } = loaded;
        let mut contents = self.lock();
        // A directory that never existed is no change.
        let is_absent = !directory.is_there() && directory.error().is_none();
        if contents.loads > 0 || !is_absent {
            contents.loads = contents.loads.saturating_add(1);
        }
        contents.descriptor = descriptor;
        contents.mounts = mounts;
        let problems = &mut contents.problems;
        problems.retain(|(file, id), _| directory.defines(file, id));
        let before = contents.directory.replace(directory);
        drop(contents);
        drop(before);
    }

    /// The place of a file in the blocking pool: its mount if that is a network or FUSE mount, else its directory.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        let contents = self.lock();
        let mounts = contents
            .mounts
            .iter()
            .filter(|mount| path.starts_with(mount));
        let mount = mounts.max_by_key(|mount| mount.as_os_str().len()).cloned();
        mount.unwrap_or_else(|| path.parent().unwrap_or(path).to_owned())
    }

    /// Whether inotify has events, or the directory was never loaded.
    pub(super) fn has_changes(&self) -> bool {
        let contents = self.lock();
        let Some(descriptor) = &contents.descriptor else {
            return true;
        };
        let mut polled = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
        !matches!(poll(&mut polled, PollTimeout::ZERO), Ok(0))
    }

    /// A descriptor that is readable when the directory has changed.
    pub(super) fn descriptor(&self) -> Option<OwnedFd> {
        self.lock().descriptor.as_ref()?.try_clone().ok()
    }

    /// Whether the directory was loaded.
    pub(super) fn is_loaded(&self) -> bool {
        self.lock().directory.is_some()
    }

    /// The result of the last load.
    pub(super) fn summary(&self) -> DefinitionsSummary {
        let contents = self.lock();
        let directory = contents.directory.as_ref();
        directory.map_or(DefinitionsSummary::default(), Directory::summary)
    }

    /// The number of loads so far.
    pub(super) fn loads(&self) -> u64 {
        self.lock().loads
    }

    pub(super) fn generation(&self) -> Generation {
        let contents = self.lock();
        Generation {
            loads: contents.loads,
            changes: contents.changes,
        }
    }

    /// The readers of all files of definitions, each with its file.
    pub(super) fn readers(&self) -> Vec<(Arc<str>, Reader)> {
        let contents = self.lock();
        let directory = contents.directory.iter();
        let readers = directory.flat_map(Directory::readers);
        readers
            .map(|(file, reader)| (file.clone(), reader.clone()))
            .collect()
    }

    pub(super) fn files(&self) -> Vec<Arc<str>> {
        let contents = self.lock();
        let directory = contents.directory.iter();
        directory.flat_map(Directory::files).cloned().collect()
    }

    /// The definitions that one reader serves.
    pub(super) fn definitions(&self, file: &str, reader: &Reader) -> Vec<Arc<Definition>> {
        let contents = self.lock();
        let directory = contents.directory.as_ref();
        directory.map_or(Vec::new(), |directory| {
            directory.definitions(file, reader).to_vec()
        })
    }

    /// Records the problem of a metric; `None` if it has a value again.
    pub(super) fn set_problem(&self, file: &Arc<str>, id: &Arc<str>, problem: Option<String>) {
        let mut contents = self.lock();
        let key = (file.clone(), id.clone());
        let is_reported = match (contents.problems.get(&key), &problem) {
            (None, None) => true,
            (Some(known), Some(message)) => {
                known.message == *message || known.since.elapsed() < PROBLEM_INTERVAL
            }
            _ => false,
        };
        if is_reported {
            return;
        }
        contents.changes = contents.changes.saturating_add(1);
        match problem {
            Some(message) => {
                let since = Instant::now();
                contents.problems.insert(key, Problem { message, since });
            }
            None => drop(contents.problems.remove(&key)),
        }
    }

    /// Fails with the diagnostics of a file and the problems of its metrics; without a file, with the error of the
    /// directory.
    pub(super) fn check(&self, file: Option<&Arc<str>>) -> Result<(), Error> {
        let contents = self.lock();
        let Some(directory) = &contents.directory else {
            return Ok(());
        };
        let Some(file) = file else {
            return directory.error().map_or(Ok(()), |error| Err(error.again()));
        };
        let diagnostics = directory.diagnostics_of(file).cloned();
        let problems = contents.problems.range((file.clone(), Arc::from(""))..);
        let problems = problems.take_while(|((of, _), _)| of == file);
        let problems = problems.map(|((_, id), problem)| format!("{id}: {}", problem.message));
        let all: Vec<_> = diagnostics.chain(problems.take(MOST_PROBLEMS)).collect();
        match all.is_empty() {
            true => Ok(()),
            false => Err(Error::InvalidDefinitions(all.join("\n"))),
        }
    }

    /// Has `call` called after each answer of a command.
    pub(super) fn on_answer(&self, call: Answered) {
        self.lock().on_answer = Some(call);
    }

    /// The runner of commands, made at the first call.
    pub(super) fn runner(&self) -> Arc<Runner> {
        let mut contents = self.lock();
        if let Some(runner) = &contents.runner {
            return runner.clone();
        }
        let runner = Arc::new(Runner::on_pool(self.subreaper.clone(), &self.pool));
        if let Some(call) = contents.on_answer.clone() {
            runner.on_answer(move || call());
        }
        contents.runner = Some(runner.clone());
        runner
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // No holder of the lock panics between two changes that belong together.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
