//! Block devices in sysfs.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use crate::{
    regular_file,
    source::{Roots, parse},
};

/// The directory of a whole device in sysfs, where a slash in the name is an exclamation mark.
pub(in crate::kernel) fn directory(roots: &Roots, name: &str) -> PathBuf {
    roots.sys.join("block").join(name.replace('/', "!"))
}

/// The directory of a partition in sysfs.
pub(super) fn partition_directory(roots: &Roots, whole: &str, name: &str) -> PathBuf {
    directory(roots, whole).join(name.replace('/', "!"))
}

/// The whole device and the number of a partition; none for a whole device. The name of a partition is that of its
/// device with the number, and a `p` in between if the device's name ends with a digit (`disk_name` in block/genhd.c).
/// Where sysfs has neither, the names in the list decide.
pub(in crate::kernel) fn partition<'a>(
    roots: &Roots,
    name: &'a str,
    listed: &HashSet<String>,
) -> Option<(&'a str, u64)> {
    let base = name.trim_end_matches(|end: char| end.is_ascii_digit());
    let ends_with_digit = |name: &str| name.ends_with(|end: char| end.is_ascii_digit());
    let number = name.get(base.len()..)?.parse().ok()?;
    if directory(roots, name).is_dir() {
        return None;
    }
    let numbered = base.strip_suffix('p').filter(|base| ends_with_digit(base));
    let wholes = numbered.into_iter().chain([base]);
    let mut wholes = wholes.filter(|whole| !whole.is_empty());
    let in_sysfs = |whole: &&str| partition_directory(roots, whole, name).is_dir();
    let whole = wholes.clone().find(in_sysfs);
    let whole = whole.or_else(|| wholes.find(|whole| listed.contains(*whole)));
    Some((whole?, number))
}

/// The text of a small file. Each run of blanks becomes one underscore: the model in a SCSI name is padded with
/// blanks.
pub(super) fn attribute_text(path: &Path) -> Option<String> {
    let bytes = regular_file::table(path).ok()?;
    let text = parse::text(&bytes);
    let words: Vec<_> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join("_"))
}
