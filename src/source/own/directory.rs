//! The files of definitions of one directory, as far as others cannot have written them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    env,
    ffi::OsString,
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{libc, unistd::Uid};

use crate::{
    mistake::{Mistake, Place},
    reading::Fault,
    source::Error,
};

use super::{
    cycle,
    definition::{Definition, Origin, Reader},
    parse::{self, Context},
    watch::{News, is_definitions},
};

/// The directory, and what is defined there.
pub(super) struct Directory {
    path: PathBuf,
    context: Context,
    is_there: bool,
    /// Why it cannot be looked at.
    error: Option<Error>,
    /// By name, in whose order they count.
    files: BTreeMap<Arc<str>, Defined>,
}

/// What a file defines.
#[derive(Default)]
struct Defined {
    definitions: Vec<Arc<Definition>>,
    mistakes: Vec<String>,
    /// What is right in itself, and goes not together with the other definitions.
    conflicts: Vec<String>,
    /// The definitions that count.
    own: Vec<Arc<Definition>>,
}

/// No file that a person has written is larger, in bytes.
const LARGEST: u64 = 1 << 20;

impl Directory {
    /// A directory in which no id may have one of the patterns that are `taken`.
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

    /// Whether there is such a directory.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// What is wrong with the directory.
    pub(super) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Notes that the directory cannot be watched.
    pub(super) fn fail(&mut self, cause: io::Error) {
        self.error = Some(Error::io(&self.path, cause));
    }

    /// The names of the files.
    pub(super) fn files(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys()
    }

    /// What a file defines, in the order of the ids.
    pub(super) fn definitions(&self, file: &str) -> &[Arc<Definition>] {
        self.files.get(file).map_or(&[], |file| &file.own)
    }

    /// What reads the definitions of a file.
    pub(super) fn readers(&self, file: &str) -> BTreeSet<Reader> {
        let definitions = self.definitions(file).iter();
        definitions.map(|definition| definition.reader()).collect()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Arc<str>> {
        let definitions = self.files.values().flat_map(|file| &file.own);
        definitions.map(|definition| definition.id.clone())
    }

    /// All mistakes.
    pub(super) fn mistakes(&self) -> impl Iterator<Item = &String> {
        self.files.keys().flat_map(|file| self.mistakes_of(file))
    }

    /// The mistakes of a file.
    pub(super) fn mistakes_of(&self, file: &str) -> impl Iterator<Item = &String> {
        let file = self.files.get(file).into_iter();
        file.flat_map(|file| file.mistakes.iter().chain(&file.conflicts))
    }

    /// Reads what is new.
    pub(super) fn load(&mut self, news: &News) {
        let names = match news {
            News::None => return,
            News::Files(names) if self.error.is_none() => names.clone(),
            // Nothing of a directory counts that is not believed.
            News::Files(_) | News::All => match self.list() {
                Ok(names) => names,
                // What is known already stays.
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            },
        };
        if *news == News::All || self.error.is_some() {
            self.error = None;
            let is_there = |name: &str| names.contains(&OsString::from(name));
            self.files.retain(|name, _| is_there(name));
        }
        for name in names {
            self.load_file(&name);
        }
        self.settle();
    }

    /// The names of all files of definitions; none if there is no directory.
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
        let names = entries.map(|entry| Ok(entry.map_err(failed)?.file_name()));
        names
            .filter(|name| name.as_ref().map_or(true, |name| is_definitions(name)))
            .collect()
    }

    fn load_file(&mut self, name: &OsString) {
        let path = self.path.join(name);
        // What a message shows, and a source is called.
        let name: Arc<str> = name.to_string_lossy().into();
        let text = match read(&path) {
            Err(error) if error.fault() == Fault::Gone => {
                self.files.remove(&name);
                return;
            }
            text => text,
        };
        let file = self.files.entry(name).or_default();
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                file.mistakes = vec![error.to_string()];
                return;
            }
        };
        let located = |mistake: &Mistake| {
            let Place { line, column } = mistake.place(&text);
            format!("{}:{line}:{column}: {}", path.display(), mistake.what)
        };
        let parsed = match parse::parse(&text, &self.context) {
            Ok(parsed) => parsed,
            // Perhaps it is half of what is being written.
            Err(mistake) => {
                file.mistakes = vec![located(&mistake)];
                return;
            }
        };
        file.mistakes = parsed.mistakes.iter().map(located).collect();
        let before = std::mem::take(&mut file.definitions);
        let kept = before
            .into_iter()
            .filter(|old| parsed.mistaken.contains(&*old.id));
        let definitions = parsed.definitions.into_iter().map(Arc::new);
        file.definitions = definitions.chain(kept).collect();
        file.definitions.sort_by(|one, two| one.id.cmp(&two.id));
    }

    /// Finds what counts of all that is defined: of two definitions of an id the first, and nothing that is
    /// computed from itself.
    fn settle(&mut self) {
        let mut known = HashMap::<Arc<str>, String>::new();
        for (name, file) in &mut self.files {
            file.conflicts.clear();
            file.own.clear();
            for definition in &file.definitions {
                let here = located(&self.path, name, definition);
                if let Some(there) = known.get(&definition.id) {
                    let id = &definition.id;
                    let what = format!("{here}: metrics.{id:?}: defined already at {there}");
                    file.conflicts.push(what);
                } else {
                    known.insert(definition.id.clone(), here);
                    file.own.push(definition.clone());
                }
            }
        }
        let all = self.files.values().flat_map(|file| &file.own);
        let derived: Vec<_> = all
            .filter_map(|definition| match &definition.origin {
                Origin::Expression(expression) => Some((&*definition.id, &**expression)),
                _ => None,
            })
            .collect();
        let ids = derived.iter().map(|(id, _)| Arc::<str>::from(*id));
        let conflicts = ids.zip(cycle::check(&derived));
        let conflicts: HashMap<_, _> = conflicts
            .filter_map(|(id, conflict)| Some((id, conflict?)))
            .collect();
        for (name, file) in &mut self.files {
            let own = std::mem::take(&mut file.own);
            for definition in own {
                match conflicts.get(&definition.id) {
                    Some(conflict) => {
                        let here = located(&self.path, name, &definition);
                        let id = &definition.id;
                        let what = format!("{here}: metrics.{id:?}: {conflict}");
                        file.conflicts.push(what);
                    }
                    None => file.own.push(definition),
                }
            }
        }
    }
}

/// Where a definition is, for a message.
fn located(directory: &Path, file: &str, definition: &Definition) -> String {
    let Place { line, column } = definition.place;
    let path = directory.join(file);
    format!("{}:{line}:{column}", path.display())
}

/// The text of a file that nobody else may write.
fn read(path: &Path) -> Result<String, Error> {
    let failed = |cause| Error::io(path, cause);
    let file = open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(Error::malformed(path, "it is no regular file"));
    }
    if let Some(why) = distrust(&about) {
        return Err(Error::malformed(path, why));
    }
    let mut text = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > LARGEST {
        return Err(Error::malformed(path, "it is larger than 1 MiB"));
    }
    String::from_utf8(text).map_err(|_| Error::malformed(path, "it is not in UTF-8"))
}

/// Opens what may be anything, and is not to be waited for nor to become our terminal.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    // The standard library adds O_CLOEXEC.
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path)
}

/// Why what a file says is not to be believed: its definitions name programs that are run as the user.
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
