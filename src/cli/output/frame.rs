//! The readings of one moment, as JSON and CSV.

use std::{
    cmp::Ordering,
    io::{self, IsTerminal, Write},
    sync::LazyLock,
};

use serde::{Serialize, Serializer, ser::SerializeMap};

use sampled::{
    client,
    reading::{Reading, Value},
    selector::Selector,
};

use super::terminal_text::escape;

/// The readings of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// In microseconds since the Unix epoch.
    pub(crate) timestamp: u64,
    /// By id, ordered by id where nobody has chosen an order: a{sv} on the bus has none.
    pub(crate) readings: Vec<(String, Reading)>,
}

impl Frame {
    pub(crate) fn new(timestamp: u64, readings: impl Iterator<Item = (String, Reading)>) -> Self {
        let mut readings: Vec<_> = readings.collect();
        readings.sort_by(|(a, _), (b, _)| by_id(a, b));
        Self {
            timestamp,
            readings,
        }
    }

    /// Orders the readings as the selectors that match them, and those of one selector by id.
    pub(crate) fn order_by(&mut self, selectors: &[&str]) {
        let parsed = selectors.iter().map(|text| Selector::parse(text));
        let selectors: Vec<_> = parsed.filter_map(Result::ok).collect();
        let place = |id: &str| {
            let mut selectors = selectors.iter();
            selectors.position(|selector| selector.matches(id))
        };
        self.readings
            .sort_by_cached_key(|(id, _)| place(id).unwrap_or(usize::MAX));
    }

    /// The reading of a metric.
    pub(crate) fn reading(&self, id: &str) -> Option<&Reading> {
        let mut readings = self.readings.iter();
        readings.find_map(|(other, reading)| (other == id).then_some(reading))
    }
}

impl From<client::Sample> for Frame {
    fn from(sample: client::Sample) -> Self {
        let readings = sample.readings.into_iter();
        let faults = sample.faults.into_iter();
        let readings = readings.map(|(id, value)| (id, Ok(value)));
        let faults = faults.map(|(id, fault)| (id, Err(fault)));
        Self::new(sample.timestamp, readings.chain(faults))
    }
}

impl From<&client::Frame> for Frame {
    fn from(frame: &client::Frame) -> Self {
        let readings = frame.readings();
        let owned = readings.map(|(id, reading)| (id.to_owned(), reading));
        Self::new(frame.timestamp, owned)
    }
}

/// `{"timestamp": 1764000000000000, "readings": {"cpu/all/usage": 3.1}, "faults": {}}`
impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("timestamp", &self.timestamp)?;
        map.serialize_entry("readings", &JsonReadings(&self.readings))?;
        map.serialize_entry("faults", &JsonFaults(&self.readings))?;
        map.end()
    }
}

struct JsonReadings<'a>(&'a [(String, Reading)]);

impl Serialize for JsonReadings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (id, reading) in self.0 {
            match reading {
                Ok(Value::Number(number)) => map.serialize_entry(id, number)?,
                Ok(Value::Text(text)) => map.serialize_entry(id, &**text)?,
                Err(_) => {}
            }
        }
        map.end()
    }
}

struct JsonFaults<'a>(&'a [(String, Reading)]);

impl Serialize for JsonFaults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (id, reading) in self.0 {
            if let Err(fault) = reading {
                map.serialize_entry(id, fault.code())?;
            }
        }
        map.end()
    }
}

/// Writes frames as CSV (RFC 4180). The header has the ids of the first frame.
#[derive(Debug, Default)]
pub(crate) struct Csv {
    columns: Vec<String>,
}

impl Csv {
    pub(crate) fn write(&mut self, out: &mut impl Write, frame: &Frame) -> io::Result<()> {
        if self.columns.is_empty() {
            let ids = frame.readings.iter().map(|(id, _)| id.clone());
            self.columns = ids.collect();
            let header = ["timestamp"].into_iter();
            write_row(out, header.chain(self.columns.iter().map(String::as_str)))?;
        }
        let fields = self.columns.iter().enumerate().map(|(at, id)| {
            // After a restart of the service, a frame may have other columns.
            let same = frame.readings.get(at).filter(|(other, _)| other == id);
            let found = same.or_else(|| frame.readings.iter().find(|(other, _)| other == id));
            match found {
                Some((_, Ok(Value::Number(number)))) => number.to_string(),
                Some((_, Ok(Value::Text(text)))) => text.to_string(),
                Some((_, Err(_))) | None => String::new(),
            }
        });
        let fields: Vec<_> = [frame.timestamp.to_string()]
            .into_iter()
            .chain(fields)
            .collect();
        write_row(out, fields.iter().map(String::as_str))
    }
}

/// Whether standard output is a terminal, which interprets control characters.
static IS_TERMINAL: LazyLock<bool> = LazyLock::new(|| io::stdout().is_terminal());

/// Writes one line of CSV. A field is quoted if necessary. CSV has no escapes for control characters: they are written
/// as they are, and escaped on a terminal only.
pub(crate) fn write_row<'a>(
    out: &mut impl Write,
    fields: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    for (at, field) in fields.enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        let field = match *IS_TERMINAL {
            true => escape(field),
            false => field.into(),
        };
        if field.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// The order of ids. Numbers in them compare by value: cpu10 follows cpu9.
pub(crate) fn by_id(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (number_a, rest_a) = leading_digits(a);
        let (number_b, rest_b) = leading_digits(b);
        // Without leading zeros, the longer number is the larger.
        let size = |digits: &str| digits.trim_start_matches('0').len();
        let order = match (number_a, number_b) {
            ("", "") => match (a.chars().next(), b.chars().next()) {
                (Some(first_a), Some(first_b)) if first_a == first_b => {
                    (a, b) = (&a[first_a.len_utf8()..], &b[first_b.len_utf8()..]);
                    continue;
                }
                (first_a, first_b) => return first_a.cmp(&first_b),
            },
            ("", _) | (_, "") => return a.cmp(b),
            _ => size(number_a).cmp(&size(number_b)),
        };
        let order = order.then_with(|| number_a.cmp(number_b));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

fn leading_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use sampled::reading::Fault;

    use super::*;

    fn frame(timestamp: u64, readings: Vec<(&str, Reading)>) -> Frame {
        let readings = readings.into_iter();
        Frame {
            timestamp,
            readings: readings
                .map(|(id, reading)| (id.to_owned(), reading))
                .collect(),
        }
    }

    fn number(value: f64) -> Reading {
        Ok(Value::Number(value))
    }

    #[test]
    fn json_has_full_precision() {
        let check = |readings, expected: &str| {
            let json = serde_json::to_string(&frame(1_764_000_000_000_000, readings));
            assert_eq!(json.unwrap(), expected);
        };
        check(
            vec![
                ("b", number(0.1 + 0.2)),
                ("a", Ok(Value::Text("\"x\" ä".into()))),
                ("c", Err(Fault::First)),
            ],
            r#"{"timestamp":1764000000000000,"readings":{"b":0.30000000000000004,"a":"\"x\" ä"},"faults":{"c":"first"}}"#,
        );
        check(
            vec![],
            r#"{"timestamp":1764000000000000,"readings":{},"faults":{}}"#,
        );
    }

    #[test]
    fn csv_has_full_precision() {
        let mut csv = Csv::default();
        let mut out = Vec::new();
        let frames = [
            frame(1, vec![("a", number(0.1 + 0.2)), ("b", number(1e21))]),
            frame(
                2,
                vec![
                    ("b", Err(Fault::Gone)),
                    ("a", Ok(Value::Text("1,\"2\"".into()))),
                ],
            ),
            frame(3, vec![("b", number(3.0)), ("c", number(4.0))]),
        ];
        for frame in &frames {
            csv.write(&mut out, frame).unwrap();
        }
        let expected = "timestamp,a,b\n\
                        1,0.30000000000000004,1000000000000000000000\n\
                        2,\"1,\"\"2\"\"\",\n\
                        3,,3\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn ids_are_ordered_by_their_numbers() {
        let check = |ids: &[&str]| {
            let mut sorted = ids.to_vec();
            sorted.sort_by(|a, b| by_id(a, b));
            assert_eq!(sorted, ids);
            sorted.reverse();
            sorted.sort_by(|a, b| by_id(a, b));
            assert_eq!(sorted, ids);
        };
        check(&[
            "cpu/all/usage",
            "cpu/cpu2/usage",
            "cpu/cpu10/user",
            "memory",
        ]);
        check(&["cpu/cpu1/user", "cpu/cpu2/usage", "cpu/cpu2/user"]);
        check(&["a", "a1", "a1b", "a18446744073709551616", "ab", "b"]);
        check(&["a-", "a1"]);
    }
}
