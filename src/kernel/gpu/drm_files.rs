//! The open files of a GPU, in the processes that the service may look into.

use std::{
    collections::{HashMap, VecDeque},
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::Uid;

use super::unreadable::{has_ended, may_use_gpu};
use crate::source::{Roots, parse, runtime_pm::drives_display};

/// The files to find: the nodes of a GPU, and the displays that programs draw with it.
#[derive(Clone, Debug, Default)]
pub(super) struct DrmNodes {
    /// The names of the nodes in `/dev/dri`: `card0`, `renderD128`.
    pub(super) names: Vec<String>,
    pub(super) displays: Vec<Display>,
}

/// A device that may drive displays: the GPU itself, or the display controller of the same chip.
#[derive(Clone, Debug)]
pub(super) struct Display {
    /// The name of its primary node: `card0`.
    pub(super) card: String,
    /// Its directory in `/sys/devices`.
    pub(super) device: PathBuf,
}

/// The open files of one GPU.
pub(super) struct DrmFiles {
    proc: PathBuf,
    /// The ends of the targets of the links in `/proc/PID/fd`: `/dri/renderD128`.
    nodes: Vec<Vec<u8>>,
    displays: Vec<DisplayHolder>,
    /// The user of the service.
    pub(super) user: u32,
    /// The groups that alone may open the nodes.
    groups: Vec<u32>,
    /// The processes that the current scan has not visited, and the time at which the scan began.
    unscanned: VecDeque<PathBuf>,
    scan_began: Option<Duration>,
    pub(super) open: Vec<OpenFile>,
    /// The processes whose open files are denied.
    unreadable: HashMap<PathBuf, Unreadable>,
    is_partial: bool,
}

/// A display, and whether a process that can be read has its card open, in this scan and in the last one.
struct DisplayHolder {
    display: Display,
    card: Vec<u8>,
    is_held: bool,
    was_held: bool,
}

/// An open file of the GPU.
pub(super) struct OpenFile {
    pub(super) fdinfo: PathBuf,
    link: PathBuf,
    /// Several files may belong to one client, and all show the same numbers.
    pub(super) client: Option<u64>,
    /// The driver has no statistics of clients.
    pub(super) is_silent: bool,
}

/// A process whose open files are denied.
struct Unreadable {
    may_use_gpu: bool,
    judged: Duration,
    /// The beginning of the last scan that found it.
    seen: Option<Duration>,
}

/// A scan over all processes finds those that have opened the GPU since. Scans are rare and done in batches, because a
/// scan reads a link for each file that any process has open.
const SCAN_INTERVAL: Duration = Duration::from_secs(5);
const SCAN_BATCH: usize = 64;

/// The status of a process whose files are denied is read so often. It may have executed another program since.
const JUDGED_FOR: Duration = Duration::from_secs(60);

impl DrmFiles {
    pub(super) fn new(roots: &Roots, nodes: &DrmNodes) -> Self {
        let end = |name: &String| format!("/dri/{name}").into_bytes();
        let displays = nodes.displays.iter().map(|display| DisplayHolder {
            card: end(&display.card),
            display: display.clone(),
            is_held: false,
            was_held: false,
        });
        let group = |name: &String| {
            let node = fs::metadata(roots.root.join("dev/dri").join(name)).ok()?;
            let is_for_group = node.permissions().mode() & 0o066 == 0o060;
            (is_for_group && node.gid() != 0).then(|| node.gid())
        };
        Self {
            proc: roots.proc.clone(),
            nodes: nodes.names.iter().map(end).collect(),
            displays: displays.collect(),
            user: Uid::current().as_raw(),
            groups: nodes.names.iter().filter_map(group).collect(),
            unscanned: VecDeque::new(),
            scan_began: None,
            open: Vec::new(),
            unreadable: HashMap::new(),
            is_partial: false,
        }
    }

    /// Whether files of a process that may be using the GPU cannot be read: the sum over the others is too small.
    pub(super) fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Whether there is a process whose files are denied.
    pub(super) fn has_unreadable(&self) -> bool {
        !self.unreadable.is_empty()
    }

    /// Whether the file is still open, and no other file has its number.
    pub(super) fn is_open(nodes: &[Vec<u8>], file: &OpenFile) -> bool {
        fs::read_link(&file.link).is_ok_and(|target| is_one_of(nodes, &target))
    }

    /// The open files, and the ends of the targets of their links.
    pub(super) fn open(&mut self) -> (&mut Vec<OpenFile>, &[Vec<u8>]) {
        (&mut self.open, &self.nodes)
    }

    /// Looks for new open files, in a part of the processes, if the last scan is old enough. `now` is a time of the
    /// monotonic clock.
    pub(super) fn scan(&mut self, now: Duration) {
        let mut batch = SCAN_BATCH;
        if self.unscanned.is_empty() {
            let age = self.scan_began.map(|began| now.saturating_sub(began));
            match age {
                Some(age) if age < SCAN_INTERVAL => return,
                Some(_) => {}
                // The first reading scans all processes at once.
                None => batch = usize::MAX,
            }
            self.begin_scan(now);
        }
        for _ in 0..batch.min(self.unscanned.len()) {
            if let Some(process) = self.unscanned.pop_front() {
                self.scan_process(process, now);
            }
        }
        if self.unscanned.is_empty() {
            self.end_scan();
        }
    }

    fn begin_scan(&mut self, now: Duration) {
        self.scan_began = Some(now);
        let entries = fs::read_dir(&self.proc).into_iter().flatten();
        let is_process =
            |entry: &fs::DirEntry| parse::number(entry.file_name().as_encoded_bytes()).is_some();
        let processes = entries.filter_map(Result::ok).filter(is_process);
        self.unscanned.extend(processes.map(|entry| entry.path()));
        for display in &mut self.displays {
            display.is_held = false;
        }
    }

    fn end_scan(&mut self) {
        let began = self.scan_began;
        self.unreadable.retain(|_, process| process.seen == began);
        for display in &mut self.displays {
            display.was_held = display.is_held;
        }
        // Something draws the picture, and if nothing that can be read does, it cannot be read.
        let is_drawn_unseen =
            |display: &DisplayHolder| !display.was_held && drives_display(&display.display.device);
        self.is_partial = self.unreadable.values().any(|process| process.may_use_gpu)
            || (self.has_unreadable() && self.displays.iter().any(is_drawn_unseen));
    }

    /// Finds the open files of the GPU in a process.
    fn scan_process(&mut self, process: PathBuf, now: Duration) {
        match self.find_files(&process) {
            Ok(()) => drop(self.unreadable.remove(&process)),
            Err(cause) if has_ended(&cause) => {}
            Err(_) => self.judge(process, now),
        }
    }

    fn find_files(&mut self, process: &Path) -> std::io::Result<()> {
        for file in fs::read_dir(process.join("fd"))? {
            let file = file?;
            let target = match fs::read_link(file.path()) {
                Ok(target) => target,
                Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => {
                    return Err(cause);
                }
                // It was closed in between.
                Err(_) => continue,
            };
            for display in &mut self.displays {
                display.is_held |= target.as_os_str().as_bytes().ends_with(&display.card);
            }
            if !is_one_of(&self.nodes, &target) {
                continue;
            }
            let fdinfo = process.join("fdinfo").join(file.file_name());
            if !self.open.iter().any(|open| open.fdinfo == fdinfo) {
                self.open.push(OpenFile {
                    fdinfo,
                    link: file.path(),
                    client: None,
                    is_silent: false,
                });
            }
        }
        Ok(())
    }

    /// Notes a process whose open files are denied.
    fn judge(&mut self, process: PathBuf, now: Duration) {
        let known = self.unreadable.get(&process);
        let known = known.filter(|known| now.saturating_sub(known.judged) < JUDGED_FOR);
        let (may_use_gpu, judged) = match known {
            Some(known) => (known.may_use_gpu, known.judged),
            None => (may_use_gpu(&process, self.user, &self.groups), now),
        };
        let seen = self.scan_began;
        let verdict = Unreadable {
            may_use_gpu,
            judged,
            seen,
        };
        self.unreadable.insert(process, verdict);
    }
}

/// Whether the target of a link is one of the nodes. The path before `/dri` differs in a chroot. A node that was removed
/// since has ` (deleted)` at its end.
fn is_one_of(nodes: &[Vec<u8>], target: &Path) -> bool {
    let target = target.as_os_str().as_bytes();
    nodes.iter().any(|node| target.ends_with(node))
}
