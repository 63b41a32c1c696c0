//! The files of definitions in one directory. Files that other users may write are refused: definitions name
//! programs that run as the user.

mod defined;
mod loader;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{libc, unistd::Uid};

use crate::{
    diagnostic::{self, Diagnostic, Position},
    reading::Fault,
    regular_file,
    source::{DefinitionsSummary, Error},
};

use super::definition::{
    Definition, Reader,
    parse::{self, Context},
};
use defined::{FileDefinitions, MOST_DIAGNOSTICS, omitted};
pub(super) use loader::{Loaded, Loader};
pub(super) use watch::DirectoryChanges;
use watch::is_definitions;

/// A directory and its definitions.
#[derive(Clone)]
pub(super) struct Directory {
    path: PathBuf,
    context: Context,
    is_there: bool,
    /// Why the directory cannot be read.
    error: Option<Arc<Error>>,
    /// By name. Of two definitions of an id, the one in the first file is effective.
    files: BTreeMap<Arc<str>, FileDefinitions>,
}

/// The most files of definitions in a directory, and the most entries of any name.
const FILES: usize = 1024;
const ENTRIES: usize = 1 << 14;

/// The most bytes of all files together.
const BYTES: usize = 16 << 20;

/// The most bytes of one file: more than a person writes.
const LARGEST: u64 = 1 << 20;

impl Directory {
    /// A directory that may not define ids that match a pattern in `taken`.
    pub(super) fn new(path: PathBuf, taken: Vec<&'static str>) -> Self {
        let home = env::var_os("HOME").map(PathBuf::from);
        let home = home.filter(|home| home.is_absolute());
        Self {
            path,
            context: Context { home, taken },
            is_there: false,
            error: None,
            files: BTreeMap::new(),
        }
    }

    /// Whether the directory exists.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Why the directory cannot be read or watched.
    pub(super) fn error(&self) -> Option<&Error> {
        self.error.as_deref()
    }

    /// Records that the directory cannot be watched.
    pub(super) fn fail(&mut self, cause: io::Error) {
        let what = format!(
            "{}: inotify fails ({cause}): changes are noticed when somebody asks",
            self.path.display()
        );
        self.error = Some(Arc::new(Error::InvalidDefinitions(what)));
    }

    /// The names of the files.
    pub(super) fn files(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys()
    }

    /// Whether a file defines an id.
    pub(super) fn defines(&self, file: &str, id: &str) -> bool {
        let effective = self.files.get(file).map(|file| &file.effective);
        effective.is_some_and(|effective| {
            effective
                .binary_search_by(|other| (*other.id).cmp(id))
                .is_ok()
        })
    }

    /// The definitions of one reader of a file, in the order of their ids.
    pub(super) fn definitions(&self, file: &str, reader: &Reader) -> &[Arc<Definition>] {
        let readers = self.files.get(file).map(|file| &file.readers);
        let definitions = readers.and_then(|readers| readers.get(reader));
        definitions.map_or(&[], Vec::as_slice)
    }

    /// The readers of all files, each with its file.
    pub(super) fn readers(&self) -> impl Iterator<Item = (&Arc<str>, &Reader)> {
        let files = self.files.iter();
        files.flat_map(|(name, file)| file.readers.keys().map(move |reader| (name, reader)))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Arc<str>> {
        let definitions = self.files.values().flat_map(|file| &file.effective);
        definitions.map(|definition| definition.id.clone())
    }

    /// The diagnostics of all files.
    pub(super) fn diagnostics(&self) -> impl Iterator<Item = &String> {
        self.files.keys().flat_map(|file| self.diagnostics_of(file))
    }

    /// The diagnostics of a file.
    pub(super) fn diagnostics_of(&self, file: &str) -> impl Iterator<Item = &String> {
        let file = self.files.get(file).into_iter();
        file.flat_map(|file| file.diagnostics.iter().chain(&file.conflicts))
    }

    /// The number of files and metrics, and the errors.
    pub(super) fn summary(&self) -> DefinitionsSummary {
        let error = self.error().map(ToString::to_string).into_iter();
        let mut errors: Vec<_> = error.chain(self.diagnostics().cloned()).collect();
        let left_out = errors.len().saturating_sub(MOST_DIAGNOSTICS);
        errors.truncate(MOST_DIAGNOSTICS);
        errors.extend(omitted(&self.path, left_out));
        DefinitionsSummary {
            is_found: self.is_there,
            files: self.files.len(),
            metrics: self.ids().count(),
            errors,
        }
    }

    /// Reads the changed files.
    pub(super) fn load(&mut self, changes: &DirectoryChanges) {
        let names = match changes {
            DirectoryChanges::None => return,
            DirectoryChanges::Files(names) if self.error.is_none() => names.clone(),
            // After an error of the directory, single files do not count: all are read again.
            DirectoryChanges::Files(_) | DirectoryChanges::All => match self.list() {
                Ok(names) => names,
                // The definitions loaded before stay.
                Err(error) => {
                    self.error = Some(Arc::new(error));
                    return;
                }
            },
        };
        if *changes == DirectoryChanges::All || self.error.is_some() {
            self.error = None;
            let is_there = |name: &str| names.contains(&OsString::from(name));
            self.files.retain(|name, _| is_there(name));
        }
        for name in names {
            self.load_file(&name);
        }
        defined::resolve_conflicts(&self.path, &mut self.files);
    }

    /// The names of all files of definitions; empty if there is no directory.
    fn list(&mut self) -> Result<BTreeSet<OsString>, Error> {
        let failed = |cause| Error::io(&self.path, cause);
        let directory = match fs::metadata(&self.path) {
            Err(cause) if is_absent(&cause) => {
                self.is_there = false;
                return Ok(BTreeSet::new());
            }
            directory => directory.map_err(failed)?,
        };
        self.is_there = true;
        if let Some(why) = distrust(&directory) {
            return Err(Error::malformed(&self.path, why));
        }
        let entries = fs::read_dir(&self.path).map_err(failed)?;
        let mut names = BTreeSet::new();
        for (number, entry) in entries.enumerate() {
            if number >= ENTRIES {
                let what = format!("it has more than {ENTRIES} entries");
                return Err(Error::malformed(&self.path, what));
            }
            let name = entry.map_err(failed)?.file_name();
            if is_definitions(&name) {
                names.insert(name);
            }
        }
        match names.len() <= FILES {
            true => Ok(names),
            false => Err(self.too_many()),
        }
    }

    fn too_many(&self) -> Error {
        Error::malformed(&self.path, format!("it has more than {FILES} files *.toml"))
    }

    fn load_file(&mut self, name: &OsString) {
        let path = self.path.join(name);
        // In messages, and the name of a source.
        let name: Arc<str> = name.to_string_lossy().into();
        let text = match read(&path) {
            Err(error) if error.fault() == Fault::Gone => {
                self.files.remove(&name);
                return;
            }
            text => text,
        };
        if !self.files.contains_key(&name) && self.files.len() >= FILES {
            self.error = Some(Arc::new(self.too_many()));
            return;
        }
        let others = self.files.iter().filter(|(other, _)| **other != name);
        let others: usize = others.map(|(_, file)| file.bytes).sum();
        let file = self.files.entry(name).or_default();
        let text = text.and_then(|text| match others.saturating_add(text.len()) <= BYTES {
            true => Ok(text),
            false => {
                let what = format!("all files together have more than {} MiB", BYTES >> 20);
                Err(Error::malformed(&path, what))
            }
        });
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                file.diagnostics = vec![error.to_string()];
                return;
            }
        };
        file.bytes = text.len();
        let located = |diagnostics: &[Diagnostic]| -> Vec<_> {
            let reported = diagnostics.iter().take(MOST_DIAGNOSTICS);
            let positions = diagnostic::positions(
                &text,
                reported.clone().map(|diagnostic| diagnostic.span.start),
            );
            let located = reported.zip(positions);
            let located = located.map(|(diagnostic, Position { line, column })| {
                format!("{}:{line}:{column}: {}", path.display(), diagnostic.message)
            });
            let omitted = omitted(&path, diagnostics.len().saturating_sub(MOST_DIAGNOSTICS));
            located.chain(omitted).collect()
        };
        let parsed = match parse::parse(&text, &self.context) {
            Ok(parsed) => parsed,
            // The file may be half written: the definitions before stay.
            Err(diagnostic) => {
                file.diagnostics = located(&[diagnostic]);
                return;
            }
        };
        file.diagnostics = located(&parsed.diagnostics);
        let before = std::mem::take(&mut file.definitions);
        let kept = before
            .into_iter()
            .filter(|old| parsed.invalid.contains(&*old.id));
        let definitions = parsed.definitions.into_iter().map(Arc::new);
        file.definitions = definitions.chain(kept).collect();
        file.definitions.sort_by(|one, two| one.id.cmp(&two.id));
    }
}

/// The text of a file that no other user may write.
fn read(path: &Path) -> Result<String, Error> {
    let failed = |cause| Error::io(path, cause);
    let (file, about) = regular_file::open(path).map_err(failed)?;
    if let Some(why) = distrust(&about) {
        return Err(Error::malformed(path, why));
    }
    let text = regular_file::read_open(file, &about, LARGEST).map_err(failed)?;
    String::from_utf8(text).map_err(|_| Error::malformed(path, "it is not in UTF-8"))
}

/// The reason not to trust a file: its definitions name programs that run as the user.
fn distrust(about: &Metadata) -> Option<String> {
    let user = Uid::effective();
    let owner = Uid::from_raw(about.uid());
    if owner != user && !owner.is_root() {
        return Some(format!(
            "it belongs to the user of number {owner}, and is to belong to {user} or to root"
        ));
    }
    let is_writable = about.mode() & libc::S_IWOTH != 0;
    is_writable.then(|| "everybody may write it: chmod o-w is needed".to_owned())
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
