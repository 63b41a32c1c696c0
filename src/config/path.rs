//! The paths of the user's own files.

use std::{env, path::PathBuf};

/// The user's configuration file: `$XDG_CONFIG_HOME/sampled/config.toml`.
pub fn user_file() -> Option<PathBuf> {
    user_dir().map(|dir| dir.join("config.toml"))
}

/// The directory of the user's custom metrics: `$XDG_CONFIG_HOME/sampled/sources.d`.
pub fn user_sources() -> Option<PathBuf> {
    user_dir().map(|dir| dir.join("sources.d"))
}

/// `$XDG_CONFIG_HOME/sampled`. By the XDG Base Directory Specification, relative paths are ignored.
fn user_dir() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let dir = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(dir.join("sampled"))
}
