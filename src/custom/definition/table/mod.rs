//! One TOML table of a file of definitions: typed values of its keys, and diagnostics.

mod keys;

use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::{
    diagnostic::{self, Diagnostic, Key, Value},
    duration,
};

/// The table of a metric or a command. An invalid value adds a diagnostic, and reads as `None`.
pub(super) struct DefinitionTable<'a, 'm> {
    /// The prefix of keys in messages: `metrics."room/desk/temperature"`.
    name: String,
    key: &'a Key<'a>,
    table: &'a DeTable<'a>,
    pub(super) diagnostics: &'m mut Vec<Diagnostic>,
}

/// The longest name or description, in bytes.
const LONGEST_TEXT: usize = 1024;

impl<'a, 'm> DefinitionTable<'a, 'm> {
    /// Opens the table of a key in `tables`. Keys that are not `known` add diagnostics.
    pub(super) fn open(
        tables: &str,
        key: &'a Key<'a>,
        value: &'a Value<'a>,
        known: &str,
        diagnostics: &'m mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let name = match &**key.get_ref() {
            name if name.bytes().all(bare) => format!("{tables}.{name}"),
            name => format!("{tables}.{name:?}"),
        };
        let table = match diagnostic::table(&name, value) {
            Ok(table) => table,
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                return None;
            }
        };
        for (key, _) in table {
            if !known.split(", ").any(|known| known == key.get_ref()) {
                diagnostics.push(Diagnostic::unknown(&format!("{name}."), key, known));
            }
        }
        Some(Self {
            name,
            key,
            table,
            diagnostics,
        })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Adds a diagnostic for the value of a key.
    pub(super) fn report(&mut self, key: &str, what: impl std::fmt::Display) {
        let span = self.table.get(key).map(Value::span);
        let span = span.unwrap_or_else(|| self.key.span());
        let what = format!("{}.{key}: {what}", self.name);
        self.diagnostics.push(Diagnostic::new(span, what));
    }

    /// Adds a diagnostic for the whole table.
    pub(super) fn report_table(&mut self, what: impl std::fmt::Display) {
        let what = format!("{}: {what}", self.name);
        self.diagnostics
            .push(Diagnostic::new(self.key.span(), what));
    }

    /// Adds a diagnostic for each of these keys that is present.
    pub(super) fn refuse(&mut self, keys: &[&str], why: &str) {
        for key in keys {
            if self.has(key) {
                self.report(key, why);
            }
        }
    }

    /// Converts a value. `expected` names the type in the diagnostic.
    fn read<T>(
        &mut self,
        key: &str,
        expected: &str,
        understand: impl Fn(&DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.table.get(key)?;
        let understood = understand(value.get_ref());
        if understood.is_none() {
            let key = format!("{}.{key}", self.name);
            self.diagnostics
                .push(Diagnostic::mistyped(&key, expected, value));
        }
        understood
    }

    /// Converts a text. The error of `understand` becomes a diagnostic.
    fn understand<T>(
        &mut self,
        key: &str,
        understand: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key)?;
        match understand(&text) {
            Ok(understood) => Some(understood),
            Err(why) => {
                self.report(key, format_args!("{text:?}: {why}"));
                None
            }
        }
    }

    /// A text that is not blank.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let text = self.read(key, "a text in quotes", |value| {
            value.as_str().map(str::to_owned)
        })?;
        let why = match &text {
            text if text.trim().is_empty() => "a text that is not empty is expected".to_owned(),
            text if text.len() > LONGEST_TEXT => {
                format!("a text of at most {LONGEST_TEXT} bytes is expected")
            }
            text if text.contains(char::is_control) => {
                "a text without control characters is expected".to_owned()
            }
            _ => return Some(text),
        };
        self.report(key, why);
        None
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let flag = diagnostic::flag(&format!("{}.{key}", self.name), self.table.get(key)?);
        flag.map_err(|diagnostic| self.diagnostics.push(diagnostic))
            .ok()
    }

    /// A finite number.
    pub(super) fn number(&mut self, key: &str) -> Option<f64> {
        self.read(key, "a number", |value| {
            let number = match value {
                DeValue::Integer(number) => {
                    let digits = number.as_str().replace('_', "");
                    i64::from_str_radix(&digits, number.radix()).ok()? as f64
                }
                DeValue::Float(number) => number.as_str().replace('_', "").parse().ok()?,
                _ => return None,
            };
            number.is_finite().then_some(number)
        })
    }

    /// A duration of at least 10 ms.
    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        // A sensor that is read more often would load the machine that it observes.
        const SHORTEST: Duration = Duration::from_millis(10);
        self.understand(key, |text| match duration::parse(text) {
            Ok(duration) if duration >= SHORTEST => Ok(duration),
            Ok(_) => Err("10ms is the shortest".to_owned()),
            Err(cause @ duration::Error::TooLong) => Err(cause.to_string()),
            Err(cause) => Err(format!("{cause}: a duration such as \"30s\" is expected")),
        })
    }
}
