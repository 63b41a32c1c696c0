//! The attributes of a process that seldom change: a cache of 5 s.

use std::time::Duration;

use crate::{
    process::{
        cgroup::Cgroup,
        details::{Details, Executable},
        files::Files,
    },
    reading::{Fault, Reading, Value},
};

/// The attributes of a process that seldom change. They are cleared when the process changes its name, as it does at an
/// exec.
#[derive(Default)]
pub(super) struct Attributes(Option<Box<Entries>>);

#[derive(Default)]
struct Entries {
    uid: Cached<u32>,
    command_line: Cached<Value>,
    executable: Cached<Executable>,
    cgroup: Cached<Cgroup>,
}

/// An outcome and the moment of the monotonic clock at which it was read; none before the first reading.
type Cached<T> = Option<(Duration, Result<T, Fault>)>;

/// Whether the text is empty. Just after an exec, the kernel has no arguments yet.
fn is_empty(entry: &Cached<Value>) -> bool {
    matches!(entry, Some((_, Ok(Value::Text(text)))) if text.is_empty())
}

/// The longest age of an attribute. A process may write a title over its arguments, change its user, or be moved to
/// another control group.
const MAX_AGE: Duration = Duration::from_secs(5);

impl Attributes {
    /// Clears the cache.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// The files among these that must be read again.
    pub(super) fn missing(&self, files: Files, now: Duration) -> Files {
        let Some(entries) = &self.0 else {
            return files;
        };
        // A refusal is cached, too; any other failure may be over.
        fn is_old<T>(entry: &Cached<T>, now: Duration) -> bool {
            entry.as_ref().is_none_or(|(moment, outcome)| {
                now.saturating_sub(*moment) >= MAX_AGE
                    || !matches!(outcome, Ok(_) | Err(Fault::Denied))
            })
        }
        let all = [
            (Files::OWNER, is_old(&entries.uid, now)),
            (
                Files::COMMAND_LINE,
                is_old(&entries.command_line, now) || is_empty(&entries.command_line),
            ),
            (Files::EXECUTABLE, is_old(&entries.executable, now)),
            (Files::CGROUP, is_old(&entries.cgroup, now)),
        ];
        let young = all.into_iter().filter(|(_, is_old)| !is_old);
        young.fold(files, |files, (file, _)| files.without(file))
    }

    /// Stores the owner of the directory.
    pub(super) fn store_uid(&mut self, now: Duration, uid: Result<u32, Fault>) {
        self.0.get_or_insert_default().uid = Some((now, uid));
    }

    /// Takes the attributes out of `details` and stores them.
    pub(super) fn store(&mut self, now: Duration, details: &mut Details) {
        let has_any = details.command_line.is_some()
            || details.executable.is_some()
            || details.cgroup.is_some();
        if !has_any {
            return;
        }
        let entries = self.0.get_or_insert_default();
        if let Some(reading) = details.command_line.take() {
            entries.command_line = Some((now, reading));
        }
        if let Some(reading) = details.executable.take() {
            entries.executable = Some((now, reading));
        }
        if let Some(cgroup) = details.cgroup.take() {
            entries.cgroup = Some((now, cgroup));
        }
    }

    /// The uid. Like all of these, [`Fault::Timeout`] if it was not read.
    pub(super) fn uid(&self) -> Result<u32, Fault> {
        let entries = self.0.as_ref().and_then(|entries| entries.uid.as_ref());
        entries.map_or(Err(Fault::Timeout), |(_, uid)| *uid)
    }

    pub(super) fn command_line(&self) -> Reading {
        let entries = self
            .0
            .as_ref()
            .and_then(|entries| entries.command_line.as_ref());
        entries.map_or(Err(Fault::Timeout), |(_, reading)| reading.clone())
    }

    pub(super) fn executable(&self) -> Result<&Executable, Fault> {
        let entries = self.0.as_ref();
        match entries.and_then(|entries| entries.executable.as_ref()) {
            Some((_, executable)) => executable.as_ref().map_err(|fault| *fault),
            None => Err(Fault::Timeout),
        }
    }

    pub(super) fn cgroup(&self) -> Result<&Cgroup, Fault> {
        let entries = self.0.as_ref().and_then(|entries| entries.cgroup.as_ref());
        match entries {
            Some((_, cgroup)) => cgroup.as_ref().map_err(|fault| *fault),
            None => Err(Fault::Timeout),
        }
    }
}
