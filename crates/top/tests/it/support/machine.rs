//! A machine that nobody has here: trees of /proc and /sys.

use std::{fmt::Write, fs, path::Path};

use tempfile::TempDir;

/// The roots of a service.
pub(crate) struct Machine(TempDir);

impl Machine {
    /// A machine with processors and processes, and with nothing else.
    pub(crate) fn new(processors: usize, processes: usize) -> Self {
        let directory = tempfile::Builder::new().prefix("sampled-top-").tempdir();
        let machine = Self(directory.expect("temporary directory"));
        let times = "24870 130 8200 310000 900 0 240 0 12 0";
        let mut stat = format!("cpu  {times}\n");
        for number in 0..processors {
            writeln!(stat, "cpu{number} {times}").expect("text");
        }
        machine.write("proc/stat", &stat);
        let online = format!("0-{}\n", processors - 1);
        machine.write("sys/devices/system/cpu/online", &online);
        machine.write("proc/uptime", "5000.00 4000.00\n");
        machine.write("proc/loadavg", "0.50 0.40 0.30 1/900 99999\n");
        let memory = "MemTotal: 16000000 kB\nMemFree: 8000000 kB\nMemAvailable: 9000000 kB\n";
        machine.write("proc/meminfo", memory);
        for pid in 1..=processes {
            let name = match pid % 3 {
                0 => format!("工作{pid}"),
                1 => format!("worker{pid}"),
                _ => format!("עובד{pid}"),
            };
            let parent = pid / 10;
            let stat = format!(
                "{pid} ({name}) S {parent} 7 7 0 -1 4194304 1 2 3 4 {pid} 0 7 8 20 0 3 0 {pid} 99 {pid} 0 0\n"
            );
            machine.write(&format!("proc/{pid}/stat"), &stat);
            machine.write(
                &format!("proc/{pid}/cmdline"),
                &format!("/bin/{name}\0-v\0"),
            );
        }
        machine
    }

    /// Adds disks.
    pub(crate) fn with_disks(self, disks: usize) -> Self {
        let mut stat = String::new();
        for number in 0..disks {
            let name = format!("nvme{number}n1");
            writeln!(
                stat,
                " 259 {number} {name} 9 0 72 9 9 0 72 9 0 9 18 0 0 0 0 0 0"
            )
            .expect("text");
            self.write(&format!("sys/block/{name}/size"), "1000215216\n");
            let model = format!("固态硬盘 {number}\n");
            self.write(&format!("sys/block/{name}/device/model"), &model);
        }
        self.write("proc/diskstats", &stat);
        self
    }

    /// The options of the service.
    pub(super) fn roots(&self) -> String {
        let root = self.0.path().display();
        format!("--rootfs {root} --procfs {root}/proc --sysfs {root}/sys")
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.0.path().join(path), text);
    }
}

/// Writes a file, and the directories that it is in.
pub(crate) fn write(path: &Path, text: &str) {
    let directory = path.parent().expect("a directory");
    fs::create_dir_all(directory).expect("directories");
    fs::write(path, text).expect("file");
}
