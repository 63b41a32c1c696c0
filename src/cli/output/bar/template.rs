//! Templates: text with `{ID}` in it, for a line with the values of metrics.

use std::{collections::BTreeMap, str::FromStr};

use sampled::{
    client::Metadata,
    reading::{Reading, Value},
};

use crate::cli::output::{
    frame::Frame,
    terminal_text::{escape, width},
    units::{decimals, readable_to},
};

/// The most parts of a template.
const MOST_PARTS: usize = 256;

/// The most decimals, and the widest padding.
const MOST_PLACES: usize = 17;
const WIDEST: usize = 200;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// A value in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placeholder {
    id: String,
    /// The decimals, if they are given.
    places: Option<usize>,
    /// Without scale and unit.
    is_raw: bool,
    /// The least width, in columns.
    width: usize,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(['\n', '\r']) {
            return Err("a template is one line".to_owned());
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some(after) = from.strip_prefix('{') {
                let (inside, after) = after
                    .split_once('}')
                    .ok_or_else(|| format!("`{from}` has no `}}`; a brace is written as `{{{{`"))?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Value(inside.parse()?));
                rest = after;
            } else {
                return Err(format!(
                    "`{from}` has no `{{`; a brace is written as `}}}}`"
                ));
            }
            if parts.len() > MOST_PARTS {
                return Err(format!("a template has at most {MOST_PARTS} parts"));
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        let template = Self { parts };
        if template.ids().next().is_none() {
            return Err(
                "a template has the id of a metric in braces, such as {cpu/all/usage}".to_owned(),
            );
        }
        Ok(template)
    }
}

/// Checks that a text has the form of an id: a prefix or a pattern may mean many values.
pub(crate) fn check_id(text: &str) -> Result<(), String> {
    match !text.contains('*') && text.split('/').filter(|part| !part.is_empty()).count() == 3 {
        true => Ok(()),
        false => Err(format!(
            "`{text}` is no id of a metric, such as cpu/all/usage"
        )),
    }
}

impl FromStr for Placeholder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let id = words.next().ok_or("`{}` names no metric")?.to_owned();
        check_id(&id)?;
        let mut placeholder = Self {
            id,
            places: None,
            is_raw: false,
            width: 0,
        };
        for word in words {
            let wrong = || {
                format!(
                    "`{word}` in `{{{text}}}` is none of .N (decimals, at most {MOST_PLACES}), >N (width, at most {WIDEST}) \
                     and raw"
                )
            };
            let number = |most: usize| {
                let number = word.get(1..).and_then(|digits| digits.parse().ok());
                number.filter(|number| *number <= most).ok_or_else(wrong)
            };
            match word.as_bytes() {
                b"raw" => placeholder.is_raw = true,
                [b'.', ..] => placeholder.places = Some(number(MOST_PLACES)?),
                [b'>', ..] => placeholder.width = number(WIDEST)?,
                _ => return Err(wrong()),
            }
        }
        Ok(placeholder)
    }
}

impl Template {
    /// The ids in it.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(value) => Some(&*value.id),
        })
    }

    /// The texts and the values, in order; `quote` protects what the reader of the line would interpret in a value.
    pub(crate) fn pieces(
        &self,
        frame: &Frame,
        metrics: &BTreeMap<String, Metadata>,
        quote: impl Fn(&str) -> String,
    ) -> Vec<String> {
        let pieces = self.parts.iter().map(|part| match part {
            Part::Text(literal) => literal.clone(),
            Part::Value(value) => {
                let unit = metrics.get(&value.id).map_or("", |metric| &*metric.unit);
                quote(&value.text(frame.reading(&value.id), unit))
            }
        });
        pieces.collect()
    }
}

impl Placeholder {
    fn text(&self, reading: Option<&Reading>, unit: &str) -> String {
        let text = match reading {
            Some(Ok(Value::Number(number))) if self.is_raw => match self.places {
                Some(places) => decimals(*number, places),
                None => number.to_string(),
            },
            Some(Ok(Value::Number(number))) => {
                let (number, unit) = readable_to(*number, unit, self.places);
                format!("{number} {unit}").trim_end().to_owned()
            }
            Some(Ok(Value::Text(text))) => escape(text).into_owned(),
            Some(Err(fault)) => fault.code().to_owned(),
            None => "gone".to_owned(),
        };
        let padding = self.width.saturating_sub(width(&text));
        format!("{}{text}", " ".repeat(padding))
    }
}

#[cfg(test)]
mod tests {
    use sampled::reading::Fault;

    use super::{
        super::tests::{frame, metadata},
        *,
    };

    #[test]
    fn a_template_has_values_of_metrics() {
        let frame = frame([
            ("a/b/c", Ok(Value::Number(3.16))),
            ("a/b/used", Ok(Value::Number(13_314_398_617.6))),
            ("a/b/text", Ok(Value::Text("<b>\n".into()))),
            ("a/b/fault", Err(Fault::Denied)),
        ]);
        let metrics = BTreeMap::from([
            ("a/b/c".to_owned(), metadata("%")),
            ("a/b/used".to_owned(), metadata("By")),
        ]);
        let check = |template: &str, expected: &str| {
            let template: Template = template.parse().unwrap();
            let quote = |text: &str| text.replace('<', "&lt;");
            assert_eq!(template.pieces(&frame, &metrics, quote).concat(), expected);
        };
        check("{a/b/c}", "3.2 %");
        check("CPU {a/b/c .0}", "CPU 3 %");
        check("{a/b/c raw .0}%", "3%");
        check("{a/b/c raw}", "3.16");
        check("<b>{a/b/used}</b> {{x}}", "<b>12.4 GiB</b> {x}");
        check("[{a/b/c .1 >8}]", "[   3.2 %]");
        check("{a/b/text}", "&lt;b>\\n");
        check("{a/b/fault} {x/y/z}", "denied gone");
    }

    #[test]
    fn an_error_names_what_is_wrong() {
        let check = |template: &str, culprit: &str| {
            let error = template.parse::<Template>().unwrap_err();
            assert!(error.contains(culprit), "{template}: {error}");
        };
        check("", "{cpu/all/usage}");
        check("CPU", "{cpu/all/usage}");
        check("{", "`{` has no `}`");
        check("a}b", "`}b` has no `{`");
        check("{}", "names no metric");
        check("{cpu}", "`cpu` is no id");
        check("{cpu//usage}", "`cpu//usage` is no id");
        check("a\n{cpu/all/usage}", "one line");
        check("{cpu/*/usage}", "`cpu/*/usage` is no id");
        check("{a/b/c .x}", "`.x` in `{a/b/c .x}`");
        check("{a/b/c .18}", "`.18`");
        check("{a/b/c >201}", "`>201`");
        check("{a/b/c ü}", "`ü`");
        check("{a/b/c -1}", "`-1`");
        check(&"{a/b/c}".repeat(300), "at most 256 parts");
    }
}
