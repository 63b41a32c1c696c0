//! The family of what a directory defines: which members there are.

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    reading::{Metric, Raw},
    source::{Answered, Error, NewMember, Source, family::Known, pool::Pool},
};

use super::{
    NAME, Options,
    definition::Reader,
    directory::Directory,
    member::Member,
    shared::{Edition, Shared},
    watch::{News, Watch},
};

/// What a directory defines.
pub(super) struct Family {
    path: PathBuf,
    shared: Arc<Shared>,
    watch: Mutex<Watch>,
    is_loaded: bool,
    known: Known<(Option<Arc<str>>, Option<Reader>)>,
}

impl Family {
    pub(super) fn new(options: &Options, taken: Vec<&'static str>, pool: &Pool) -> Self {
        let path = options.directory.clone();
        let directory = Directory::new(path.clone(), taken);
        Self {
            path,
            shared: Arc::new(Shared::new(directory, pool.clone(), options.guard.clone())),
            watch: Mutex::default(),
            is_loaded: false,
            known: Known::default(),
        }
    }
}

impl Family {
    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Family {
    fn name(&self) -> &str {
        NAME
    }

    /// Whatever other sources do not have.
    fn scope(&self) -> &'static [&'static str] {
        &["*/*/*"]
    }

    fn is_defined(&self) -> bool {
        true
    }

    fn when_answered(&mut self, tell: Answered) {
        self.shared.pool.when_answered(tell.clone());
        self.shared.tell(tell);
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        let watch = self.watch.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut news = watch.take(&self.path);
        if !self.is_loaded {
            news = News::All;
            self.is_loaded = true;
        }
        // What comes from here on is seen, and what was there before is read.
        let watched = match news {
            News::All => watch.begin(&self.path),
            _ => Ok(()),
        };
        self.shared.load(|directory| {
            directory.load(&news);
            if let Err(cause) = watched {
                directory.fail(cause);
            }
        });
        Ok(Vec::new())
    }

    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        let mut look = self.known.look();
        let files = self.shared.files();
        for file in [None].into_iter().chain(files.into_iter().map(Some)) {
            look.find(&(file.clone(), None), || {
                Box::new(Trouble::new(self.shared.clone(), file))
            });
        }
        for (file, reader) in self.shared.readers() {
            look.find(&(Some(file.clone()), Some(reader.clone())), || {
                Box::new(Member::new(self.shared.clone(), file, reader))
            });
        }
        Ok(look.end())
    }

    fn read(&mut self, _: &mut Vec<Raw>) -> Result<(), Error> {
        Ok(())
    }

    fn changed(&self) -> bool {
        self.watch().is_new()
    }

    fn look(&self) {
        self.watch().look(&self.path);
    }

    fn news(&self) -> Option<OwnedFd> {
        self.watch().descriptor()
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

impl Source for Trouble {
    fn name(&self) -> &str {
        &self.name
    }

    fn scope(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_defined(&self) -> bool {
        true
    }

    fn discover(&mut self) -> Result<Vec<Metric>, Error> {
        self.seen = self.shared.edition();
        Ok(Vec::new())
    }

    /// It has none, and is asked for them when it is looked at.
    fn members(&mut self) -> Result<Vec<NewMember>, Error> {
        self.shared.trouble(self.file.as_ref()).map(|()| Vec::new())
    }

    fn read(&mut self, _: &mut Vec<Raw>) -> Result<(), Error> {
        Ok(())
    }

    fn changed(&self) -> bool {
        self.shared.edition() != self.seen
    }
}
