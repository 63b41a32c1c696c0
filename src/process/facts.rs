//! What seldom changes about a process, and is kept for a while.

use std::time::Duration;

use crate::{
    process::{
        cgroup::Cgroup,
        details::{Details, Files},
    },
    reading::{Fault, Reading, Value},
};

/// What seldom changes about a process. It goes when the process changes its name, as it does when it
/// executes another program.
#[derive(Default)]
pub(super) struct Facts(Option<Box<Known>>);

#[derive(Default)]
struct Known {
    uid: Fact<u32>,
    command_line: Fact<Value>,
    executable: Fact<Value>,
    cgroup: Fact<Cgroup>,
}

/// What was read, and the moment of the monotonic clock at which it was.
type Fact<T> = Option<(Duration, Result<T, Fault>)>;

/// Whether the text is empty: the kernel has the arguments a moment later than the program.
fn is_empty(fact: &Fact<Value>) -> bool {
    matches!(fact, Some((_, Ok(Value::Text(text)))) if text.is_empty())
}

/// How old a fact may be: a process may write another title over its arguments, change its user and
/// be moved to another control group.
const KEEP: Duration = Duration::from_secs(5);

impl Facts {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Which of these files are to be read, for what is known is too old.
    pub(super) fn missing(&self, files: Files, now: Duration) -> Files {
        let Some(known) = &self.0 else {
            return files;
        };
        // A refusal is kept, too; any other failure may be over.
        fn is_old<T>(fact: &Fact<T>, now: Duration) -> bool {
            fact.as_ref().is_none_or(|(moment, outcome)| {
                now.saturating_sub(*moment) >= KEEP
                    || !matches!(outcome, Ok(_) | Err(Fault::Denied))
            })
        }
        let all = [
            (Files::OWNER, is_old(&known.uid, now)),
            (
                Files::COMMAND_LINE,
                is_old(&known.command_line, now) || is_empty(&known.command_line),
            ),
            (Files::EXECUTABLE, is_old(&known.executable, now)),
            (Files::CGROUP, is_old(&known.cgroup, now)),
        ];
        let young = all.into_iter().filter(|(_, is_old)| !is_old);
        young.fold(files, |files, (file, _)| files.without(file))
    }

    /// Remembers who owns the directory.
    pub(super) fn learn_uid(&mut self, now: Duration, uid: Result<u32, Fault>) {
        self.0.get_or_insert_default().uid = Some((now, uid));
    }

    /// Remembers what was read.
    pub(super) fn learn(&mut self, now: Duration, details: &mut Details) {
        let has_facts = details.command_line.is_some()
            || details.executable.is_some()
            || details.cgroup.is_some();
        if !has_facts {
            return;
        }
        let known = self.0.get_or_insert_default();
        if let Some(reading) = details.command_line.take() {
            known.command_line = Some((now, reading));
        }
        if let Some(reading) = details.executable.take() {
            known.executable = Some((now, reading));
        }
        if let Some(cgroup) = details.cgroup.take() {
            known.cgroup = Some((now, cgroup));
        }
    }

    /// The number of the user. [`Fault::Timeout`], as all of these, if it did not come.
    pub(super) fn uid(&self) -> Result<u32, Fault> {
        let known = self.0.as_ref().and_then(|known| known.uid.as_ref());
        known.map_or(Err(Fault::Timeout), |(_, uid)| *uid)
    }

    pub(super) fn command_line(&self) -> Reading {
        let known = self
            .0
            .as_ref()
            .and_then(|known| known.command_line.as_ref());
        known.map_or(Err(Fault::Timeout), |(_, reading)| reading.clone())
    }

    pub(super) fn executable(&self) -> Reading {
        let known = self.0.as_ref().and_then(|known| known.executable.as_ref());
        known.map_or(Err(Fault::Timeout), |(_, reading)| reading.clone())
    }

    pub(super) fn cgroup(&self) -> Result<&Cgroup, Fault> {
        let known = self.0.as_ref().and_then(|known| known.cgroup.as_ref());
        match known {
            Some((_, cgroup)) => cgroup.as_ref().map_err(|fault| *fault),
            None => Err(Fault::Timeout),
        }
    }
}
