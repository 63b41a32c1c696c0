//! The layout: what the user has chosen, in a file.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::{pages::Page, processes::grouping::Grouping};

/// The most bytes of a layout file.
const LARGEST: u64 = 64 * 1024;

/// The choices of the user. A key that is absent has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Layout {
    /// The page to begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The pages that have a tab, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pages: Vec<String>,
    /// The time from reading to reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
    /// The column that orders processes, with `-` before it for the largest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sort: Option<String>,
    /// Whether processes are below their parents.
    pub(crate) tree: bool,
    /// The grouping of the processes on the page Applications.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The selectors of the page Metrics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) metrics: Vec<String>,
}

/// Why a layout file is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{path}: {cause}")]
    Io { path: String, cause: io::Error },
    #[error("{path}: {what}")]
    Invalid { path: String, what: String },
}

/// The layout file.
#[derive(Debug)]
pub(crate) struct LayoutFile {
    /// `None` where neither XDG_CONFIG_HOME nor HOME is set.
    path: Option<PathBuf>,
    /// Why the file was not read. It is kept as it is then.
    broken: Option<String>,
}

impl LayoutFile {
    /// Reads the layout. A file that is absent is no error; with one that is broken, the layout is the default.
    pub(crate) fn read(path: Option<PathBuf>) -> (Self, Layout) {
        let path = path.or_else(user_file);
        let read = path.as_deref().map_or(Ok(Layout::default()), read);
        let (layout, broken) = match read {
            Ok(layout) => (layout, None),
            Err(error) => (Layout::default(), Some(error.to_string())),
        };
        (Self { path, broken }, layout)
    }

    /// Why the file was not read.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Writes the layout in place of the file. Returns what to tell the user.
    pub(crate) fn write(&self, layout: &Layout) -> String {
        let Some(path) = &self.path else {
            return "Not saved: neither XDG_CONFIG_HOME nor HOME is set".to_owned();
        };
        let path = path.as_path();
        // It may be broken since it was read.
        let broken = self.broken.clone();
        if let Some(broken) = broken.or_else(|| read(path).err().map(|error| error.to_string())) {
            return format!("Not saved, because the file would be lost: {broken}");
        }
        match replace(path, layout) {
            Ok(()) => format!("Saved to {}", path.display()),
            Err(cause) => format!("Not saved: {}: {cause}", path.display()),
        }
    }
}

impl Layout {
    /// The page to begin with.
    pub(crate) fn page(&self) -> Option<Page> {
        page(self.page.as_deref()?)
    }

    /// The pages that have a tab.
    pub(crate) fn pages(&self) -> Vec<Page> {
        match self.pages.is_empty() {
            true => Page::ALL.to_vec(),
            false => self.pages.iter().filter_map(|name| page(name)).collect(),
        }
    }

    /// The time from reading to reading.
    pub(crate) fn interval(&self) -> Option<Duration> {
        humantime::parse_duration(self.interval.as_deref()?).ok()
    }

    /// The grouping of processes.
    pub(crate) fn grouping(&self) -> Option<Grouping> {
        Grouping::from_name(self.group.as_deref()?)
    }

    /// The same with what is shown now. A page that only the command line has shown is not the first one later.
    pub(crate) fn with(&self, page: Page, interval: Duration, grouping: Grouping) -> Self {
        let page = Some(page.name().to_owned());
        let has_tab =
            self.pages.is_empty() || self.pages.iter().any(|name| page.as_ref() == Some(name));
        Self {
            page: if has_tab { page } else { self.page.clone() },
            interval: Some(humantime::format_duration(interval).to_string()),
            group: Some(grouping.name().to_owned()),
            ..self.clone()
        }
    }

    /// Checks the values that are names.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let names = self.page.iter().map(|name| ("page", name));
        for (key, name) in names.chain(self.pages.iter().map(|name| ("pages", name))) {
            if page(name).is_none() {
                let all = Page::ALL.map(Page::name).join(", ");
                return Err((key, format!("{name:?} is no page: there are {all}")));
            }
        }
        for (place, name) in self.pages.iter().enumerate() {
            if self.pages.iter().take(place).any(|before| before == name) {
                return Err(("pages", format!("{name:?} is there twice")));
            }
        }
        if let Some(name) = &self.page
            && !self.pages.is_empty()
            && !self.pages.contains(name)
        {
            return Err(("page", format!("{name:?} is not among pages")));
        }
        let interval = self.interval.as_deref().map(crate::arguments::interval);
        if let Some(Err(what)) = interval {
            return Err(("interval", what));
        }
        if let Some(group) = &self.group
            && Grouping::from_name(group).is_none()
        {
            let all = Grouping::ALL.map(Grouping::name).join(", ");
            return Err(("group", format!("{group:?} is no group: there are {all}")));
        }
        if let Some(sort) = &self.sort
            && crate::processes::columns::Order::from_name(sort).is_none()
        {
            return Err(("sort", format!("{sort:?} is no column of processes")));
        }
        Ok(())
    }
}

fn page(name: &str) -> Option<Page> {
    Page::ALL.into_iter().find(|page| page.name() == name)
}

/// The file of this user.
fn user_file() -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let directory = absolute("XDG_CONFIG_HOME");
    let directory = directory.or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(directory.join("sampled/top.toml"))
}

fn read(path: &Path) -> Result<Layout, Error> {
    let shown = || path.display().to_string();
    let invalid = |what: String| Error::Invalid {
        path: shown(),
        what,
    };
    let io = |cause| Error::Io {
        path: shown(),
        cause,
    };
    // What is no regular file might block, or become the terminal of the program.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = match options.open(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Layout::default()),
        file => file.map_err(io)?,
    };
    if !file.metadata().map_err(io)?.is_file() {
        return Err(invalid("it is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let limit = LARGEST.saturating_add(1);
    let read = file.take(limit).read_to_end(&mut bytes).map_err(io)?;
    if read as u64 > LARGEST {
        return Err(invalid(format!("it is larger than {LARGEST} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("it is not in UTF-8".to_owned()))?;
    let layout = toml::from_str::<Layout>(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = line_of(&text, start);
        invalid(format!("line {line}: {}", error.message()))
    })?;
    layout.check().map_err(|(key, what)| {
        let start = text.lines().position(|line| is_of(line, key));
        let line = start.map_or(1, |line| line.saturating_add(1));
        invalid(format!("line {line}: {key}: {what}"))
    })?;
    Ok(layout)
}

/// Whether a line is that of a key. One key may be the beginning of another.
fn is_of(line: &str, key: &str) -> bool {
    let rest = line.trim_start().strip_prefix(key);
    rest.is_some_and(|rest| rest.trim_start().starts_with('='))
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count().saturating_add(1)
}

/// Replaces the file, so that it is never half written. A link stays a link to it.
fn replace(path: &Path, layout: &Layout) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory)?;
    let text = toml::to_string(layout).map_err(io::Error::other)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests;
