//! `$XDG_RUNTIME_DIR/sampled`: the files that a service leaves for its successor.
//!
//! The bus thread reads and writes them itself: the XDG specification demands a local file system for the directory.

use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::PathBuf,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags},
    io::Errno,
    process::geteuid,
};

/// The directory, open.
pub(crate) struct RuntimeDirectory(OwnedFd);

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY)
    // A FIFO in place of the file must not block the service.
    .union(OFlags::NONBLOCK);

impl RuntimeDirectory {
    /// Opens the directory, and makes it if it does not exist.
    ///
    /// # Errors
    /// When XDG_RUNTIME_DIR is not set to an absolute path, the directory cannot be made, or others may write to it.
    pub(crate) fn open() -> io::Result<Self> {
        let parent = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let parent = parent.filter(|path| path.is_absolute());
        let parent = parent.ok_or_else(|| io::Error::other("XDG_RUNTIME_DIR is not set"))?;
        let parent = rustix::fs::open(parent, DIRECTORY | OFlags::PATH, Mode::empty())?;
        Self::open_in(&parent)
    }

    fn open_in(parent: &OwnedFd) -> io::Result<Self> {
        const NAME: &str = "sampled";
        match rustix::fs::mkdirat(parent, NAME, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = DIRECTORY | OFlags::NOFOLLOW;
        let directory = rustix::fs::openat(parent, NAME, flags, Mode::empty())?;
        let metadata = rustix::fs::fstat(&directory)?;
        let is_open = Mode::from_raw_mode(metadata.st_mode).intersects(Mode::WGRP | Mode::WOTH);
        if metadata.st_uid != geteuid().as_raw() || is_open {
            let message = "the directory sampled in XDG_RUNTIME_DIR belongs to others";
            return Err(io::Error::other(message));
        }
        Ok(Self(directory))
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// `NotFound`; when it cannot be read, is no regular file of this user, or is longer.
    pub(crate) fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let file = rustix::fs::openat(&self.0, name, FILE | OFlags::RDONLY, Mode::empty())?;
        let metadata = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(metadata.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("not a regular file"));
        }
        if metadata.st_uid != geteuid().as_raw() {
            return Err(io::Error::other("the file belongs to another user"));
        }
        if u64::try_from(metadata.st_size).is_ok_and(|size| size > limit) {
            return Err(io::Error::other(format!("longer than {limit} bytes")));
        }
        let mut content = Vec::new();
        let mut file = File::from(file).take(limit.saturating_add(1));
        file.read_to_end(&mut content)?;
        match content.len() as u64 <= limit {
            true => Ok(content),
            false => Err(io::Error::other(format!("longer than {limit} bytes"))),
        }
    }

    /// Replaces a file: a reader finds the old content or the new, never a part.
    ///
    /// # Errors
    /// When the file system refuses it; the old content stays.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let new = format!(".{name}.{}", std::process::id());
        let flags = FILE | OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let file = rustix::fs::openat(&self.0, &new, flags, Mode::RUSR | Mode::WUSR)?;
        let written = File::from(file).write_all(content);
        let replaced = written.and_then(|()| {
            rustix::fs::renameat(&self.0, &new, &self.0, name).map_err(io::Error::from)
        });
        if replaced.is_err() {
            // It fails only if the file has gone already.
            rustix::fs::unlinkat(&self.0, &new, AtFlags::empty()).ok();
        }
        replaced
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    fn open_in(parent: &Path) -> io::Result<RuntimeDirectory> {
        let parent = rustix::fs::open(parent, DIRECTORY | OFlags::PATH, Mode::empty())?;
        RuntimeDirectory::open_in(&parent)
    }

    #[test]
    fn files_are_replaced_and_read_within_a_limit() {
        let parent = tempfile::tempdir().unwrap();
        let directory = open_in(parent.path()).unwrap();
        let path = parent.path().join("sampled");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        let missing = directory.read("x", 10).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        directory.replace("x", b"12345").unwrap();
        directory.replace("x", b"1234567890").unwrap();
        assert_eq!(directory.read("x", 10).unwrap(), b"1234567890");
        assert_eq!(mode(&path.join("x")), 0o600);
        let long = directory.read("x", 9).unwrap_err().to_string();
        assert!(long.contains("longer than 9 bytes"), "{long}");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn only_regular_files_are_read() {
        let parent = tempfile::tempdir().unwrap();
        let directory = open_in(parent.path()).unwrap();
        let path = parent.path().join("sampled");
        nix::unistd::mkfifo(&path.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path.join("link")).unwrap();
        fs::create_dir(path.join("directory")).unwrap();
        for name in ["fifo", "link", "directory"] {
            directory.read(name, 10).unwrap_err();
        }
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("sampled");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        open_in(parent.path()).err().unwrap();
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/tmp", &path).unwrap();
        open_in(parent.path()).err().unwrap();
    }
}
