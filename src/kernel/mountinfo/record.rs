//! The lines of `/proc/PID/mountinfo`.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, path::PathBuf};

use crate::source::{Roots, parse};

/// A line of mountinfo, by proc_pid_mountinfo(5):
///
/// ```text
/// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
/// (1)(2)(3)   (4)   (5)      (6)      (7)   (8) (9)   (10)         (11)
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mount {
    /// (1) A number that no other mount has at this time.
    pub(crate) mount_id: u64,
    /// (2) The mount on which this one is mounted. It may be missing: the root of a namespace is on none, and mounts
    /// outside of the root directory of a process are left out.
    pub(crate) parent_id: u64,
    /// (3) The device number of the superblock; the major number is 0 for a file system that is on no block device, or
    /// on several. All mounts of one superblock have it, also those of the subvolumes of btrfs, for whose files stat(2)
    /// shows other numbers.
    pub(crate) device: (u64, u64),
    /// (4) The directory or file of the file system that is mounted: `/` for all of it.
    pub(crate) root: PathBuf,
    /// (5) The mount point, relative to the root directory of the process.
    pub(crate) mount_point: PathBuf,
    /// (9) The type, as `ext4` or `fuse.sshfs`.
    pub(crate) fs_type: String,
    /// (10) `/dev/sda1`, the name of a data set, or any other text.
    pub(crate) mount_source: String,
    /// (11) The options of the superblock.
    pub(crate) super_options: String,
}

impl Mount {
    /// Parses a line. The fields (6) and (11) may be missing.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b' ');
        let mut number = || parse::number(fields.next()?);
        let (mount_id, parent_id) = (number()?, number()?);
        let (major, minor) = parse::split(fields.next()?, b':')?;
        let path = |field| PathBuf::from(OsString::from_vec(unescape(field)));
        let text = |field| String::from_utf8_lossy(&unescape(field)).into_owned();
        let (root, mount_point) = (path(fields.next()?), path(fields.next()?));
        fields.find(|field| field == b"-")?;
        Some(Self {
            mount_id,
            parent_id,
            device: (parse::number(major)?, parse::number(minor)?),
            root,
            mount_point,
            fs_type: text(fields.next()?),
            // The source may be empty, so that two blanks stand between its neighbours.
            mount_source: text(fields.next()?),
            super_options: fields.next().map(text).unwrap_or_default(),
        })
    }

    /// The mount point, as this process sees it.
    pub(crate) fn path(&self, roots: &Roots) -> PathBuf {
        let point = &self.mount_point;
        roots.root.join(point.strip_prefix("/").unwrap_or(point))
    }

    /// The value of an option of the superblock.
    pub(crate) fn super_option(&self, name: &str) -> Option<&str> {
        let mut options = self.super_options.split(',');
        options.find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether the superblock is read-only.
    pub(crate) fn is_read_only(&self) -> bool {
        self.super_options.split(',').any(|option| option == "ro")
    }
}

/// The kernel writes a blank, a tab, a newline, a backslash and a hash as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [byte, tail @ ..] = rest {
        if let [
            b'\\',
            a @ b'0'..=b'3',
            b @ b'0'..=b'7',
            c @ b'0'..=b'7',
            tail @ ..,
        ] = rest
        {
            // The low bits of an ASCII digit are its value.
            bytes.push((a & 3) << 6 | (b & 7) << 3 | (c & 7));
            rest = tail;
        } else {
            bytes.push(*byte);
            rest = tail;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let line = br"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:2 - fuse.x /dev/a\134b\043 rw,max=1,x";
        let mount = Mount::parse(line).unwrap();
        let expected = Mount {
            mount_id: 36,
            parent_id: 35,
            device: (98, 0),
            root: "/mnt1".into(),
            mount_point: "/mnt 2".into(),
            fs_type: "fuse.x".into(),
            mount_source: "/dev/a\\b#".into(),
            super_options: "rw,max=1,x".into(),
        };
        assert_eq!(mount, expected);
        assert_eq!(mount.super_option("max"), Some("1"));
        assert_eq!(mount.super_option("x"), None);
        assert!(!mount.is_read_only());
        let empty = Mount::parse(b"1 2 0:5 / /x rw - tmpfs  ro,size=4k").unwrap();
        assert_eq!((&*empty.mount_source, empty.is_read_only()), ("", true));
        let short = Mount::parse(b"1 2 8:1 / /x - ext4 /dev/sda1").unwrap();
        assert_eq!(
            (&*short.mount_source, &*short.super_options),
            ("/dev/sda1", "")
        );
    }

    #[test]
    fn malformed_lines() {
        for bad in [
            "",
            "1 2 8:1 / /x",
            "1 2 8 / /x - ext4 /dev/sda rw",
            "1 2 8:1 / /x rw ext4",
            "1 x 8:1 / /x rw - ext4 /dev/sda",
            "1 2 8:1 / /x rw - ext4",
        ] {
            assert_eq!(Mount::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
