//! The configuration file, in [TOML](https://toml.io):
//!
//! ```toml
//! idle_timeout = "30s"   # or "never"
//!
//! [sources]
//! off = ["os"]           # not to be read
//!
//! [disk]
//! network = true         # also ask mounts on the network and of autofs; from the next start on
//!
//! [limits]               # all of them: docs/limits.md
//! sessions = 64          # of each client
//! total.sessions = 512   # of all clients together
//!
//! [history]              # what sessions have read: docs/history.md
//! span = "10min"
//! bytes = 1048576
//! keep = ["cpu/all/usage"]   # always, also without a session; the service then runs on
//!
//! [sandbox."org.example.App"]   # what a program in a sandbox may have: docs/security.md
//! processes = true
//! ```
//!
//! An unknown key is an error, so that a typing error does not silently select a default.

mod history;
mod limits;
mod path;
mod sandbox;
mod sources;

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    diagnostic::{self, Diagnostic, Position, Value},
    duration::Timeout,
    regular_file,
    service::{ConfigurationFile, Settings},
};

pub use path::{user_file, user_sources};

/// The greatest size of a configuration file, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// The settings of a configuration file, with defaults for absent keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The settings of the service.
    pub settings: Settings,
    /// Whether the file sets `idle_timeout`.
    pub sets_idle_timeout: bool,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error from the kernel.
        #[source]
        cause: io::Error,
    },
    /// The content of the file is invalid.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line of the error; the first is 1.
        line: usize,
        /// The character of that line; the first is 1.
        column: usize,
        /// The message, which begins with the key.
        what: String,
    },
}

impl Config {
    /// Reads a file that must be there.
    ///
    /// # Errors
    /// When the file cannot be read, or is invalid.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |cause| Error::Io {
            path: path.to_owned(),
            cause,
        };
        let text = regular_file::read(path, SIZE_LIMIT).map_err(failed)?;
        let text = String::from_utf8(text).map_err(|_| {
            failed(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is not in UTF-8",
            ))
        })?;
        let mut config = parse(&text).map_err(|diagnostic| in_file(diagnostic, path, &text))?;
        config.settings.configuration = Some(ConfigurationFile {
            path: path.to_owned(),
            is_found: true,
        });
        Ok(config)
    }

    /// The defaults, for a file that is absent.
    fn absent(path: PathBuf) -> Self {
        let is_found = false;
        let mut config = Self::default();
        config.settings.configuration = Some(ConfigurationFile { path, is_found });
        config
    }

    /// Reads the [user's file](user_file). If it is absent, all settings have their defaults.
    ///
    /// # Errors
    /// When the file cannot be read, or is invalid.
    pub fn of_user() -> Result<Self, Error> {
        let Some(path) = user_file() else {
            return Ok(Self::default());
        };
        match Self::load(&path) {
            Err(Error::Io { path, cause }) if is_absent(&cause) => Ok(Self::absent(path)),
            loaded => loaded,
        }
    }
}

/// Whether the [user's file](user_file) is absent, as the kernel knows without asking the file system. If so,
/// [`Config::of_user`] does not wait for a file system either.
pub fn is_known_absent() -> bool {
    user_file().is_none_or(|path| regular_file::is_known_absent(&path))
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The error for a diagnostic of this file.
fn in_file(diagnostic: Diagnostic, path: &Path, text: &str) -> Error {
    let Position { line, column } = diagnostic.position(text);
    Error::Invalid {
        path: path.to_owned(),
        line,
        column,
        what: diagnostic.message,
    }
}

fn parse(text: &str) -> Result<Config, Diagnostic> {
    let table = diagnostic::document(text)?;
    let mut settings = Settings::default();
    let mut sets_idle_timeout = false;
    for (key, value) in table.get_ref() {
        match &**key.get_ref() {
            "idle_timeout" => {
                settings.idle_timeout = timeout("idle_timeout", value)?.0;
                sets_idle_timeout = true;
            }
            "sources" => sources::parse(value, &mut settings)?,
            "disk" => disk(value, &mut settings)?,
            "limits" => limits::parse(value, &mut settings.limits)?,
            "history" => history::parse(value, &mut settings.history)?,
            "sandbox" => settings.sandbox = sandbox::parse(value)?,
            _ => {
                return Err(Diagnostic::unknown(
                    "",
                    key,
                    "idle_timeout, sources, disk, limits, history, sandbox",
                ));
            }
        }
    }
    Ok(Config {
        settings,
        sets_idle_timeout,
    })
}

fn disk(value: &Value<'_>, settings: &mut Settings) -> Result<(), Diagnostic> {
    for (key, value) in diagnostic::table("disk", value)? {
        match &**key.get_ref() {
            "network" => settings.sources.network_mounts = diagnostic::flag("disk.network", value)?,
            _ => return Err(Diagnostic::unknown("disk.", key, "network")),
        }
    }
    Ok(())
}

fn timeout(key: &str, value: &Value<'_>) -> Result<Timeout, Diagnostic> {
    let expected = "a duration in quotes, such as \"30s\", or \"never\"";
    let text = value.get_ref().as_str();
    let text = text.ok_or_else(|| Diagnostic::mistyped(key, expected, value))?;
    text.parse().map_err(|cause| {
        let what = format!("{key}: {text:?} ({cause}): {expected} is expected");
        Diagnostic::new(value.span(), what)
    })
}

#[cfg(test)]
mod tests;
