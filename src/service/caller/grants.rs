//! The grants of programs in sandboxes.

/// The grants of a program in a sandbox, from `[sandbox."org.example.App"]` in `config.toml`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Permission to read custom metrics, and so to run the commands that some of them need.
    pub custom: bool,
    /// Permission to read the table of processes, without command lines.
    pub processes: bool,
    /// Permission to read the command lines in that table.
    pub command_lines: bool,
    /// Permission to end processes by a signal.
    pub end: bool,
}

/// One of the [`Grants`].
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

    /// Its key in the configuration.
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
    /// All grants, which a program of the user has.
    pub(super) const EVERYTHING: Self = Self {
        custom: true,
        processes: true,
        command_lines: true,
        end: true,
    };

    /// Whether these include a grant.
    pub(crate) fn has(mut self, grant: Grant) -> bool {
        *self.of(grant)
    }

    /// The flag of a grant, to be set.
    pub(crate) fn of(&mut self, grant: Grant) -> &mut bool {
        match grant {
            Grant::Custom => &mut self.custom,
            Grant::Processes => &mut self.processes,
            Grant::CommandLines => &mut self.command_lines,
            Grant::End => &mut self.end,
        }
    }
}
