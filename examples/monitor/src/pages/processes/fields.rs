//! The columns of the table: which fields of processes there are, and how they are printed and ordered.

use std::cmp::Ordering;

use sampled_client::Value;

use super::item::Field;
use crate::{
    i18n::{self, gettext, gettext_f, left_to_right},
    recording::Absence,
};

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The field of processes that it shows.
    pub(super) field: &'static str,
    /// How its values are printed.
    pub(super) print: Print,
    /// Whether a table has it, unless the user says otherwise.
    pub(super) is_default: bool,
    /// Whether it has a sum over the processes of an application.
    pub(super) has_sum: bool,
}

/// How values are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Print {
    /// A text.
    Text,
    /// The letter of a state, as a word.
    State,
    /// A whole number: a pid.
    Whole,
    /// A number in a unit, in UCUM.
    Unit(&'static str),
}

const fn column(field: &'static str, print: Print, is_default: bool, has_sum: bool) -> Column {
    Column {
        field,
        print,
        is_default,
        has_sum,
    }
}

/// All columns. The place of a column is that of its field in a row.
pub(super) const COLUMNS: [Column; 18] = [
    column("name", Print::Text, true, false),
    column("pid", Print::Whole, true, false),
    column("user", Print::Text, true, false),
    column("cpu", Print::Unit("%"), true, true),
    column("rss", Print::Unit("By"), true, true),
    column("read", Print::Unit("By/s"), true, true),
    column("write", Print::Unit("By/s"), true, true),
    column("swap", Print::Unit("By"), false, true),
    column("pss", Print::Unit("By"), false, true),
    column("threads", Print::Whole, false, true),
    column("cpu_time", Print::Unit("s"), false, true),
    column("state", Print::State, false, false),
    column("nice", Print::Whole, false, false),
    column("parent", Print::Whole, false, false),
    column("application", Print::Text, false, false),
    column("unit", Print::Text, false, false),
    column("command_line", Print::Text, false, false),
    // Of applications alone: how many processes there are.
    column("processes", Print::Whole, true, true),
];

/// The place of a field in a row.
pub(super) fn place(field: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.field == field)
}

impl Column {
    /// The title, in the language of the user.
    pub(super) fn title(self) -> String {
        match self.field {
            "name" => gettext("Name"),
            "pid" => gettext("PID"),
            "user" => gettext("User"),
            "cpu" => gettext("CPU"),
            "rss" => gettext("Memory"),
            "read" => gettext("Read"),
            "write" => gettext("Write"),
            "swap" => gettext("Swap"),
            "pss" => gettext("Proportional Memory"),
            "threads" => gettext("Threads"),
            "cpu_time" => gettext("CPU Time"),
            "state" => gettext("State"),
            "nice" => gettext("Nice"),
            "parent" => gettext("Parent"),
            "application" => gettext("Application"),
            "unit" => gettext("Unit"),
            "command_line" => gettext("Command Line"),
            "processes" => gettext("Processes"),
            field => field.to_owned(),
        }
    }

    /// Whether the values are aligned at their end, as numbers are.
    pub(super) fn is_number(self) -> bool {
        !matches!(self.print, Print::Text | Print::State)
    }

    /// The least and the usual width of a cell, in characters.
    pub(super) fn width(self) -> (u32, u32) {
        match self.field {
            "name" => (18, 18),
            "application" | "unit" => (10, 24),
            "command_line" => (10, 48),
            _ => (10, 10),
        }
    }

    /// The content of a cell.
    pub(super) fn text(self, field: &Field) -> String {
        let text = match (&field.reading, self.print) {
            (Ok(Value::Text(letter)), Print::State) => state(letter),
            (Ok(Value::Text(text)), _) => one_line(text),
            (Ok(Value::Number(number)), Print::Unit(unit)) => i18n::value(*number, unit),
            (Ok(Value::Number(number)), _) => format!("{number:.0}"),
            (Err(fault), _) => return Absence::Fault(*fault).word(),
        };
        match field.is_partial {
            true => left_to_right(&format!("≥ {text}")),
            false => text,
        }
    }
}

/// Orders cells: numbers by value, texts without regard to case. A cell without a value is less than all others.
pub(super) fn compare(a: &Field, b: &Field) -> Ordering {
    match (&a.reading, &b.reading) {
        (Ok(Value::Number(a)), Ok(Value::Number(b))) => a.total_cmp(b),
        (Ok(Value::Text(a)), Ok(Value::Text(b))) => {
            let lower = |text: &str| {
                text.chars()
                    .flat_map(char::to_lowercase)
                    .collect::<Vec<_>>()
            };
            match a.is_ascii() && b.is_ascii() {
                true => {
                    let bytes = |byte: &u8| byte.to_ascii_lowercase();
                    a.bytes()
                        .map(|byte| bytes(&byte))
                        .cmp(b.bytes().map(|byte| bytes(&byte)))
                }
                false => lower(a).cmp(&lower(b)),
            }
        }
        (Err(_), Err(_)) => Ordering::Equal,
        (Err(_), _) => Ordering::Less,
        (_, Err(_)) => Ordering::Greater,
        (Ok(Value::Number(_)), Ok(Value::Text(_))) => Ordering::Less,
        (Ok(Value::Text(_)), Ok(Value::Number(_))) => Ordering::Greater,
    }
}

/// A text in one line: names of processes may have control characters.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

fn state(letter: &str) -> String {
    match letter {
        "R" => gettext("running"),
        "S" => gettext("sleeping"),
        "D" => gettext("waiting for a disk"),
        "T" => gettext("stopped"),
        "t" => gettext("traced"),
        "Z" => gettext("zombie"),
        "I" => gettext("idle"),
        letter => gettext_f("state {letter}", &[("letter", letter)]),
    }
}

#[cfg(test)]
mod tests {
    use sampled_client::Fault;

    use super::*;

    fn number(number: f64) -> Field {
        Ok(Value::Number(number)).into()
    }

    fn text(text: &str) -> Field {
        Ok(Value::Text(text.into())).into()
    }

    #[test]
    fn cells_are_printed_in_their_unit() {
        let check = |name: &str, field: &Field, expected: &str| {
            let place = place(name).unwrap();
            let marks = ['\u{2066}', '\u{2069}'];
            let text = COLUMNS[place].text(field).replace(marks, "");
            assert_eq!(text.replace('\u{a0}', " "), expected);
        };
        check("pid", &number(4_194_304.0), "4194304");
        check("cpu", &number(12.5), "12.5 %");
        check("rss", &number(1_048_576.0), "1.0 MiB");
        check("read", &Err(Fault::Denied).into(), "denied");
        check("state", &text("Z"), "zombie");
        check("state", &text("Q"), "state Q");
        check("command_line", &text("a\nb\u{1b}[31m"), "a b [31m");
        let partial = Field {
            is_partial: true,
            ..number(1024.0)
        };
        check("rss", &partial, "≥ 1.0 KiB");
    }

    #[test]
    fn cells_without_a_value_come_first() {
        let mut fields = [number(2.0), Err(Fault::Denied).into(), number(-1.0)];
        fields.sort_by(compare);
        assert_eq!(
            fields,
            [Err(Fault::Denied).into(), number(-1.0), number(2.0)]
        );
    }

    #[test]
    fn case_does_not_matter() {
        let mut names = [
            text("Zebra"),
            text("äpfel"),
            text("bash"),
            text("Äpfel 2"),
            text("Bash 2"),
        ];
        names.sort_by(compare);
        assert_eq!(
            names,
            [
                text("bash"),
                text("Bash 2"),
                text("Zebra"),
                text("äpfel"),
                text("Äpfel 2")
            ]
        );
    }

    #[test]
    fn no_field_is_twice_in_the_table() {
        for (index, column) in COLUMNS.iter().enumerate() {
            let others = COLUMNS.iter().skip(index + 1);
            assert!(
                others.clone().all(|other| other.field != column.field),
                "{}",
                column.field
            );
        }
    }
}
