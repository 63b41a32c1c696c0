//! A mount namespace of a test, in which it mounts real file systems.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    cli::frame,
    support::{
        bus::Bus,
        home::SAMPLED,
        process::{Process, Run},
    },
};

/// A mount namespace, and a directory for mount points. The mounts and their loop devices go with it.
pub(crate) struct Namespace {
    /// Keeps the namespace.
    holder: Child,
    bus: Bus,
}

impl Namespace {
    pub(crate) const NEEDS: &str =
        "it mounts file systems, which needs root, unshare(1), nsenter(1), ext4 and loop devices";

    /// A namespace; none if this process may not make one, or may not mount an image in it.
    pub(crate) fn new() -> Option<Self> {
        let bus = Bus::new();
        let mut holder = bus.command("unshare");
        holder
            .args(["--mount", "--propagation", "private"])
            .args(["sh", "-c", "echo made; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut holder = holder.spawn().ok()?;
        let mut made = String::new();
        let mut stdout = BufReader::new(holder.stdout.take()?);
        stdout.read_line(&mut made).ok()?;
        let namespace = Self { holder, bus };
        // Ids are mount points, whatever links to UUIDs this machine has.
        let can_mount = "[ ! -d /dev/disk ] || mount -t tmpfs none /dev/disk
            truncate -s 16M probe && mkfs.ext4 -q probe && mkdir -p probed && mount -o loop probe probed && umount probed";
        let run = (made == "made\n").then(|| namespace.try_run(can_mount))?;
        (run.code == Some(0)).then_some(namespace)
    }

    /// The directory for mount points.
    pub(crate) fn dir(&self) -> &Path {
        self.bus.dir()
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    /// A program in the namespace.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.bus.command("nsenter");
        let namespace = format!("--mount=/proc/{}/ns/mnt", self.holder.id());
        command.args([&namespace, "--", program]);
        command
    }

    /// Runs a script of the shell in the directory.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> String {
        self.try_run(script).ok()
    }

    fn try_run(&self, script: &str) -> Run {
        let script = format!("cd {}; {script}", self.dir().display());
        let mut command = self.command("sh");
        command.args(["-ec", &script]).stdin(Stdio::null());
        Run::of(&mut command)
    }

    /// Whether programs are installed.
    pub(crate) fn has(&self, programs: &[&str]) -> bool {
        let mut programs = programs.iter();
        programs.all(|program| self.try_run(&format!("command -v {program}")).code == Some(0))
    }

    /// Mounts a new file system of this type and size in a file, at a directory.
    #[track_caller]
    pub(crate) fn mount(&self, fs_type: &str, size: &str, point: &str) {
        self.run(&format!(
            "mkdir -p {point}; truncate -s {size} {point}.img; mkfs.{fs_type} -q {point}.img; mount -o loop {point}.img {point}"
        ));
    }

    /// One reading of disks, without a bus.
    #[track_caller]
    pub(crate) fn sample(&self) -> Sampled {
        Sampled::of(&mut self.command(SAMPLED))
    }

    /// The id of a metric of the file system at a directory.
    pub(crate) fn id(&self, point: &str, property: &str) -> String {
        let point = self.dir().join(point);
        let point = point.to_str().expect("UTF-8").replace('/', "%2F");
        format!("disk/{point}/{property}")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(holder) = Process::open(self.holder.id()) {
            self.holder.kill().ok();
            holder.wait();
        }
        self.holder.wait().ok();
    }
}

/// One reading.
#[derive(Debug)]
pub(crate) struct Sampled {
    pub(crate) readings: BTreeMap<String, Value>,
    pub(crate) faults: BTreeMap<String, Value>,
}

impl Sampled {
    /// One reading of disks by this command, whose program is `sampled`.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        let arguments = ["sample", "disk", "--json", "--window", "10ms"];
        let command = command
            .args(arguments)
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        let (_, readings, faults) = frame(&Run::of(command).ok());
        Self { readings, faults }
    }

    /// A number.
    #[track_caller]
    pub(crate) fn number(&self, id: &str) -> u64 {
        let number = self.readings.get(id).and_then(Value::as_f64);
        number.unwrap_or_else(|| panic!("{id}: {self:#?}")) as u64
    }

    /// The sizes of all file systems.
    pub(crate) fn sizes(&self) -> BTreeMap<&str, &Value> {
        let all = self.readings.iter().chain(&self.faults);
        let all = all.map(|(id, value)| (id.as_str(), value));
        all.filter(|(id, _)| id.ends_with("/total")).collect()
    }

    /// Whether there is such a metric.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.readings.contains_key(id) || self.faults.contains_key(id)
    }
}
