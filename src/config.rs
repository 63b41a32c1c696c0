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
//! [sandbox."org.example.App"]   # what a program in a sandbox may have: docs/security.md
//! processes = true
//! ```
//!
//! A key that means nothing is an error: a typing mistake must not pass as a default.

mod sandbox;

use std::{
    env, io,
    path::{Path, PathBuf},
};

use crate::{
    custom,
    duration::Timeout,
    mistake::{self, Mistake, Place, Value},
    regular_file,
    service::{Limits, PROCESS_TABLE, Settings},
    source::Roots,
    sources,
};

/// No file that a person has written is larger, in bytes.
const LARGEST: u64 = 1 << 20;

/// The smallest limit for messages, in bytes: a call with a few selectors fits.
const SHORTEST_MESSAGE: usize = 4096;

/// What a configuration file says, and the defaults where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What the service is told.
    pub settings: Settings,
    /// Whether it is the file that says how long the service stays.
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
        /// What the kernel said.
        #[source]
        cause: io::Error,
    },
    /// The file does not say what a configuration can say.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line of the mistake; the first is 1.
        line: usize,
        /// The character of that line; the first is 1.
        column: usize,
        /// The mistake, in words that begin with the key.
        what: String,
    },
}

impl Config {
    /// Reads a file that must be there.
    ///
    /// # Errors
    /// When the file cannot be read, or says what it cannot say.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |cause| Error::Io {
            path: path.to_owned(),
            cause,
        };
        let text = regular_file::read(path, LARGEST).map_err(failed)?;
        let text = String::from_utf8(text).map_err(|_| {
            failed(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is not in UTF-8",
            ))
        })?;
        parse(&text).map_err(|mistake| in_file(mistake, path, &text))
    }

    /// Reads the [user's own file](user_file). If there is none, all is
    /// as usual.
    ///
    /// # Errors
    /// When the file cannot be read, or says what it cannot say.
    pub fn of_user() -> Result<Self, Error> {
        let Some(path) = user_file() else {
            return Ok(Self::default());
        };
        match Self::load(&path) {
            Err(Error::Io { cause, .. }) if is_absent(&cause) => Ok(Self::default()),
            loaded => loaded,
        }
    }
}

/// The user's own file: `$XDG_CONFIG_HOME/sampled/config.toml`.
pub fn user_file() -> Option<PathBuf> {
    user_dir().map(|dir| dir.join("config.toml"))
}

/// Where the user defines sources of his own: `$XDG_CONFIG_HOME/sampled/sources.d`.
pub fn user_sources() -> Option<PathBuf> {
    user_dir().map(|dir| dir.join("sources.d"))
}

/// The XDG Base Directory Specification: a path that is not absolute is no path.
fn user_dir() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let dir = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(dir.join("sampled"))
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A mistake of this text, in this file.
fn in_file(mistake: Mistake, path: &Path, text: &str) -> Error {
    let Place { line, column } = mistake.place(text);
    Error::Invalid {
        path: path.to_owned(),
        line,
        column,
        what: mistake.what,
    }
}

fn parse(text: &str) -> Result<Config, Mistake> {
    let table = mistake::document(text)?;
    let mut settings = Settings::default();
    let mut sets_idle_timeout = false;
    for (key, value) in table.get_ref() {
        match &**key.get_ref() {
            "idle_timeout" => {
                settings.idle_timeout = timeout("idle_timeout", value)?.0;
                sets_idle_timeout = true;
            }
            "sources" => sources(value, &mut settings)?,
            "disk" => disk(value, &mut settings)?,
            "limits" => limits(value, &mut settings)?,
            "sandbox" => settings.sandbox = sandbox::parse(value)?,
            _ => {
                return Err(Mistake::unknown(
                    "",
                    key,
                    "idle_timeout, sources, disk, limits, sandbox",
                ));
            }
        }
    }
    Ok(Config {
        settings,
        sets_idle_timeout,
    })
}

fn sources(value: &Value<'_>, settings: &mut Settings) -> Result<(), Mistake> {
    for (key, value) in mistake::table("sources", value)? {
        match &**key.get_ref() {
            "off" => settings.sources_off = names("sources.off", value)?,
            _ => return Err(Mistake::unknown("sources.", key, "off")),
        }
    }
    Ok(())
}

fn disk(value: &Value<'_>, settings: &mut Settings) -> Result<(), Mistake> {
    for (key, value) in mistake::table("disk", value)? {
        match &**key.get_ref() {
            "network" => settings.sources.network_mounts = mistake::flag("disk.network", value)?,
            _ => return Err(Mistake::unknown("disk.", key, "network")),
        }
    }
    Ok(())
}

fn limits(value: &Value<'_>, settings: &mut Settings) -> Result<(), Mistake> {
    for (key, value) in mistake::table("limits", value)? {
        match &**key.get_ref() {
            "total" => {
                for (key, value) in mistake::table("limits.total", value)? {
                    limit("total.", key, value, &mut settings.limits)?;
                }
            }
            _ => limit("", key, value, &mut settings.limits)?,
        }
    }
    Ok(())
}

fn limit(
    table: &str,
    key: &mistake::Key<'_>,
    value: &Value<'_>,
    limits: &mut Limits,
) -> Result<(), Mistake> {
    let name = format!("{table}{}", key.get_ref());
    let Some(limit) = limits.named(&name) else {
        let known = Limits::NAMES
            .iter()
            .filter_map(|name| name.strip_prefix(table))
            .filter(|name| !name.contains('.'));
        let known: Vec<_> = known.collect();
        let mut known = known.join(", ");
        if table.is_empty() {
            known.push_str(", total");
        }
        return Err(Mistake::unknown(&format!("limits.{table}"), key, &known));
    };
    let key = format!("limits.{name}");
    *limit = count(&key, value)?;
    // Nobody could even call `Quit`.
    if name == "message_bytes" && *limit < SHORTEST_MESSAGE {
        let what = format!("{key}: {limit}: it is at least {SHORTEST_MESSAGE}");
        return Err(Mistake::new(value.span(), what));
    }
    Ok(())
}

fn timeout(key: &str, value: &Value<'_>) -> Result<Timeout, Mistake> {
    let expected = "a duration in quotes, such as \"30s\", or \"never\"";
    let text = value.get_ref().as_str();
    let text = text.ok_or_else(|| Mistake::mistyped(key, expected, value))?;
    text.parse().map_err(|cause| {
        let what = format!("{key}: {text:?} ({cause}): {expected} is expected");
        Mistake::new(value.span(), what)
    })
}

fn count(key: &str, value: &Value<'_>) -> Result<usize, Mistake> {
    let number = value.get_ref().as_integer();
    // A sign or a radix is read as TOML has them; what does not fit is no number of sessions.
    let number = number.and_then(|number| {
        let digits = number.as_str().replace('_', "");
        usize::from_str_radix(&digits, number.radix()).ok()
    });
    number
        .filter(|&number| number > 0)
        .ok_or_else(|| Mistake::mistyped(key, "a whole number above 0", value))
}

fn names(key: &str, value: &Value<'_>) -> Result<Vec<String>, Mistake> {
    let expected = "an array of names of sources";
    let array = value.get_ref().as_array();
    let array = array.ok_or_else(|| Mistake::mistyped(key, expected, value))?;
    let known = source_names();
    let name = |value: &Value<'_>| {
        let name = value.get_ref().as_str();
        let name = name.ok_or_else(|| Mistake::mistyped(key, expected, value))?;
        if known.iter().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        let what = format!("{key}: no source is called {name:?}: {}", known.join(", "));
        Err(Mistake::new(value.span(), what))
    };
    array.iter().map(name).collect()
}

/// The names of all sources, each once: making the sources opens nothing.
fn source_names() -> Vec<String> {
    let sources = sources::all(&Roots::default());
    let mut names: Vec<_> = sources
        .iter()
        .map(|source| source.about().name.to_owned())
        .collect();
    // All that the user defines.
    names.push(custom::NAME.to_owned());
    names.push(PROCESS_TABLE.to_owned());
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::service::Totals;

    #[track_caller]
    fn check(text: &str, expected: Settings) {
        let config = parse(text).map_err(|mistake| mistake.what);
        let sets_idle_timeout = text.contains("idle_timeout");
        let expected = Config {
            settings: expected,
            sets_idle_timeout,
        };
        assert_eq!(config, Ok(expected));
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        let error = parse(text)
            .map_err(|mistake| in_file(mistake, Path::new("f"), text))
            .expect_err("this is refused");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_it_can_say() {
        let usual = Settings::default;
        check("", usual());
        check("# nothing\n", usual());
        check("[sources]\n[limits]\n", usual());
        check(
            "idle_timeout = \"5min\"",
            Settings {
                idle_timeout: Some(Duration::from_secs(300)),
                ..usual()
            },
        );
        check(
            "idle_timeout = 'never'\nlimits.columns = 1_000\n[sources]\noff = ['os', 'memory']",
            Settings {
                idle_timeout: None,
                limits: Limits {
                    columns: 1000,
                    ..Limits::default()
                },
                sources_off: vec!["os".to_owned(), "memory".to_owned()],
                ..usual()
            },
        );
        check(
            "[disk]\nnetwork = true",
            Settings {
                sources: sources::Options {
                    network_mounts: true,
                    ..sources::Options::default()
                },
                ..usual()
            },
        );
        check(
            "limits = { sessions = 0x10 }",
            Settings {
                limits: Limits {
                    sessions: 16,
                    ..Limits::default()
                },
                ..usual()
            },
        );
    }

    #[test]
    fn every_limit_can_be_set() {
        for (number, name) in (5000..).zip(Limits::NAMES) {
            let config = parse(&format!("limits.{name} = {number}"))
                .map_err(|mistake| mistake.what)
                .unwrap();
            let mut expected = Limits::default();
            *expected.named(name).unwrap() = number;
            assert_eq!(config.settings.limits, expected, "{name}");
            assert_ne!(expected, Limits::default(), "{name}");
        }
        check(
            "[limits.total]\ndetached = 2",
            Settings {
                limits: Limits {
                    total: Totals {
                        detached: 2,
                        ..Limits::default().total
                    },
                    ..Limits::default()
                },
                ..Settings::default()
            },
        );
        refuses(
            "limits.total.columnz = 1",
            "f:1:14: limits.total.columnz: unknown key (known: calls, call_bytes, sessions, columns, \
             detached)",
        );
        refuses(
            "limits.message_bytes = 100",
            "f:1:24: limits.message_bytes: 100: it is at least 4096",
        );
        refuses(
            "limits.sesions = 1",
            "f:1:8: limits.sesions: unknown key (known: message_bytes, selectors, selector_bytes, \
             options, pattern_bytes, calls, call_bytes, unread_bytes, sessions, columns, total)",
        );
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        refuses(
            "\nidel_timeout = \"1s\"",
            "f:2:1: idel_timeout: unknown key (known: idle_timeout, sources, disk, limits, sandbox)",
        );
        refuses(
            "idle_timeout = 30",
            "f:1:16: idle_timeout: a duration in quotes, such as \"30s\", or \"never\" is expected, \
             and integer is given",
        );
        refuses(
            "idle_timeout = \"30 parsecs\"",
            "f:1:16: idle_timeout: \"30 parsecs\" (unknown time unit \"parsecs\", supported units: \
             ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few variations)): a \
             duration in quotes, such as \"30s\", or \"never\" is expected",
        );
        refuses(
            "idle_timeout = \"18446744073709551615s\"",
            "f:1:16: idle_timeout: \"18446744073709551615s\" (a duration is at most a year, or \
             \"never\"): a duration in quotes, such as \"30s\", or \"never\" is expected",
        );
        refuses(
            "[sources]\non = ['os']",
            "f:2:1: sources.on: unknown key (known: off)",
        );
        refuses(
            "[sources]\noff = 'os'",
            "f:2:7: sources.off: an array of names of sources is expected, and string is given",
        );
        let names = source_names();
        assert!(
            ["memory", "sources.d"]
                .map(str::to_owned)
                .iter()
                .all(|name| names.contains(name))
        );
        refuses(
            "[sources]\noff = ['os',\n 'hens']",
            &format!(
                "f:3:2: sources.off: no source is called \"hens\": {}",
                names.join(", ")
            ),
        );
        refuses(
            "limits.sessions = -1",
            "f:1:19: limits.sessions: a whole number above 0 is expected, and integer is given",
        );
        refuses(
            "disk.network = 'yes'",
            "f:1:16: disk.network: true or false is expected, and string is given",
        );
        refuses(
            "disk.nfs = true",
            "f:1:6: disk.nfs: unknown key (known: network)",
        );
        refuses(
            "limits = 3",
            "f:1:10: limits: a table is expected, and integer is given",
        );
        // Characters count, not bytes.
        refuses(
            "limits = { 'ä' = 1, sessions = 'ö', columns = x }",
            "f:1:47: string values must be quoted, expected literal string",
        );
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let path = Path::new("/nonexistent/config.toml");
        let error = Config::load(path).expect_err("there is no such file");
        assert!(error.to_string().starts_with("/nonexistent/config.toml: "));
    }
}
