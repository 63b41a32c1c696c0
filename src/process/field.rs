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
    /// Whether that file has been removed or replaced.
    ExecutableDeleted,
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

/// The metadata of a field.
struct FieldInfo {
    name: &'static str,
    unit: &'static str,
    is_text: bool,
    is_summable: bool,
    description: &'static str,
    formula: &'static str,
}

const fn text(name: &'static str, description: &'static str, formula: &'static str) -> FieldInfo {
    FieldInfo {
        name,
        unit: unit::NONE,
        is_text: true,
        is_summable: false,
        description,
        formula,
    }
}

const fn number(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    formula: &'static str,
) -> FieldInfo {
    FieldInfo {
        name,
        unit,
        is_text: false,
        is_summable: false,
        description,
        formula,
    }
}

const fn amount(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    formula: &'static str,
) -> FieldInfo {
    FieldInfo {
        is_summable: true,
        ..number(name, unit, description, formula)
    }
}

/// In the order of [`Field::ALL`].
#[rustfmt::skip]
const INFO: [FieldInfo; Field::ALL.len()] = [
    number("pid", unit::ONE, "Process ID.", "name of the directory in /proc/"),
    number("parent", unit::ONE, "Process ID of the parent, 0 for the first processes.", "ppid of /proc/PID/stat"),
    number("start_time", unit::MICROSECONDS, "Time from boot to the start of the process, which with the pid identifies it until the next boot.", "starttime of /proc/PID/stat, in hundredths of a second"),
    number("uid", unit::ONE, "User ID of the effective user.", "owner of /proc/PID"),
    text("user", "Name of the effective user, or the user ID of a user without a name.", "getpwuid_r(3) of the owner of /proc/PID"),
    text("name", "Name of the process, at most 15 bytes except for kernel threads.", "comm of /proc/PID/stat"),
    text("command_line", "Program and arguments, or the title that the process wrote over them; empty for a kernel thread.", "/proc/PID/cmdline"),
    text("executable", "File that the process executes; empty for a kernel thread.", "link /proc/PID/exe, without (deleted)"),
    number("executable_deleted", unit::ONE, "1 if the file that the process executes was removed or replaced, as by an upgrade, otherwise 0.", "(deleted) of the link /proc/PID/exe"),
    text("state", "State: R running, S sleeping, D waiting for a disk, T stopped, t traced, Z zombie, I idle kernel thread.", "state of /proc/PID/stat"),
    text("cgroup", "Control group.", "path in systemd's hierarchy of /proc/PID/cgroup"),
    text("unit", "Unit of systemd, that of the user manager if there is one; empty without a unit.", "/proc/PID/cgroup"),
    text("application", "ID of the desktop application; empty if there is none.", "name of the unit in /proc/PID/cgroup (systemd.io/DESKTOP_ENVIRONMENTS)"),
    amount("threads", unit::ONE, "Number of threads.", "num_threads of /proc/PID/stat"),
    amount("cpu", unit::PERCENT, "Share of one CPU that the process used since the last reading or since its start.", "growth of utime + stime of /proc/PID/stat / time"),
    amount("cpu_of_all", unit::PERCENT, "Share of all online CPUs that the process used since the last reading or since its start.", "growth of utime + stime of /proc/PID/stat / time / number of CPUs"),
    amount("cpu_time", unit::SECONDS, "CPU time that the process and its ended threads have used.", "utime + stime of /proc/PID/stat"),
    amount("rss", unit::BYTES, "Resident memory, including shared memory.", "rss of /proc/PID/stat"),
    amount("pss", unit::BYTES, "Resident memory, with shared memory divided among the processes that share it; expensive to read.", "Pss of /proc/PID/smaps_rollup"),
    amount("swap", unit::BYTES, "Memory that is swapped out, without shared memory.", "VmSwap of /proc/PID/status"),
    amount("read", unit::BYTES_PER_SECOND, "Data read from disks per second.", "growth of read_bytes of /proc/PID/io per second"),
    amount("write", unit::BYTES_PER_SECOND, "Data written to disks per second.", "growth of write_bytes of /proc/PID/io per second"),
    number("nice", unit::ONE, "Nice value, from -20 to 19.", "nice of /proc/PID/stat"),
];

impl Field {
    /// Every field.
    pub const ALL: [Self; 23] = [
        Self::Pid,
        Self::Parent,
        Self::StartTime,
        Self::Uid,
        Self::User,
        Self::Name,
        Self::CommandLine,
        Self::Executable,
        Self::ExecutableDeleted,
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

    /// Its meaning, in a sentence.
    pub fn description(self) -> &'static str {
        self.info().description
    }

    /// Its file in `/proc`, and the formula in words.
    pub fn formula(self) -> &'static str {
        self.info().formula
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
