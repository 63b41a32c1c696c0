//! The files of a process beyond its stat.

use std::ops::BitOr;

use crate::process::Field;

/// A set of files of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Files(u8);

impl Files {
    pub(super) const NONE: Self = Self(0);
    /// The directory itself: its owner is the user of the process.
    pub(super) const OWNER: Self = Self(1);
    pub(super) const COMMAND_LINE: Self = Self(2);
    pub(super) const EXECUTABLE: Self = Self(4);
    pub(super) const CGROUP: Self = Self(8);
    pub(super) const IO: Self = Self(16);
    pub(super) const PSS: Self = Self(32);
    pub(super) const SWAP: Self = Self(64);

    /// The files that are empty or missing for a process without memory.
    pub(super) const OF_MEMORY: Self =
        Self(Self::COMMAND_LINE.0 | Self::EXECUTABLE.0 | Self::PSS.0 | Self::SWAP.0);

    /// The files beyond stat that a field needs.
    pub(super) fn of(field: Field) -> Self {
        match field {
            Field::Uid | Field::User => Self::OWNER,
            Field::CommandLine => Self::COMMAND_LINE,
            Field::Executable | Field::ExecutableDeleted => Self::EXECUTABLE,
            Field::Cgroup | Field::Unit | Field::Application => Self::CGROUP,
            Field::Read | Field::Write => Self::IO,
            Field::Pss => Self::PSS,
            Field::Swap => Self::SWAP,
            _ => Self::NONE,
        }
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Files {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
