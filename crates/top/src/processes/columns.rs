//! The columns of the tables of processes and of groups of processes.

use std::{borrow::Cow, cmp::Ordering};

use sampled_client::{Reading, Value};

use crate::text;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Pid,
    User,
    State,
    Cpu,
    Memory,
    Read,
    Write,
    CpuTime,
    Threads,
    Nice,
    /// Of a group: how many processes it has.
    Processes,
    /// Of a process, or of a group.
    Name,
    CommandLine,
}

/// The column that orders the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) column: Column,
    pub(crate) is_descending: bool,
}

impl Column {
    const ALL: [Self; 13] = [
        Self::Pid,
        Self::User,
        Self::State,
        Self::Cpu,
        Self::Memory,
        Self::Read,
        Self::Write,
        Self::CpuTime,
        Self::Threads,
        Self::Nice,
        Self::Processes,
        Self::Name,
        Self::CommandLine,
    ];

    /// The columns of processes that fit so many columns of the terminal. A tree needs the room of the command line.
    pub(crate) fn of_processes(width: usize, is_tree: bool) -> Vec<Self> {
        let least = |column: &Self| match column {
            Self::Processes => usize::MAX,
            Self::Pid | Self::Cpu | Self::Name => 0,
            Self::Memory => 36,
            Self::User => 50,
            Self::State => 56,
            Self::CommandLine if is_tree => usize::MAX,
            Self::CommandLine => 70,
            Self::Read | Self::Write => 104,
            Self::CpuTime => 120,
            Self::Threads => 130,
            Self::Nice => 140,
        };
        let all = Self::ALL.into_iter();
        all.filter(|column| least(column) <= width).collect()
    }

    /// The columns of groups that fit so many columns of the terminal.
    pub(crate) fn of_groups(width: usize) -> Vec<Self> {
        let least = |column: &Self| match column {
            Self::Cpu | Self::Name => 0,
            Self::Memory => 36,
            Self::Processes => 50,
            Self::Threads => 60,
            Self::Read | Self::Write => 80,
            _ => usize::MAX,
        };
        let all = Self::ALL.into_iter();
        all.filter(|column| least(column) <= width).collect()
    }

    /// Whether the service reads a file of each process for it that no other column needs: `/proc/PID/io`.
    pub(super) fn has_own_file(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }

    /// The field of the service that it shows.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::User => "user",
            Self::State => "state",
            Self::Cpu => "cpu",
            Self::Memory => "rss",
            Self::Read => "read",
            Self::Write => "write",
            Self::CpuTime => "cpu_time",
            Self::Threads => "threads",
            Self::Nice => "nice",
            Self::Processes => "processes",
            Self::Name => "name",
            Self::CommandLine => "command_line",
        }
    }

    /// The title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pid => "PID",
            Self::User => "User",
            Self::State => "S",
            Self::Cpu => "CPU",
            Self::Memory => "Memory",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::CpuTime => "CPU Time",
            Self::Threads => "Threads",
            Self::Nice => "Nice",
            Self::Processes => "Processes",
            Self::Name => "Name",
            Self::CommandLine => "Command Line",
        }
    }

    /// The width, without the arrow of the order; `None` for what fills the rest of a line.
    pub(crate) fn width(self) -> Option<usize> {
        match self {
            Self::Pid => Some(7),
            Self::User => Some(9),
            Self::State => Some(2),
            Self::Cpu => Some(8),
            Self::Memory => Some(9),
            Self::Read | Self::Write => Some(11),
            Self::CpuTime => Some(9),
            Self::Threads => Some(8),
            Self::Nice => Some(5),
            Self::Processes => Some(10),
            Self::Name => Some(17),
            Self::CommandLine => None,
        }
    }

    /// Whether the cells are aligned at their end, as numbers are.
    pub(crate) fn is_number(self) -> bool {
        !matches!(
            self,
            Self::User | Self::State | Self::Name | Self::CommandLine
        )
    }

    /// Whether the first order by it has the largest first.
    fn begins_with_largest(self) -> bool {
        self.is_number() && !matches!(self, Self::Pid | Self::Nice)
    }

    /// The content of a cell.
    pub(crate) fn text(self, reading: &Reading) -> Cow<'_, str> {
        let number = match reading {
            Ok(Value::Text(text)) => return text::escape(text),
            Ok(Value::Number(number)) => *number,
            Err(fault) => return fault.code().into(),
        };
        let unit = match self {
            Self::Cpu => "%",
            Self::Memory => "By",
            Self::Read | Self::Write => "By/s",
            Self::CpuTime => "s",
            _ => return format!("{number:.0}").into(),
        };
        text::value(number, unit).into()
    }
}

impl Order {
    /// The order of a table that nobody has ordered yet.
    pub(crate) const DEFAULT: Self = Self {
        column: Column::Cpu,
        is_descending: true,
    };

    /// The order by a column that a key or a click has chosen: the same column again reverses it.
    pub(crate) fn by(self, column: Column) -> Self {
        let is_descending = match self.column == column {
            true => !self.is_descending,
            false => column.begins_with_largest(),
        };
        Self {
            column,
            is_descending,
        }
    }

    /// The name in the layout file and for the service: `-cpu`.
    pub(crate) fn name(self) -> String {
        let sign = if self.is_descending { "-" } else { "" };
        format!("{sign}{}", self.column.field())
    }

    /// The order with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let field = name.strip_prefix('-');
        let mut all = Column::ALL.into_iter();
        let column = all.find(|column| column.field() == field.unwrap_or(name))?;
        Some(Self {
            column,
            is_descending: field.is_some(),
        })
    }

    /// Orders two readings of its column. A cell without a value is less than all others.
    pub(crate) fn compare(self, a: &Reading, b: &Reading) -> Ordering {
        let order = match (a, b) {
            (Ok(Value::Number(a)), Ok(Value::Number(b))) => a.total_cmp(b),
            (Ok(Value::Text(a)), Ok(Value::Text(b))) => {
                let lower = |text: &str| text.to_lowercase();
                lower(a).cmp(&lower(b))
            }
            (a, b) => a.is_ok().cmp(&b.is_ok()),
        };
        match self.is_descending {
            true => order.reverse(),
            false => order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_a_name() {
        for column in Column::ALL {
            let order = Order::DEFAULT.by(column);
            assert_eq!(Order::from_name(&order.name()), Some(order));
        }
        assert_eq!(Order::DEFAULT.name(), "-cpu");
        assert_eq!(Order::DEFAULT.by(Column::Cpu).name(), "cpu");
        assert_eq!(Order::DEFAULT.by(Column::Name).name(), "name");
        assert_eq!(Order::from_name("size"), None);
    }

    #[test]
    fn wider_terminals_have_more_columns() {
        let mut before = 0;
        for width in 0..300 {
            let columns = Column::of_processes(width, false);
            assert!(columns.len() >= before);
            before = columns.len();
            // The last one fills the line.
            let (_, others) = columns.split_last().unwrap();
            let fixed = others.iter().map(|column| column.width().unwrap() + 1);
            assert!(fixed.sum::<usize>() + 8 <= width.max(25), "{width}");
        }
        assert_eq!(before, Column::ALL.len() - 1);
    }
}
