//! The programs that belong to this one, and are installed with it if they lie beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    error::Error,
    file::{is_same, is_there},
};

/// The names of these programs. `sampled` runs `sampled-top` for the command `top`.
pub const COMPANIONS: [&str; 1] = ["sampled-top"];

/// A program of [`COMPANIONS`]. It does not contain the mark of the installed files: the mark in the activation file names
/// it.
pub(super) struct Companion {
    name: &'static str,
    pub(super) path: PathBuf,
    /// The file to copy, if there is one.
    pub(super) from: Option<PathBuf>,
    /// Whether it is to be removed with the other files.
    pub(super) is_ours: bool,
}

impl Companion {
    /// The companions of a program that is installed from a file, with the mark of the present installation.
    ///
    /// # Errors
    /// If another program has the name of one.
    pub(super) fn all(from: &Path, program: &Path, mark: &str) -> Result<Vec<Self>, Error> {
        // `from` may be a link, such as /proc/self/exe, and its file may have been removed meanwhile.
        let from = fs::canonicalize(from).unwrap_or_default();
        let of = |name| {
            let (from, path) = (from.with_file_name(name), program.with_file_name(name));
            let was_ours = mark.contains(&in_mark(name));
            let is_written = from.is_absolute() && from.is_file() && !is_same(&from, &path)?;
            if is_written && is_there(&path)? && !was_ours {
                return Err(Error::Foreign { path });
            }
            Ok(Self {
                name,
                path,
                from: is_written.then_some(from),
                is_ours: is_written || was_ours,
            })
        };
        COMPANIONS.into_iter().map(of).collect()
    }

    /// Its part of the mark.
    pub(super) fn mark(&self) -> String {
        in_mark(self.name)
    }
}

/// The installed companions that the mark names.
pub(super) fn installed(program: &Path, mark: &str) -> Vec<PathBuf> {
    let named = COMPANIONS
        .into_iter()
        .filter(|name| mark.contains(&in_mark(name)));
    let paths = named.map(|name| program.with_file_name(name));
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
    paths.filter(is_file).collect()
}

fn in_mark(name: &str) -> String {
    format!(" and {name}")
}
