//! A file that the user has named, read whole.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use glob::{MatchOptions, Pattern};
use nix::errno::Errno;

use crate::{custom::definition, regular_file, source::Error};

use super::kernel_file;

/// What a file says.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// When it was written last.
    pub(super) modified: Option<SystemTime>,
}

/// No sensor says more, in bytes.
const LARGEST: u64 = 64 * 1024;

/// How many entries of directories are looked at to find the one file that a pattern means.
const MOST_ENTRIES: usize = 10_000;

/// Reads the file that a path means now.
///
/// It is opened each time: a program that writes a file often writes another, and gives it the name of
/// the first. So what is read is one of them, and whole.
pub(super) fn read(path: &definition::Path) -> Result<Text, Error> {
    let path = the_one(path)?;
    let opened = regular_file::open(&path).map(|(file, _)| file);
    opened
        .and_then(text)
        .map_err(|cause| Error::io(&path, cause))
}

/// The same of a file of procfs or sysfs, and of no other.
pub(super) fn read_kernel(path: &definition::Path) -> Result<Text, Error> {
    let definition::Path(path) = path;
    let text = kernel_file::open(path).and_then(text);
    text.map_err(|cause| Error::io(path.as_ref(), cause))
}

fn text(file: File) -> io::Result<Text> {
    let about = regular_file::check(&file)?;
    Ok(Text {
        bytes: regular_file::read_open(file, &about, LARGEST)?,
        modified: about.modified().ok(),
    })
}

/// The one file that a path with `*` in it means.
fn the_one(path: &definition::Path) -> Result<PathBuf, Error> {
    let definition::Path(pattern) = path;
    if !path.is_pattern() {
        return Ok(pattern.into());
    }
    let asked = Path::new(pattern);
    let mut parts = Vec::new();
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        parts.push(match part.contains(['*', '?', '[']) {
            true => {
                let part = Pattern::new(part);
                Part::Pattern(part.map_err(|error| Error::malformed(asked, error.to_string()))?)
            }
            false => Part::Name(part),
        });
    }
    let mut search = Search {
        parts,
        looked_at: 0,
        denied: None,
    };
    let found = search.find().ok_or_else(|| {
        let what = format!(
            "it was looked for in more than {MOST_ENTRIES} entries of directories: fewer * are needed"
        );
        Error::malformed(asked, what)
    })?;
    match (found, search.denied) {
        ((Some(one), None), _) => Ok(one),
        ((Some(one), Some(other)), _) => {
            let (one, other) = (one.display(), other.display());
            let what = format!("several files have this form ({one}, {other}), and one is meant");
            Err(Error::malformed(asked, what))
        }
        ((None, _), Some(error)) => Err(error),
        ((None, _), None) => Err(Error::io(asked, Errno::ENOENT.into())),
    }
}

/// A part of a path.
enum Part<'a> {
    Name(&'a str),
    Pattern(Pattern),
}

/// A search for what has the form of a path.
struct Search<'a> {
    parts: Vec<Part<'a>>,
    looked_at: usize,
    /// Why a directory cannot be read.
    denied: Option<Error>,
}

impl Search<'_> {
    /// The first file that has the form, and the second: others are not looked for. None where there is
    /// too much to look at.
    fn find(&mut self) -> Option<(Option<PathBuf>, Option<PathBuf>)> {
        let mut first = None;
        // Paths, and how many parts of them are done. No recursion: a path may have many.
        let mut open = vec![(PathBuf::from("/"), 0_usize)];
        while let Some((path, done)) = open.pop() {
            let next = done.saturating_add(1);
            match self.parts.get(done) {
                Some(Part::Name(name)) => open.push((path.join(name), next)),
                Some(Part::Pattern(_)) => {
                    let found = self.matches(&path, done)?;
                    open.extend(found.into_iter().rev().map(|path| (path, next)));
                }
                None => {
                    self.look()?;
                    if fs::symlink_metadata(&path).is_ok() {
                        match first {
                            None => first = Some(path),
                            Some(_) => return Some((first, Some(path))),
                        }
                    }
                }
            }
        }
        Some((first, None))
    }

    /// What has the form of a part in a directory, in the order of the names.
    fn matches(&mut self, directory: &Path, part: usize) -> Option<Vec<PathBuf>> {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let mut found = Vec::new();
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(cause) => {
                if !is_no_directory(&cause) {
                    let denied = self.denied.take();
                    self.denied = denied.or(Some(Error::io(directory, cause)));
                }
                return Some(found);
            }
        };
        for entry in entries {
            self.look()?;
            let Ok(entry) = entry else {
                // The process has ended whose directory it was.
                break;
            };
            let name = entry.file_name();
            // No text has the name of a file that is not in UTF-8.
            if let (Some(name), Some(Part::Pattern(form))) = (name.to_str(), self.parts.get(part))
                && form.matches_with(name, options)
            {
                found.push(entry.path());
            }
        }
        found.sort_unstable();
        Some(found)
    }

    /// Counts an entry; none if there were too many.
    fn look(&mut self) -> Option<()> {
        self.looked_at = self.looked_at.saturating_add(1);
        (self.looked_at <= MOST_ENTRIES).then_some(())
    }
}

fn is_no_directory(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use super::*;
    use crate::source::tests::Tree;

    /// What a path below the tree means: without the tree, or why it means nothing.
    #[track_caller]
    fn check(tree: &Tree, path: &str, expected: Result<&str, &str>) {
        let root = tree.roots().root;
        let root = root.to_str().unwrap();
        let path = definition::Path(format!("{root}/{path}"));
        let below = |text: String| text.replace(&format!("{root}/"), "");
        let found = the_one(&path);
        let found = found.map(|path| below(path.display().to_string()));
        let found = found.map_err(|error| below(error.to_string()));
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, expected, "{path:?}");
    }

    #[test]
    fn one_file_is_meant() {
        let tree = Tree::new();
        for path in ["a/one/x", "a/two/y", "a/.three/z", "b/c1/d1/x", "b/c2/d2/y"] {
            tree.write(path, "");
        }
        check(&tree, "*/one/x", Ok("a/one/x"));
        check(&tree, "a/*/y", Ok("a/two/y"));
        check(&tree, "a//t*/*", Ok("a/two/y"));
        check(&tree, "b/*/*/y", Ok("b/c2/d2/y"));
        check(&tree, "b/c[2-3]*/d?/y", Ok("b/c2/d2/y"));
        check(
            &tree,
            "a/*/z",
            Err("a/*/z: No such file or directory (os error 2)"),
        );
        check(&tree, "a/.*/z", Ok("a/.three/z"));
        check(
            &tree,
            "a/one/x/*",
            Err("a/one/x/*: No such file or directory (os error 2)"),
        );
        check(
            &tree,
            "*/*/*",
            Err("*/*/*: several files have this form (a/one/x, a/two/y), and one is meant"),
        );
    }

    #[test]
    fn names_may_be_anything() {
        let tree = Tree::new();
        tree.write("a/one", "");
        let odd = tree.roots().root.join("a").join(OsStr::from_bytes(b"\xff"));
        fs::write(odd, "").unwrap();
        check(&tree, "a/*", Ok("a/one"));
    }

    #[test]
    fn the_second_match_ends_the_search() {
        let tree = Tree::new();
        // Behind the two is more than may be looked at.
        for directory in 0..2 {
            tree.write(&format!("a/{directory}/x"), "");
        }
        for number in 0..MOST_ENTRIES {
            tree.write(&format!("a/2/{number}"), "");
        }
        check(
            &tree,
            "a/*/*",
            Err("a/*/*: several files have this form (a/0/x, a/1/x), and one is meant"),
        );
        check(
            &tree,
            "a/*/*/*",
            Err(
                "a/*/*/*: it was looked for in more than 10000 entries of directories: fewer * are needed",
            ),
        );
    }

    #[test]
    fn no_depth_is_too_deep() {
        let path = definition::Path("/proc/self/root/*".to_owned() + &"/*".repeat(10_000));
        assert!(the_one(&path).is_err());
    }
}
