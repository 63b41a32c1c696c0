//! A file that the user has named, read whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use glob::{MatchOptions, Pattern};
use nix::errno::Errno;

use crate::{regular_file, source::Error};

use super::definition;

/// What a file says.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// When it was written last.
    pub(super) modified: Option<SystemTime>,
}

/// No sensor says more, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Who means one file does not mean as many directories on the way to it.
const MOST_FOUND: usize = 10_000;

/// Reads the file that a path means now.
///
/// It is opened each time: a program that writes a file often writes another, and gives it the name of
/// the first. So what is read is one of them, and whole.
pub(super) fn read(path: &definition::Path) -> Result<Text, Error> {
    let path = the_one(path)?;
    let failed = |cause| Error::io(&path, cause);
    let (file, about) = regular_file::open(&path).map_err(failed)?;
    let bytes = regular_file::rest(file, &about, LARGEST).map_err(failed)?;
    Ok(Text {
        bytes,
        modified: about.modified().ok(),
    })
}

/// The one file that a path with `*` in it means.
fn the_one(path: &definition::Path) -> Result<PathBuf, Error> {
    let definition::Path(pattern) = path;
    if !pattern.contains('*') {
        return Ok(pattern.into());
    }
    let asked = Path::new(pattern);
    let mut denied = None;
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = match part.contains(['*', '?', '[']) {
            true => {
                let part = Pattern::new(part)
                    .map_err(|error| Error::malformed(asked, error.to_string()))?;
                matches(&found, &part, &mut denied)
            }
            false => found.iter().map(|path| path.join(part)).collect(),
        };
        if found.len() > MOST_FOUND {
            let what = format!("more than {MOST_FOUND} files have this form, and one is meant");
            return Err(Error::malformed(asked, what));
        }
    }
    found.retain(|path| fs::symlink_metadata(path).is_ok());
    found.sort_unstable();
    match (&found[..], denied) {
        ([_], _) => Ok(found.remove(0)),
        ([], Some(error)) => Err(error),
        ([], None) => Err(Error::io(asked, Errno::ENOENT.into())),
        (several, _) => {
            // More of them say nothing more.
            let shown = several
                .iter()
                .take(4)
                .map(|path| path.display().to_string());
            let shown = shown.collect::<Vec<_>>().join(", ");
            let what = format!(
                "{} files have this form ({shown}), and one is meant",
                several.len()
            );
            Err(Error::malformed(asked, what))
        }
    }
}

/// What has this form in each of these directories; why one cannot be read.
fn matches(paths: &[PathBuf], part: &Pattern, denied: &mut Option<Error>) -> Vec<PathBuf> {
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let mut found = Vec::new();
    for path in paths {
        if found.len() > MOST_FOUND {
            break;
        }
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        match entries {
            Ok(entries) => found.extend(entries.iter().filter_map(|entry| {
                let name = entry.file_name();
                // No text has the name of a file that is not in UTF-8.
                let is_it = part.matches_with(name.to_str()?, options);
                is_it.then(|| entry.path())
            })),
            Err(cause) if is_no_directory(&cause) => {}
            Err(cause) => *denied = denied.take().or(Some(Error::io(path, cause))),
        }
    }
    found
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
            Err(
                "*/*/*: 4 files have this form (a/one/x, a/two/y, b/c1/d1, b/c2/d2), and one is meant",
            ),
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
    fn no_depth_is_too_deep() {
        let path = definition::Path("/proc/self/root/*".to_owned() + &"/*".repeat(10_000));
        assert!(the_one(&path).is_err());
    }
}
