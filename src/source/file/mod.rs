//! A file of the kernel that stays open and is read whole, again and again.

mod open;

use std::{
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use nix::libc;

use self::open::Open;
use crate::{
    regular_file::{self, LARGEST_TABLE},
    source::Error,
};

/// A file with its buffer. It stays open between readings unless too many files are open.
pub(crate) struct File {
    path: PathBuf,
    parts: Parts,
    /// The limit for its bytes.
    limit: u64,
    open: Option<Open>,
    buffer: Vec<u8>,
}

/// The way in which the kernel makes the file, and so the meaning of a short read.
///
/// A file that the kernel makes in one go (`single_open`, sysfs, sysctl) arrives in one go: a short read is the end,
/// and saves the read that would return 0 (strace shows one pread64 of `/proc/stat`). Of a file made of records, a
/// read returns as many records as fit into the kernel's buffer of one page: reads of 65536 bytes of
/// `/proc/self/maps` return 3930, 4003, ... bytes. There a short read may end after any record, and only a read of 0
/// bytes is the end (`seq_read_iter` in fs/seq_file.c).
#[derive(Clone, Copy, PartialEq)]
enum Parts {
    One,
    /// Records of any length.
    Many,
    /// Records of less than [`LINE`] bytes. The kernel puts records into its page until one does not fit. If the first
    /// read leaves room for another record, there is none. That saves the second read, in which the kernel would walk
    /// over all its devices again.
    Lines,
}

/// An attribute has at most a page. The largest page of any architecture has 64 KiB.
const LARGEST_ATTRIBUTE: u64 = 64 << 10;

/// Every line of `diskstats` (20 numbers and a name of 32 bytes) and `net/dev` is shorter.
const LINE: usize = 512;

/// The smallest page of any architecture.
const PAGE: usize = 4096;

/// The size of a new buffer. It suffices for every file of one value, so that a hundred of them stay small. And for a
/// sysctl the kernel first allocates as much as the read asks for (64 kB: 5 µs).
const SMALLEST: usize = 256;

impl File {
    /// A file that the kernel makes in one go, or a file of a disk.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self::of(path.into(), Parts::One)
    }

    /// A file that the kernel makes line by line, with short lines: `diskstats`, `net/dev`.
    pub(crate) fn of_lines(path: impl Into<PathBuf>) -> Self {
        Self::of(path.into(), Parts::Lines)
    }

    /// A file that the kernel makes record by record: `cpuinfo`.
    pub(crate) fn of_records(path: impl Into<PathBuf>) -> Self {
        Self::of(path.into(), Parts::Many)
    }

    /// An attribute of sysfs, or another file of one value.
    pub(crate) fn attribute(path: impl Into<PathBuf>) -> Self {
        Self {
            limit: LARGEST_ATTRIBUTE,
            ..Self::new(path)
        }
    }

    fn of(path: PathBuf, parts: Parts) -> Self {
        Self {
            path,
            parts,
            limit: LARGEST_TABLE,
            open: None,
            buffer: Vec::new(),
        }
    }

    /// Its path, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole text.
    pub(crate) fn read(&mut self) -> Result<&[u8], Error> {
        self.read_if(|| true)
    }

    /// Reads the whole text. If the file has to be opened, it is gone unless `is_it` says afterwards that its path
    /// leads to the file that is meant.
    pub(crate) fn read_if(&mut self, is_it: impl Fn() -> bool) -> Result<&[u8], Error> {
        let kept = self.open.is_some();
        let mut outcome = self.fill(&is_it);
        // The file went and perhaps came back, with a new file at the old path.
        if kept && outcome.as_ref().is_err_and(is_gone) {
            self.open = None;
            outcome = self.fill(&is_it);
        }
        if Open::is_over_limit() {
            self.open = None;
        }
        match outcome {
            Ok(length) => Ok(&self.buffer[..length]),
            Err(cause) => {
                if is_gone(&cause) {
                    self.open = None;
                }
                Err(Error::io(&self.path, cause))
            }
        }
    }

    /// Opens the file at the next reading: there may be another one at its path.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    /// Reads the whole text; `None` if the file does not exist, as where the kernel lacks what it tells of.
    pub(crate) fn read_if_present(&mut self) -> Result<Option<&[u8]>, Error> {
        match self.read() {
            Err(Error::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Reads from the start to the end into the buffer. Returns the number of bytes.
    fn fill(&mut self, is_it: impl Fn() -> bool) -> io::Result<usize> {
        let file = match &mut self.open {
            Some(open) => &open.0,
            closed => {
                let open = Open::new(&self.path, self.limit)?;
                if !is_it() {
                    return Err(io::Error::from_raw_os_error(libc::ENODEV));
                }
                &closed.insert(open).0
            }
        };
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer
                    .resize(length.saturating_mul(4).max(SMALLEST), 0);
            }
            match file.read_at(&mut self.buffer[length..], length as u64) {
                Ok(0) => return Ok(length),
                Ok(count) => length = length.saturating_add(count),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(cause),
            }
            if length as u64 > self.limit {
                self.buffer = Vec::new();
                return Err(regular_file::too_large(self.limit));
            }
            let ends = match self.parts {
                Parts::One => true,
                Parts::Many => false,
                Parts::Lines => length <= PAGE - LINE,
            };
            if ends && length < self.buffer.len() {
                return Ok(length);
            }
        }
    }
}

/// Whether the device of the open file has gone, so that its path may lead to another file.
fn is_gone(cause: &io::Error) -> bool {
    matches!(
        cause.raw_os_error(),
        Some(libc::ENODEV | libc::ENXIO | libc::ENOENT | libc::ESTALE)
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::tests::Tree;

    #[test]
    fn a_shorter_text_leaves_no_tail_of_the_last_one() {
        let tree = Tree::new();
        let mut file = File::new(tree.write("a", &"x".repeat(5000)));
        assert_eq!(file.read().unwrap().len(), 5000);
        tree.write("a", "short");
        assert_eq!(file.read().unwrap(), b"short");
        tree.write("a", "");
        assert_eq!(file.read().unwrap(), b"");
    }

    #[test]
    fn files_of_any_size_are_read_whole() {
        let tree = Tree::new();
        for size in [0, 1, 255, 256, 257, 1023, 1024, 1025, 4096, 70_000] {
            let text: String = (0..size)
                .map(|at| char::from(b'a' + (at % 26) as u8))
                .collect();
            let path = tree.write("a", &text);
            assert_eq!(File::new(&path).read().unwrap(), text.as_bytes());
            assert_eq!(File::of_records(&path).read().unwrap(), text.as_bytes());
            assert_eq!(File::of_lines(&path).read().unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn a_file_is_opened_once_at_the_first_reading() {
        let tree = Tree::new();
        let path = tree.write("a", "old");
        let mut file = File::new(&path);
        assert_eq!(tree.descriptors(), 0);
        for _ in 0..3 {
            file.read().unwrap();
            assert_eq!(tree.descriptors(), 1);
        }
        fs::remove_file(&path).unwrap();
        tree.write("a", "new");
        assert_eq!(file.read().unwrap(), b"old");
    }

    #[test]
    fn errors_name_the_path() {
        let path = Tree::new().write("a", "");
        let error = File::new(&path).read().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("{}: ", path.display()))
        );
        assert_eq!(error.fault(), crate::reading::Fault::Gone);
    }

    #[test]
    fn records_and_single_files_of_the_kernel_are_read_whole() {
        let cpuinfo = File::of_records("/proc/cpuinfo").read().unwrap().to_vec();
        assert_eq!(
            cpuinfo.split(|&byte| byte == b'\n').count(),
            fs::read("/proc/cpuinfo")
                .unwrap()
                .split(|&byte| byte == b'\n')
                .count()
        );
        assert!(File::new("/proc/stat").read().unwrap().ends_with(b"\n"));
    }

    #[test]
    fn a_file_that_grows_beyond_the_limit_is_an_error() {
        for mut file in [
            File::new as fn(PathBuf) -> File,
            File::of_lines,
            File::of_records,
            File::attribute,
        ]
        .map(|make| {
            let tree = Tree::new();
            let path = tree.write("file", "1\n");
            let mut file = make(path.clone());
            assert_eq!(file.read().unwrap(), b"1\n");
            std::fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(1 << 30)
                .unwrap();
            file
        }) {
            let error = file.read().unwrap_err();
            assert!(error.to_string().contains("it is larger than "), "{error}");
        }
    }
}
