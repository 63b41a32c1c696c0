//! The keys of definitions: their types, beyond those of TOML, and their limits.

use std::{ffi::OsString, path::Path};

use regex_lite::{Regex, RegexBuilder};

use super::DefinitionTable;
use crate::{custom::command::Program, expression::Expression, metric::Kind};

/// The most parts of a path with `*`. No file of the kernel is as deep.
const MOST_PARTS: usize = 32;

/// The most memory of a compiled regular expression, in bytes: many times the need of one that finds a number.
const LARGEST_REGEX: usize = 256 * 1024;

impl DefinitionTable<'_, '_> {
    /// A number of decimals.
    pub(in crate::custom::definition) fn precision(&mut self) -> Option<u8> {
        // A double has no more decimal digits.
        const MOST: f64 = 15.0;
        let number = self.number("precision")?;
        if number.fract() == 0.0 && (0.0..=MOST).contains(&number) {
            return Some(number as u8);
        }
        self.report("precision", "a whole number from 0 to 15 is expected");
        None
    }

    pub(in crate::custom::definition) fn kind(&mut self) -> Kind {
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
    pub(in crate::custom::definition) fn unit(&mut self) -> Option<String> {
        self.understand("unit", |text| match text {
            text if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text.to_owned()),
            _ => Err("a unit of UCUM is expected, such as Cel, By/s or %".to_owned()),
        })
    }

    /// A regular expression. The library matches every expression in linear time, and has no Unicode tables: with those
    /// of its larger sister, the loader would write 120 KiB more at each start.
    pub(in crate::custom::definition) fn regex(&mut self) -> Option<Regex> {
        self.understand("regex", |text| {
            let regex = RegexBuilder::new(text).size_limit(LARGEST_REGEX).build();
            regex.map_err(|error| error.to_string())
        })
    }

    /// An expression over other metrics.
    pub(in crate::custom::definition) fn expression(&mut self) -> Option<Expression> {
        self.understand("expression", |text| {
            Expression::parse(text).map_err(|error| error.to_string())
        })
    }

    /// A JSON Pointer, RFC 6901.
    pub(in crate::custom::definition) fn pointer(&mut self) -> Option<String> {
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
    pub(in crate::custom::definition) fn path(&mut self, home: Option<&Path>) -> Option<String> {
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
    pub(in crate::custom::definition) fn program(
        &mut self,
        home: Option<&Path>,
    ) -> Option<Program> {
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
