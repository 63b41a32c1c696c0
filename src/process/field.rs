//! The fields of a process.

use std::{fmt, str::FromStr};

use crate::metric::unit;

/// A field of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The pid, unique among the processes that exist.
    Pid,
    /// The pid of its parent.
    Parent,
    /// Its start time. Together with the pid, it identifies the process for good.
    StartTime,
    /// The uid of its effective user.
    Uid,
    /// The name of its effective user.
    User,
    /// Its name.
    Name,
    /// Its program and arguments.
    CommandLine,
    /// The file that it executes.
    Executable,
    /// Its state, as one letter.
    State,
    /// Its control group.
    Cgroup,
    /// Its systemd unit.
    Unit,
    /// Its application.
    Application,
    /// Its number of threads.
    Threads,
    /// Its CPU usage, in per cent of one CPU.
    Cpu,
    /// Its CPU usage, in per cent of all CPUs.
    CpuOfAll,
    /// The CPU time that it has used.
    CpuTime,
    /// Its resident memory.
    Rss,
    /// Its proportional set size: resident memory, with each shared page divided among its users.
    Pss,
    /// Its memory that is swapped out.
    Swap,
    /// The rate at which it reads from storage.
    Read,
    /// The rate at which it writes to storage.
    Write,
    /// Its nice value.
    Nice,
}

/// The description of a field.
struct FieldInfo {
    name: &'static str,
    unit: &'static str,
    is_text: bool,
    is_summable: bool,
    description: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> FieldInfo {
    FieldInfo {
        name,
        unit: unit::NONE,
        is_text: true,
        is_summable: false,
        description,
    }
}

const fn number(name: &'static str, unit: &'static str, description: &'static str) -> FieldInfo {
    FieldInfo {
        name,
        unit,
        is_text: false,
        is_summable: false,
        description,
    }
}

const fn amount(name: &'static str, unit: &'static str, description: &'static str) -> FieldInfo {
    FieldInfo {
        name,
        unit,
        is_text: false,
        is_summable: true,
        description,
    }
}

/// In the order of [`Field::ALL`].
#[rustfmt::skip]
const INFO: [FieldInfo; Field::ALL.len()] = [
    number("pid", unit::ONE, "Its pid: the name of its directory in /proc/"),
    number("parent", unit::ONE, "The pid of its parent, 0 for the first processes: ppid of /proc/PID/stat"),
    number("start_time", unit::MICROSECONDS, "Its start time since boot, to a hundredth of a second: starttime of /proc/PID/stat. Together with pid, it identifies the process until the next boot"),
    number("uid", unit::ONE, "The uid of its effective user: the owner of /proc/PID"),
    text("user", "The name of that user, or the uid if the user has no name: getpwuid_r(3)"),
    text("name", "Its name, at most 15 bytes except for kernel threads: comm of /proc/PID/stat"),
    text("command_line", "The program and its arguments, or a title that the process has written over them, separated by blanks; empty for a kernel thread: /proc/PID/cmdline"),
    text("executable", "The file of its program, followed by ` (deleted)` if the file was removed; empty for a kernel thread: the link /proc/PID/exe"),
    text("state", "Its state: R running or runnable, S sleeping, D waiting for a disk, T stopped, t traced, Z zombie, I idle kernel thread: state of /proc/PID/stat"),
    text("cgroup", "Its control group, relative to the root of systemd's hierarchy: /proc/PID/cgroup"),
    text("unit", "Its systemd unit: that of the user manager if it has one, otherwise that of the system manager; empty without a unit: /proc/PID/cgroup"),
    text("application", "The id of its application, from the name of its unit (systemd.io/DESKTOP_ENVIRONMENTS); empty without an application: /proc/PID/cgroup"),
    amount("threads", unit::ONE, "Its number of threads: num_threads of /proc/PID/stat"),
    amount("cpu", unit::PERCENT, "CPU time between two readings, or since its start if that is later, in per cent of the elapsed time; 100 is one CPU: utime and stime of /proc/PID/stat"),
    amount("cpu_of_all", unit::PERCENT, "The same CPU time in per cent of all online CPUs"),
    amount("cpu_time", unit::SECONDS, "CPU time since its start, ended threads included: utime and stime of /proc/PID/stat"),
    amount("rss", unit::BYTES, "Its resident memory, shared pages included: rss of /proc/PID/stat"),
    amount("pss", unit::BYTES, "Its resident memory, each shared page divided by the number of processes that share it; expensive, because the kernel walks over every page: Pss of /proc/PID/smaps_rollup"),
    amount("swap", unit::BYTES, "Its memory that is swapped out, without shared memory: VmSwap of /proc/PID/status"),
    amount("read", unit::BYTES_PER_SECOND, "Bytes read from storage for it: read_bytes of /proc/PID/io"),
    amount("write", unit::BYTES_PER_SECOND, "Bytes written to storage for it: write_bytes of /proc/PID/io"),
    number("nice", unit::ONE, "Its nice value, from -20 to 19: nice of /proc/PID/stat"),
];

impl Field {
    /// Every field.
    pub const ALL: [Self; 22] = [
        Self::Pid,
        Self::Parent,
        Self::StartTime,
        Self::Uid,
        Self::User,
        Self::Name,
        Self::CommandLine,
        Self::Executable,
        Self::State,
        Self::Cgroup,
        Self::Unit,
        Self::Application,
        Self::Threads,
        Self::Cpu,
        Self::CpuOfAll,
        Self::CpuTime,
        Self::Rss,
        Self::Pss,
        Self::Swap,
        Self::Read,
        Self::Write,
        Self::Nice,
    ];

    /// Whether it shows the arguments of a program, which may contain secrets.
    pub fn has_arguments(self) -> bool {
        self == Self::CommandLine
    }

    fn info(self) -> &'static FieldInfo {
        &INFO[self as usize]
    }

    /// Its name on the bus and on the command line: `command_line`.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Its meaning and its file in `/proc`, in a sentence.
    pub fn description(self) -> &'static str {
        self.info().description
    }

    /// Its unit, one of [`mod@unit`]; empty for a text.
    pub fn unit(self) -> &'static str {
        self.info().unit
    }

    /// Whether its values are texts; otherwise they are numbers.
    pub fn is_text(self) -> bool {
        self.info().is_text
    }

    /// Whether a sum over several processes makes sense.
    pub fn is_summable(self) -> bool {
        self.info().is_summable
    }

    /// Whether it is a rate, which needs two passes.
    pub fn needs_baseline(self) -> bool {
        matches!(self, Self::Cpu | Self::CpuOfAll | Self::Read | Self::Write)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No field has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: there is no such field: there are {}", Field::ALL.map(Field::name).join(", "))]
pub struct UnknownField {
    /// The unknown name.
    pub name: String,
}

impl FromStr for Field {
    type Err = UnknownField;

    fn from_str(name: &str) -> Result<Self, UnknownField> {
        let mut all = Self::ALL.into_iter();
        all.find(|field| field.name() == name)
            .ok_or_else(|| UnknownField {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_info() {
        for (place, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, place);
            assert_eq!(field.name().parse(), Ok(field));
            assert_eq!(field.is_text(), field.unit().is_empty());
            let variant = format!("{field:?}").to_lowercase();
            assert_eq!(field.name().replace('_', ""), variant);
        }
        let error = "Pid".parse::<Field>().unwrap_err().to_string();
        assert!(
            error.starts_with("Pid: there is no such field: there are pid, parent, "),
            "{error}"
        );
    }
}
