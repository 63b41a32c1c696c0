//! The family of what a directory defines: which members there are.

use std::{
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    reading::monotonic,
    source::{
        self, About, Answered, Deferred, Definitions, Error, NewMember, Provider,
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
    shared::{Edition, Shared},
};

/// What a directory defines.
pub(super) struct Family {
    shared: Arc<Shared>,
    /// Looks at the directory, and reads what is new.
    job: Job<()>,
    /// When the directory was looked at though nothing had shown that it changed.
    looked: Mutex<LastProbe>,
    /// How often it was loaded when it was discovered.
    seen: u64,
    members: Members<(Option<Arc<str>>, Option<Reader>)>,
}

/// The kernel tells what is new in the directory that is watched. That its path leads to another one now, a
/// call finds out after this time.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// How long is waited for the files of definitions. There may be thousands.
const TIMEOUT: Duration = Duration::from_secs(2);

impl Family {
    pub(super) fn new(options: &DirectoryOptions, taken: Vec<&'static str>, pool: &Pool) -> Self {
        let path = options.directory.clone();
        let shared = Arc::new(Shared::new(pool.clone(), options.subreaper.clone()));
        let place = path.to_string_lossy().into();
        let loader = Mutex::new(Loader::new(path, taken));
        let loads = shared.clone();
        let run = move || {
            let mut loader = loader.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(loaded) = loader.run() {
                loads.publish(loaded);
            }
        };
        Self {
            shared,
            job: Job::with_timeout(pool, &place, TIMEOUT, run),
            looked: Mutex::default(),
            seen: 0,
            members: Members::default(),
        }
    }
}

impl source::Family for Family {
    /// It may have whatever other sources do not have.
    fn about(&self) -> About<'_> {
        About::new(NAME, &["*/*/*"]).defined()
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        // Where it was never loaded, that shows as a change when it is.
        self.job.ask(Duration::ZERO);
        self.seen = self.shared.loads();
        let mut probe = self.members.probe();
        let files = self.shared.files();
        for file in [None].into_iter().chain(files.into_iter().map(Some)) {
            probe.find_member(&(file.clone(), None), || {
                Provider::family(Trouble::new(self.shared.clone(), file))
            });
        }
        for (file, reader) in self.shared.readers() {
            probe.find(&(Some(file.clone()), Some(reader.clone())), || {
                Box::new(Member::new(self.shared.clone(), file, reader))
            });
        }
        Ok(probe.finish())
    }

    fn changed(&self) -> bool {
        self.shared.loads() != self.seen
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
        self.shared.pool.when_answered(tell.clone());
        self.shared.tell(tell);
    }

    fn begin_discovery(&mut self, since: Duration) {
        self.job.ask(since);
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.job.awaited_until()
    }
}

impl Definitions for Family {
    fn probe(&self, force: bool) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = monotonic();
        let is_due = looked.again(now, BETWEEN_LOOKS, || force || self.shared.is_new());
        if is_due {
            self.job.ask(now);
        }
        is_due
    }

    fn change_fd(&self) -> Option<OwnedFd> {
        // While it is being looked at, what is new has been heard of.
        match self.job.is_pending() {
            true => None,
            false => self.shared.descriptor(),
        }
    }
}

/// What is wrong with a file of definitions, or with the directory. It has no metrics.
struct Trouble {
    shared: Arc<Shared>,
    name: String,
    file: Option<Arc<str>>,
    seen: Edition,
}

impl Trouble {
    fn new(shared: Arc<Shared>, file: Option<Arc<str>>) -> Self {
        let name = match &file {
            Some(file) => format!("{NAME}/{file}"),
            None => NAME.to_owned(),
        };
        Self {
            shared,
            name,
            file,
            seen: Edition::default(),
        }
    }
}

impl source::Family for Trouble {
    fn about(&self) -> About<'_> {
        About::new(&self.name, &[]).defined()
    }

    /// It has none, and fails with what is wrong.
    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        self.seen = self.shared.edition();
        self.shared.trouble(self.file.as_ref()).map(|()| Vec::new())
    }

    fn changed(&self) -> bool {
        self.shared.edition() != self.seen
    }
}
