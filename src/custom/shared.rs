//! What the family and its members share.

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    custom::command::Runner,
    source::{Answered, Error, pool::Pool},
};

use super::{
    definition::{Definition, Reader},
    directory::{Directory, Loaded},
};

/// What the family and its members share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) pool: Pool,
    guard: PathBuf,
}

struct State {
    /// None before it was loaded.
    directory: Option<Directory>,
    /// Can be read when there is something to look at in the directory.
    descriptor: Option<OwnedFd>,
    /// The mounts of servers and programs.
    mounts: Vec<PathBuf>,
    /// How often the directory was loaded.
    loads: u64,
    /// What was found in place of values, by file and id.
    complaints: BTreeMap<(Arc<str>, Arc<str>), Complaint>,
    /// How often that has changed.
    changes: u64,
    /// Who runs commands, once there are any.
    runner: Option<Arc<Runner>>,
    tell: Option<Answered>,
}

/// What was found in place of a value, and since when that is told.
struct Complaint {
    what: String,
    since: Instant,
}

/// What is wrong in another way from one moment to the next is one trouble: it is told once in this time.
const SPACING: Duration = Duration::from_secs(60);

/// How many of a file are told at a time: the first ones, by id.
const COMPLAINTS: usize = 256;

/// What has been seen of it: another edition is something new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edition {
    loads: u64,
    changes: u64,
}

impl Shared {
    pub(super) fn new(pool: Pool, guard: PathBuf) -> Self {
        Self {
            state: Mutex::new(State {
                directory: None,
                descriptor: None,
                mounts: Vec::new(),
                loads: 0,
                complaints: BTreeMap::new(),
                changes: 0,
                runner: None,
                tell: None,
            }),
            pool,
            guard,
        }
    }

    /// Notes what the directory defines now.
    pub(super) fn publish(&self, loaded: Loaded) {
        let Loaded {
            directory,
            descriptor,
            mounts,
        } = loaded;
        let mut state = self.lock();
        // Where there never was a directory, nothing has changed.
        let is_nothing = !directory.is_there() && directory.error().is_none();
        if state.loads > 0 || !is_nothing {
            state.loads = state.loads.saturating_add(1);
        }
        state.descriptor = descriptor;
        state.mounts = mounts;
        let complaints = &mut state.complaints;
        complaints.retain(|(file, id), _| directory.defines(file, id));
        let before = state.directory.replace(directory);
        drop(state);
        drop(before);
    }

    /// The place of a file in the blocking pool: its mount if a server or a program answers for that, else its
    /// directory.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        let state = self.lock();
        let mounts = state.mounts.iter().filter(|mount| path.starts_with(mount));
        let mount = mounts.max_by_key(|mount| mount.as_os_str().len()).cloned();
        mount.unwrap_or_else(|| path.parent().unwrap_or(path).to_owned())
    }

    /// Whether there is something to look at in the directory, or it was never loaded.
    pub(super) fn is_new(&self) -> bool {
        let state = self.lock();
        let Some(descriptor) = &state.descriptor else {
            return true;
        };
        let mut polled = [PollFd::new(descriptor, PollFlags::IN)];
        !matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
    }

    /// What can be read when there is something to look at.
    pub(super) fn descriptor(&self) -> Option<OwnedFd> {
        self.lock().descriptor.as_ref()?.try_clone().ok()
    }

    /// How often the directory was loaded.
    pub(super) fn loads(&self) -> u64 {
        self.lock().loads
    }

    pub(super) fn edition(&self) -> Edition {
        let state = self.lock();
        Edition {
            loads: state.loads,
            changes: state.changes,
        }
    }

    /// What there is to read: the files of definitions, and the readers of each.
    pub(super) fn readers(&self) -> Vec<(Arc<str>, Reader)> {
        let state = self.lock();
        let directory = state.directory.iter();
        let readers = directory.flat_map(Directory::readers);
        readers
            .map(|(file, reader)| (file.clone(), reader.clone()))
            .collect()
    }

    pub(super) fn files(&self) -> Vec<Arc<str>> {
        let state = self.lock();
        let directory = state.directory.iter();
        directory.flat_map(Directory::files).cloned().collect()
    }

    /// What one reader has to read for.
    pub(super) fn definitions(&self, file: &str, reader: &Reader) -> Vec<Arc<Definition>> {
        let state = self.lock();
        let directory = state.directory.as_ref();
        directory.map_or(Vec::new(), |directory| {
            directory.definitions(file, reader).to_vec()
        })
    }

    /// Notes what was found in place of a value, or that the value is there again.
    pub(super) fn complain(&self, file: &Arc<str>, id: &Arc<str>, complaint: Option<String>) {
        let mut state = self.lock();
        let key = (file.clone(), id.clone());
        let is_told = match (state.complaints.get(&key), &complaint) {
            (None, None) => true,
            (Some(told), Some(what)) => told.what == *what || told.since.elapsed() < SPACING,
            _ => false,
        };
        if is_told {
            return;
        }
        state.changes = state.changes.saturating_add(1);
        match complaint {
            Some(what) => {
                let since = Instant::now();
                state.complaints.insert(key, Complaint { what, since });
            }
            None => drop(state.complaints.remove(&key)),
        }
    }

    /// What is wrong with a file of definitions, and with what its metrics are found in; where there
    /// is no file, with the directory.
    pub(super) fn trouble(&self, file: Option<&Arc<str>>) -> Result<(), Error> {
        let state = self.lock();
        let Some(directory) = &state.directory else {
            return Ok(());
        };
        let Some(file) = file else {
            return directory.error().map_or(Ok(()), |error| Err(error.again()));
        };
        let diagnostics = directory.diagnostics_of(file).cloned();
        let complaints = state.complaints.range((file.clone(), Arc::from(""))..);
        let complaints = complaints.take_while(|((of, _), _)| of == file);
        let complaints = complaints.map(|((_, id), complaint)| format!("{id}: {}", complaint.what));
        let all: Vec<_> = diagnostics.chain(complaints.take(COMPLAINTS)).collect();
        match all.is_empty() {
            true => Ok(()),
            false => Err(Error::InvalidDefinitions(all.join("\n"))),
        }
    }

    /// Whom to tell that a command has answered.
    pub(super) fn tell(&self, tell: Answered) {
        self.lock().tell = Some(tell);
    }

    /// Who runs commands.
    pub(super) fn runner(&self) -> Arc<Runner> {
        let mut state = self.lock();
        if let Some(runner) = &state.runner {
            return runner.clone();
        }
        let runner = Arc::new(Runner::on_pool(self.guard.clone(), &self.pool));
        if let Some(tell) = state.tell.clone() {
            runner.on_answer(move || tell());
        }
        state.runner = Some(runner.clone());
        runner
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it leaves it in disorder, whatever panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
