//! The contents of a file in `/proc/pressure`.

use crate::source::parse;

/// A file of `/proc/pressure`, since Linux 4.20.
///
/// ```text
/// some avg10=1.53 avg60=0.87 avg300=0.73 total=1088168194
/// full avg10=0.00 avg60=0.13 avg300=0.08 total=5
/// ```
#[derive(Default)]
pub(super) struct PressureFile {
    /// Time in which at least one task waited; `irq` (since Linux 6.1) has no such line.
    pub(super) some: Option<PressureRecord>,
    /// Time in which all tasks waited; `cpu` has the line since Linux 5.13.
    pub(super) full: Option<PressureRecord>,
}

/// A line of the file. A field that is malformed is none.
pub(super) struct PressureRecord {
    /// Per cent of the last 10, 60 and 300 seconds.
    pub(super) avg10: Option<f64>,
    pub(super) avg60: Option<f64>,
    pub(super) avg300: Option<f64>,
    /// Microseconds.
    pub(super) total: Option<u64>,
}

impl PressureFile {
    /// Parses the text. Of two lines with one name, the last one counts.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut file = Self::default();
        for (line, ended) in parse::ended_lines(text) {
            let (name, rest) = parse::word(line);
            let record = match name {
                b"some" => &mut file.some,
                b"full" => &mut file.full,
                _ => continue,
            };
            *record = Some(PressureRecord::parse(rest, ended));
        }
        file
    }
}

impl PressureRecord {
    /// Parses the rest of a line after the name. The total of a line without a newline may have lost digits.
    #[inline]
    fn parse(mut rest: &[u8], ended: bool) -> Self {
        let mut value = |key: &[u8]| {
            let (field, others) = parse::word(rest);
            rest = others;
            field.strip_prefix(key)
        };
        Self {
            avg10: value(b"avg10=").and_then(parse::decimal),
            avg60: value(b"avg60=").and_then(parse::decimal),
            avg300: value(b"avg300=").and_then(parse::decimal),
            total: value(b"total=").filter(|_| ended).and_then(parse::number),
        }
    }
}
