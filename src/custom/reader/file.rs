//! Reads a whole file that a definition names.

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

/// The content of a file.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// The time of the last write.
    pub(super) modified: Option<SystemTime>,
}

/// The most bytes of a file: more than a sensor writes.
const LARGEST: u64 = 64 * 1024;

/// The most directory entries that a search for the file of a pattern reads.
const MOST_ENTRIES: usize = 10_000;

/// Reads the file that a path leads to now.
///
/// The file is opened each time, because programs often write a new file and rename it over the old one. So the
/// content is that of one file, and complete.
pub(super) fn read(path: &definition::Path) -> Result<Text, Error> {
    let path = resolve(path)?;
    let opened = regular_file::open(&path).map(|(file, _)| file);
    opened
        .and_then(text)
        .map_err(|cause| Error::io(&path, cause))
}

/// Reads a file of procfs or sysfs, and of no other file system.
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

/// The only file that matches a path with `*`.
fn resolve(path: &definition::Path) -> Result<PathBuf, Error> {
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
        entries_read: 0,
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

/// A search for files that match a pattern.
struct Search<'a> {
    parts: Vec<Part<'a>>,
    entries_read: usize,
    /// The first error of reading a directory.
    denied: Option<Error>,
}

impl Search<'_> {
    /// The first two files that match; two are enough to refuse the pattern. `None` beyond the limit of entries.
    fn find(&mut self) -> Option<(Option<PathBuf>, Option<PathBuf>)> {
        let mut first = None;
        // Paths, each with the number of parts done. No recursion, because a path may have many parts.
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
                    self.count()?;
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

    /// The entries of a directory that match a part, in the order of their names.
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
            self.count()?;
            let Ok(entry) = entry else {
                // A directory of procfs, whose process has ended.
                break;
            };
            let name = entry.file_name();
            // A pattern is UTF-8, so it cannot match another name.
            if let (Some(name), Some(Part::Pattern(form))) = (name.to_str(), self.parts.get(part))
                && form.matches_with(name, options)
            {
                found.push(entry.path());
            }
        }
        found.sort_unstable();
        Some(found)
    }

    /// Counts an entry; `None` beyond the limit.
    fn count(&mut self) -> Option<()> {
        self.entries_read = self.entries_read.saturating_add(1);
        (self.entries_read <= MOST_ENTRIES).then_some(())
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

    /// Resolves a path below the tree, and compares the file or the error, without the path of the tree.
    #[track_caller]
    fn check(tree: &Tree, path: &str, expected: Result<&str, &str>) {
        let root = tree.roots().root;
        let root = root.to_str().unwrap();
        let path = definition::Path(format!("{root}/{path}"));
        let below = |text: String| text.replace(&format!("{root}/"), "");
        let found = resolve(&path);
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
        // The directory after the two matches has more entries than the limit.
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
        assert!(resolve(&path).is_err());
    }
}
