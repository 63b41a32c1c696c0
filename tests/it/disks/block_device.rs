//! Block devices that a test makes. Dropping them removes them.

use std::{
    cell::Cell,
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use nix::libc;
use tempfile::TempDir;

/// A sparse file in memory of 128 MiB, for a loop device: its bytes go to no disk.
pub(super) struct Image(TempDir);

impl Image {
    pub(super) fn new() -> Self {
        let image = Self(tempfile::tempdir_in("/dev/shm").expect("directory"));
        let file = File::create(image.path()).expect("file");
        file.set_len(128 << 20).expect("size");
        image
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("image")
    }
}

/// A loop device.
pub(super) struct LoopDevice {
    /// The name of the kernel: `loop0`.
    pub(super) name: String,
    /// Whether a file of this test is attached. Otherwise, another program may use the device.
    is_attached: Cell<bool>,
}

impl LoopDevice {
    pub(super) const NEEDS: &str = "it makes loop devices, which needs root and losetup(8)";

    /// Attaches a file to a free loop device; `None` if this process may not.
    pub(super) fn of(image: &Image) -> Option<Self> {
        let mut losetup = Command::new("losetup");
        let output = losetup
            .args(["--find", "--show"])
            .arg(image.path())
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        let node = String::from_utf8(output.stdout).ok()?;
        let name = node.trim().strip_prefix("/dev/")?.to_owned();
        let is_attached = Cell::new(true);
        Some(Self { name, is_attached })
    }

    /// Attaches another file to the same device; `None` if another program has taken the device in between.
    pub(super) fn replace(&self, image: &Image) -> Option<()> {
        self.detach();
        let mut losetup = Command::new("losetup");
        let is_attached = run(losetup.arg(self.node()).arg(image.path()));
        self.is_attached.set(is_attached);
        is_attached.then_some(())
    }

    fn detach(&self) {
        if self.is_attached.replace(false) {
            run(Command::new("losetup").arg("--detach").arg(self.node()));
        }
    }

    /// Makes a partition of all but the first MiB, as the kernel does at the request of partx(8).
    pub(super) fn add_partition(&self) -> String {
        let mut command = Command::new("addpart");
        command.arg(self.node()).args(["1", "2048", "258048"]);
        assert!(run(&mut command), "addpart");
        format!("{}p1", self.name)
    }

    pub(super) fn node(&self) -> PathBuf {
        Path::new("/dev").join(&self.name)
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        if self.is_attached.get() {
            run(Command::new("delpart").arg(self.node()).arg("1"));
        }
        self.detach();
    }
}

/// A zram device.
pub(super) struct ZramDevice {
    pub(super) name: String,
}

impl ZramDevice {
    pub(super) const NEEDS: &str = "it makes zram devices, which needs root and zram";

    /// A device of 64 MiB; `None` if this process may not make one.
    pub(super) fn new() -> Option<Self> {
        let number = fs::read_to_string("/sys/class/zram-control/hot_add").ok()?;
        let device = Self {
            name: format!("zram{}", number.trim()),
        };
        let size = format!("/sys/block/{}/disksize", device.name);
        fs::write(size, "64M").expect("disksize");
        Some(device)
    }
}

impl Drop for ZramDevice {
    fn drop(&mut self) {
        let number = self.name.trim_start_matches("zram");
        fs::write(format!("/sys/block/{}/reset", self.name), "1").ok();
        fs::write("/sys/class/zram-control/hot_remove", number).ok();
    }
}

/// Runs a command quietly, and returns whether it succeeded.
fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The bytes of one request that [`write`] makes. A page is not divided.
pub(super) const PAGE: usize = 4096;

/// Writes so many MiB of random bytes from the start of a device or a file to the device, a page at a time and past the
/// page cache. It does not end with fsync(2), whose flush is one more request.
pub(super) fn write(path: &Path, mebibytes: u64) {
    let mut state = 1_u64;
    let mut random = || {
        // A linear congruential generator is random enough for a compressor.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        (state >> 56) as u8
    };
    let buffer: Vec<_> = (0..2 * PAGE).map(|_| random()).collect();
    // O_DIRECT takes aligned memory only.
    let start = buffer.as_ptr().align_offset(PAGE);
    let page = &buffer[start..][..PAGE];
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(false);
    let options = options.custom_flags(libc::O_DIRECT);
    let file = options.open(path).expect("device");
    for offset in (0..mebibytes << 20).step_by(PAGE) {
        file.write_all_at(page, offset).expect("write");
    }
}

/// The bytes that were written to a device: the field 7 of its `stat`.
pub(super) fn written(name: &str) -> u64 {
    let stat = format!("/sys/class/block/{name}/stat");
    let stat = fs::read_to_string(stat).expect("stat");
    let sectors = stat.split_whitespace().nth(6).expect("field");
    sectors.parse::<u64>().expect("a number") * 512
}
