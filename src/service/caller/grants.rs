//! What a program in a sandbox can be granted.

/// What a program in a sandbox is granted, by `[sandbox."org.example.App"]` in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The metrics that the user has defined, and the commands that some of them run.
    pub custom: bool,
    /// The table of processes, without their command lines.
    pub processes: bool,
    /// The command lines in that table.
    pub command_lines: bool,
    /// To send signals to processes.
    pub end: bool,
}

/// One of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    Custom,
    Processes,
    CommandLines,
    End,
}

impl Grant {
    pub(crate) const ALL: [Self; 4] =
        [Self::Custom, Self::Processes, Self::CommandLines, Self::End];

    /// What the configuration calls it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Processes => "processes",
            Self::CommandLines => "command-lines",
            Self::End => "end",
        }
    }
}

impl Grants {
    /// What a program of the user may do.
    pub(super) const EVERYTHING: Self = Self {
        custom: true,
        processes: true,
        command_lines: true,
        end: true,
    };

    /// Whether this is granted.
    pub(crate) fn has(mut self, grant: Grant) -> bool {
        *self.of(grant)
    }

    /// Whether this is granted, to be set.
    pub(crate) fn of(&mut self, grant: Grant) -> &mut bool {
        match grant {
            Grant::Custom => &mut self.custom,
            Grant::Processes => &mut self.processes,
            Grant::CommandLines => &mut self.command_lines,
            Grant::End => &mut self.end,
        }
    }
}
