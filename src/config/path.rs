//! Where the user's own files are.

use std::{env, path::PathBuf};

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
