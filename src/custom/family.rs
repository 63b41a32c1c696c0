//! The family of a directory: finds the members.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    reading::{Fault, monotonic},
    source::{
        self, About, Answered, Deferred, Definitions, DefinitionsSummary, Error, NewMember,
        Provider,
        family::Members,
        last_probe::LastProbe,
        pool::{Job, Pool},
    },
};

use super::{
    DirectoryOptions, NAME,
    definition::Reader,
    directory::Loader,
    reader::Member,
    registry::{Generation, Registry},
};

/// The metrics of a directory.
pub(super) struct Family {
    path: PathBuf,
    registry: Arc<Registry>,
    /// Loads the directory if it has changed.
    job: Job<()>,
    /// Whether the next load reads all files.
    reads_all: Arc<AtomicBool>,
    /// The last look that no inotify event asked for.
    looked: Mutex<LastProbe>,
    /// The loads at the last discovery.
    seen: u64,
    members: Members<(Option<Arc<str>>, Option<Reader>)>,
}

/// inotify reports changes in the watched directory. That the path leads to another directory by now, a call
/// notices after this time.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// The timeout of a load. There may be thousands of files.
const TIMEOUT: Duration = Duration::from_secs(2);

impl Family {
    pub(super) fn new(options: &DirectoryOptions, taken: Vec<&'static str>, pool: &Pool) -> Self {
        let path = options.directory.clone();
        let registry = Arc::new(Registry::new(pool.clone(), options.subreaper.clone()));
        let place = path.to_string_lossy().into();
        let loader = Mutex::new(Loader::new(path.clone(), taken));
        let loads = registry.clone();
        let reads_all = Arc::new(AtomicBool::new(false));
        let all = reads_all.clone();
        let run = move || {
            let mut loader = loader.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(loaded) = loader.run(all.swap(false, Ordering::SeqCst)) {
                loads.publish(loaded);
            }
        };
        Self {
            path,
            registry,
            job: Job::with_timeout(pool, &place, TIMEOUT, run),
            reads_all,
            looked: Mutex::default(),
            seen: 0,
            members: Members::default(),
        }
    }
}

impl source::Family for Family {
    /// May have every id that no other source has.
    fn about(&self) -> About<'_> {
        About::new(NAME, &["*/*/*"]).defined()
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        // A load that is not done yet shows as a change later.
        self.job.ask(Duration::ZERO);
        self.seen = self.registry.loads();
        let mut probe = self.members.probe();
        let files = self.registry.files();
        for file in [None].into_iter().chain(files.into_iter().map(Some)) {
            probe.find_member(&(file.clone(), None), || {
                Provider::family(DiagnosticsMember::new(self.registry.clone(), file))
            });
        }
        for (file, reader) in self.registry.readers() {
            probe.find(&(Some(file.clone()), Some(reader.clone())), || {
                Box::new(Member::new(self.registry.clone(), file, reader))
            });
        }
        Ok(probe.finish())
    }

    fn changed(&self) -> bool {
        self.registry.loads() != self.seen
    }

    fn deferred(&mut self) -> Option<&mut dyn Deferred> {
        Some(self)
    }

    fn definitions(&self) -> Option<&dyn Definitions> {
        Some(self)
    }
}

impl Deferred for Family {
    fn when_answered(&mut self, tell: Answered) {
        self.registry.pool.when_answered(tell.clone());
        self.registry.on_answer(tell);
    }

    fn begin_discovery(&mut self, since: Duration) {
        self.job.ask(since);
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.job.awaited_until()
    }
}

impl Definitions for Family {
    fn path(&self) -> &Path {
        &self.path
    }

    fn probe(&self, force: bool) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = monotonic();
        let is_due = looked.again(now, BETWEEN_LOOKS, || force || self.registry.has_changes());
        if is_due {
            self.job.ask(now);
        }
        is_due
    }

    fn read_again(&self) {
        if self.registry.is_loaded() {
            self.read_all();
        }
    }

    fn read_all(&self) -> Duration {
        // A load that begins after the moment reads all files, or one that has begun before it has read them since the
        // call.
        self.reads_all.store(true, Ordering::SeqCst);
        let since = monotonic();
        self.job.ask(since);
        since
    }

    fn read_since(&self, since: Duration) -> Option<Result<DefinitionsSummary, Fault>> {
        if self.job.answered().is_none_or(|begun| begun < since) {
            // An earlier load has kept this one from being submitted.
            self.job.ask(since);
            return None;
        }
        let read = self.job.answer();
        Some(read.map(|()| self.registry.summary()))
    }

    fn change_fd(&self) -> Option<OwnedFd> {
        // A load that is under way takes the pending events.
        match self.job.is_pending() {
            true => None,
            false => self.registry.descriptor(),
        }
    }
}

/// A member without metrics that fails with the diagnostics of one file, or of the directory if `file` is `None`.
struct DiagnosticsMember {
    registry: Arc<Registry>,
    name: String,
    file: Option<Arc<str>>,
    seen: Generation,
}

impl DiagnosticsMember {
    fn new(registry: Arc<Registry>, file: Option<Arc<str>>) -> Self {
        let name = match &file {
            Some(file) => format!("{NAME}/{file}"),
            None => NAME.to_owned(),
        };
        Self {
            registry,
            name,
            file,
            seen: Generation::default(),
        }
    }
}

impl source::Family for DiagnosticsMember {
    fn about(&self) -> About<'_> {
        About::new(&self.name, &[]).defined()
    }

    /// Has none, and fails with the diagnostics.
    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        self.seen = self.registry.generation();
        self.registry.check(self.file.as_ref()).map(|()| Vec::new())
    }

    fn changed(&self) -> bool {
        self.registry.generation() != self.seen
    }
}
