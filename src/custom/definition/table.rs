//! One TOML table of a file of definitions: typed values of its keys, and diagnostics.

use std::{ffi::OsString, path::Path, time::Duration};

use regex::{Regex, RegexBuilder};
use toml::de::{DeTable, DeValue};

use crate::{
    custom::command::Program,
    diagnostic::{self, Diagnostic, Key, Value},
    duration,
    expression::Expression,
    metric::Kind,
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

/// The most parts of a path with `*`. No file of the kernel is as deep.
const MOST_PARTS: usize = 32;

/// The most memory of a compiled regular expression, in bytes: many times the need of one that finds a number.
const LARGEST_REGEX: usize = 256 * 1024;

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

    /// A number of decimals.
    pub(super) fn precision(&mut self) -> Option<u8> {
        // A double has no more decimal digits.
        const MOST: f64 = 15.0;
        let number = self.number("precision")?;
        if number.fract() == 0.0 && (0.0..=MOST).contains(&number) {
            return Some(number as u8);
        }
        self.report("precision", "a whole number from 0 to 15 is expected");
        None
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

    pub(super) fn kind(&mut self) -> Kind {
        let kind = self.understand("kind", |text| match text {
            "gauge" => Ok(Kind::Gauge),
            "rate" => Ok(Kind::Rate),
            "total" => Ok(Kind::Total),
            "text" => Ok(Kind::Text),
            _ => Err("gauge, rate, total or text is expected".to_owned()),
        });
        kind.unwrap_or(Kind::Gauge)
    }

    /// A unit of UCUM: ASCII without blanks.
    pub(super) fn unit(&mut self) -> Option<String> {
        self.understand("unit", |text| match text {
            text if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text.to_owned()),
            _ => Err("a unit of UCUM is expected, such as Cel, By/s or %".to_owned()),
        })
    }

    /// A regular expression. The regex crate matches every expression in linear time.
    pub(super) fn regex(&mut self) -> Option<Regex> {
        self.understand("regex", |text| {
            let regex = RegexBuilder::new(text).size_limit(LARGEST_REGEX).build();
            // The library's message has several lines: a drawing, then the error.
            let what = |error: regex::Error| error.to_string().lines().last().map(str::to_owned);
            regex.map_err(|error| what(error).unwrap_or_default())
        })
    }

    /// An expression over other metrics.
    pub(super) fn expression(&mut self) -> Option<Expression> {
        self.understand("expression", |text| {
            Expression::parse(text).map_err(|error| error.to_string())
        })
    }

    /// A JSON Pointer, RFC 6901.
    pub(super) fn pointer(&mut self) -> Option<String> {
        self.understand("json", |text| {
            let mut escapes = text.split('~').skip(1);
            match text {
                _ if !text.starts_with('/') => {
                    Err("a JSON Pointer begins with a slash, such as /a/0/b".to_owned())
                }
                _ if escapes.any(|rest| !rest.starts_with(['0', '1'])) => {
                    Err("in a JSON Pointer, ~0 stands for ~ and ~1 for /".to_owned())
                }
                _ => Ok(text.to_owned()),
            }
        })
    }

    /// The path of a file, which may contain `*`.
    pub(super) fn path(&mut self, home: Option<&Path>) -> Option<String> {
        self.understand("file", |text| {
            let path = absolute(text, home)?;
            if path.contains("**") {
                return Err(
                    "** is not supported: * stands for a name between two slashes".to_owned(),
                );
            }
            if path.contains('*') {
                let parts = path.split('/').filter(|part| !part.is_empty()).count();
                if parts > MOST_PARTS {
                    return Err(format!(
                        "a path with * has at most {MOST_PARTS} parts, and this one has {parts}"
                    ));
                }
                glob::Pattern::new(&path).map_err(|error| error.to_string())?;
            }
            Ok(path)
        })
    }

    /// The program of a command: `argv` or `shell`.
    pub(super) fn program(&mut self, home: Option<&Path>) -> Option<Program> {
        match (self.has("argv"), self.has("shell")) {
            (true, false) => {
                let argv = self.argv()?;
                let [program, arguments @ ..] = &argv[..] else {
                    self.report("argv", "a program and its arguments are expected");
                    return None;
                };
                let program = match program.contains('/') || program == "~" {
                    true => absolute(program, home),
                    false if program.is_empty() => Err("a program is expected".to_owned()),
                    // exec looks for it in PATH.
                    false => Ok(program.clone()),
                };
                match program {
                    Ok(program) => {
                        let argv = [&program].into_iter().chain(arguments);
                        Some(Program::Argv(argv.map(OsString::from).collect()))
                    }
                    Err(why) => {
                        self.report("argv", why);
                        None
                    }
                }
            }
            (false, true) => {
                let text = self.read("shell", "a text in quotes", |value| {
                    value.as_str().map(str::to_owned)
                })?;
                if text.trim().is_empty() || text.contains('\0') {
                    self.report("shell", "a command for /bin/sh is expected");
                    return None;
                }
                Some(Program::Shell(text.into()))
            }
            (argv, _) => {
                let found = if argv { "both are" } else { "none is" };
                self.report_table(format_args!(
                    "one of argv and shell is expected, and {found} given"
                ));
                None
            }
        }
    }

    fn argv(&mut self) -> Option<Vec<String>> {
        let expected = "an array of texts, the first of them a program";
        self.read("argv", expected, |value| {
            let texts = value.as_array()?.iter().map(|value| {
                let text = value.get_ref().as_str();
                text.filter(|text| !text.contains('\0')).map(str::to_owned)
            });
            texts.collect()
        })
    }
}

/// An absolute path, which does not depend on the working directory of the service.
fn absolute(text: &str, home: Option<&Path>) -> Result<String, String> {
    if text.contains('\0') {
        return Err("no path has a zero byte".to_owned());
    }
    match (text.strip_prefix("~/"), home.and_then(Path::to_str)) {
        (None, _) if text.starts_with('/') => Ok(text.to_owned()),
        (None, _) => Err("an absolute path is expected, or one that begins with ~/".to_owned()),
        (Some(rest), Some(home)) => Ok(format!("{}/{rest}", home.trim_end_matches('/'))),
        (Some(_), None) => Err("HOME is not set to a path".to_owned()),
    }
}
