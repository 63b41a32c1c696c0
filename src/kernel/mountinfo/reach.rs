//! Which mounts a path leads to.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use super::Mount;

/// The mounts of a namespace, and where they are mounted.
///
/// The kernel looks a mount up by the mount and the directory below it (`lookup_mnt` in fs/namespace.c), so that the
/// fields (2) and (5) of mountinfo show which mount covers which.
pub(super) struct Namespace<'a> {
    mounts: &'a [Mount],
    /// The mounts by their ids.
    by_id: HashMap<u64, usize>,
    /// The last mount of those on the same directory of the same mount.
    on_top: HashMap<(u64, &'a Path), usize>,
    /// Of each mount whether the path to its directory is free, as far as that is known.
    is_free: Vec<Option<bool>>,
    /// The mount points below which a path may hang, or mount something.
    uncertain: HashSet<&'a Path>,
    /// Whether the list may be of another machine, and written by hand: then a mount is in nobody's way that comes earlier
    /// in the list.
    is_foreign: bool,
}

impl<'a> Namespace<'a> {
    pub(super) fn new(mounts: &'a [Mount], is_foreign: bool) -> Self {
        let numbered = || mounts.iter().enumerate();
        let by_id = numbered().map(|(number, mount)| (mount.mount_id, number));
        let on_top = numbered().map(|(number, mount)| {
            let place = (mount.parent_id, mount.mount_point.as_path());
            (place, number)
        });
        let is_uncertain = |mount: &&Mount| mount.may_hang() || mount.fs_type == "autofs";
        // Without its root directory, a process reads nothing.
        let is_root = |mount: &Mount| mount.mount_point == Path::new("/");
        let uncertain = mounts.iter().filter(is_uncertain);
        let uncertain = uncertain.filter(|mount| !is_root(mount));
        Self {
            by_id: by_id.collect(),
            on_top: on_top.collect(),
            is_free: vec![None; mounts.len()],
            uncertain: uncertain.map(|mount| &*mount.mount_point).collect(),
            is_foreign,
            mounts,
        }
    }

    /// Whether the lookup of a mount point asks no server and no program, and mounts nothing. The kernel has all directories
    /// above the mount point of another file system in memory.
    pub(super) fn is_certain(&self, mount: &Mount) -> bool {
        let mut above = mount.mount_point.ancestors().skip(1);
        !above.any(|above| self.uncertain.contains(above))
    }

    /// Whether the path of a mount point leads to this mount: no other mount is on it, nor on a directory above it.
    pub(super) fn is_reachable(&mut self, number: usize) -> bool {
        let Some(mount) = self.mounts.get(number) else {
            return false;
        };
        let over = self.on_top.get(&(mount.mount_id, &*mount.mount_point));
        over.is_none_or(|&over| over == number) && self.has_free_path(number)
    }

    /// Whether no mount covers a directory above the mount point.
    fn has_free_path(&mut self, number: usize) -> bool {
        let (mut number, mut chain) = (number, Vec::new());
        let is_free = loop {
            if let Some(known) = self.is_free[number] {
                break known;
            }
            // A cycle of parents, which the kernel does not make, ends here.
            self.is_free[number] = Some(true);
            chain.push(number);
            let mount = &self.mounts[number];
            // The first mount of the kernel is its own parent; the mounts on it do not cover its own path.
            let is_first = mount.parent_id == mount.mount_id;
            let mut above = mount.mount_point.ancestors();
            let covered = !is_first
                && above.any(|directory| {
                    let Some(&other) = self.on_top.get(&(mount.parent_id, directory)) else {
                        return false;
                    };
                    // A kernel keeps the mounts in the order in which they were made, not in that of their moves. Had this
                    // one been made below the other, that would be its parent.
                    let is_above = !self.is_foreign && *directory != *mount.mount_point;
                    other > number || is_above
                });
            // The path of a directory that was removed leads nowhere.
            if covered || is_removed(&mount.mount_point) {
                break false;
            }
            match self.by_id.get(&mount.parent_id) {
                Some(&parent) if !is_first => number = parent,
                _ => break true,
            }
        };
        for number in chain {
            self.is_free[number] = Some(is_free);
        }
        is_free
    }

    /// The mount that is visible at a path.
    pub(super) fn at(&mut self, path: &Path) -> Option<&'a Mount> {
        let mut best: Option<(usize, usize)> = None;
        for number in 0..self.mounts.len() {
            let point = &self.mounts[number].mount_point;
            let depth = point.components().count();
            if path.starts_with(point)
                && best.is_none_or(|(_, most)| depth >= most)
                && self.is_reachable(number)
            {
                best = Some((number, depth));
            }
        }
        best.map(|(number, _)| &self.mounts[number])
    }
}

/// Whether the directory of a mount point was removed: the kernel appends `//deleted` to its path (`prepend_path` in
/// fs/d_path.c), and no other path has two slashes.
fn is_removed(point: &Path) -> bool {
    point.as_os_str().as_encoded_bytes().ends_with(b"//deleted")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the ids of the mounts that can be reached.
    #[track_caller]
    fn check(lines: &[(u64, u64, &str)], expected: &[u64]) {
        check_in(true, lines, expected);
    }

    #[track_caller]
    fn check_in(is_foreign: bool, lines: &[(u64, u64, &str)], expected: &[u64]) {
        let mounts = lines.iter().map(|&(mount_id, parent_id, point)| Mount {
            mount_id,
            parent_id,
            mount_point: point.into(),
            ..Mount::default()
        });
        let mounts: Vec<_> = mounts.collect();
        let mut namespace = Namespace::new(&mounts, is_foreign);
        let reachable = (0..mounts.len()).filter(|&number| namespace.is_reachable(number));
        let ids: Vec<_> = reachable.map(|number| mounts[number].mount_id).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn mounts_below_others() {
        check(&[(1, 0, "/"), (2, 1, "/a"), (3, 2, "/a/b")], &[1, 2, 3]);
        // Two on one point.
        check(&[(1, 0, "/"), (2, 1, "/a"), (3, 2, "/a")], &[1, 3]);
        check(&[(1, 0, "/"), (2, 1, "/a"), (3, 1, "/a")], &[1, 3]);
        check(
            &[(1, 0, "/"), (2, 1, "/a"), (3, 2, "/a"), (4, 3, "/a")],
            &[1, 4],
        );
        // Mounted beneath another one (MOVE_MOUNT_BENEATH): the parent tells, not the order.
        check(&[(1, 0, "/"), (2, 3, "/a"), (3, 1, "/a")], &[1, 2]);
        // Over the directory above.
        check(&[(1, 0, "/"), (2, 1, "/a/b"), (3, 1, "/a")], &[1, 3]);
        check(
            &[(1, 0, "/"), (2, 1, "/a/b"), (3, 2, "/a/b/c"), (4, 1, "/a")],
            &[1, 4],
        );
        check(
            &[(1, 0, "/"), (2, 1, "/a"), (3, 2, "/a/b"), (4, 2, "/a")],
            &[1, 4],
        );
        check(&[(1, 0, "/"), (2, 1, "/ab"), (3, 1, "/a")], &[1, 2, 3]);
        // The root of a machine is on that of the kernel, and may be its own parent.
        check(&[(1, 1, "/"), (2, 1, "/"), (3, 2, "/a")], &[2, 3]);
        check(&[(1, 1, "/"), (2, 1, "/a"), (3, 1, "/a/b")], &[1, 2, 3]);
        check(&[(1, 0, "/"), (2, 1, "/a//deleted"), (3, 2, "/a/b")], &[1]);
        // The kernel makes no cycle.
        check(&[(1, 2, "/a"), (2, 1, "/b")], &[1, 2]);
        check(&[], &[]);
    }

    #[test]
    fn a_mount_that_was_moved_over_a_directory_hides_what_is_below() {
        let moved = [(1, 0, "/"), (2, 1, "/a"), (3, 1, "/a/b"), (4, 3, "/a/b/c")];
        check_in(false, &moved, &[1, 2]);
        check_in(true, &moved, &[1, 2, 3, 4]);
        let below = [(1, 0, "/"), (2, 1, "/a"), (3, 2, "/a/b"), (4, 2, "/ab")];
        check_in(false, &below, &[1, 2, 3, 4]);
    }

    #[test]
    fn the_mount_of_a_path() {
        let mount = |mount_id, parent_id, point: &str| Mount {
            mount_id,
            parent_id,
            mount_point: point.into(),
            ..Mount::default()
        };
        let mounts = [
            mount(1, 0, "/"),
            mount(2, 1, "/a"),
            mount(3, 1, "/b/c"),
            mount(4, 2, "/a"),
            mount(5, 1, "/b"),
        ];
        let mut namespace = Namespace::new(&mounts, false);
        let mut at = |path: &str| namespace.at(Path::new(path)).unwrap().mount_id;
        let ids = ["/", "/x", "/a/x", "/ab", "/b/c/d"].map(&mut at);
        assert_eq!(ids, [1, 1, 4, 1, 5]);
    }
}
