//! Extracts a value from a text. A pure function.

use regex_lite::Regex;
use serde_json::Value;

use crate::reading::Raw;

/// The way to find a value in a text and to convert it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Extract {
    pub(super) find: Find,
    pub(super) form: Form,
}

/// The position of the value in the text.
#[derive(Clone, Debug)]
pub(super) enum Find {
    /// The whole text, without the blanks around it.
    Whole,
    /// The first group of a regular expression, or the whole match if it has no group.
    Regex(Regex),
    /// A JSON Pointer, RFC 6901.
    Json(String),
}

impl PartialEq for Find {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole, Self::Whole) => true,
            (Self::Regex(one), Self::Regex(two)) => one.as_str() == two.as_str(),
            (Self::Json(one), Self::Json(two)) => one == two,
            _ => false,
        }
    }
}

/// The type of the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// A number, multiplied by `scale`, plus `offset`.
    Number { scale: f64, offset: f64 },
    /// A whole number that only grows. A rate is multiplied by `scale`.
    Counter { scale: f64 },
    /// A text.
    Text,
}

/// The longest text, in bytes: more than a program shows.
const LONGEST_TEXT: usize = 4096;

impl Extract {
    /// Extracts the value.
    ///
    /// # Errors
    /// The reason in words, with the text that was found instead.
    pub(super) fn of(&self, text: &[u8]) -> Result<Raw, String> {
        let text = std::str::from_utf8(text)
            .map_err(|_| format!("{} is no text in UTF-8", shown(text)))?;
        let found = match &self.find {
            Find::Whole => text.trim_ascii(),
            Find::Regex(regex) => {
                let groups = regex.captures(text);
                let found = groups.and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
                let found = found.map(|found| found.as_str().trim_ascii());
                found.ok_or_else(|| {
                    let (regex, text) = (regex.as_str(), shown(text.as_bytes()));
                    format!("nothing in {text} matches {regex:?}")
                })?
            }
            Find::Json(pointer) => return self.of_json(pointer, text),
        };
        self.of_word(found)
    }

    fn of_json(&self, pointer: &str, text: &str) -> Result<Raw, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("{} is no JSON: {error}", shown(text.as_bytes())))?;
        let found = value
            .pointer(pointer)
            .ok_or_else(|| format!("{} has no {pointer:?}", shown(text.as_bytes())))?;
        match found {
            Value::String(text) => self.of_word(text.trim_ascii()),
            // Through its text, not through f64: a counter beyond 2^53 keeps its bits.
            Value::Number(number) => self.of_word(&number.to_string()),
            Value::Bool(fact) if self.form == Form::Text => self.of_word(&fact.to_string()),
            other => Err(format!(
                "{pointer:?} is {}, and neither a number nor a text",
                shown(other.to_string().as_bytes())
            )),
        }
    }

    fn of_word(&self, word: &str) -> Result<Raw, String> {
        match self.form {
            Form::Number { scale, offset } => {
                let number = number(word)? * scale + offset;
                if number.is_finite() {
                    return Ok(Raw::Number(number));
                }
                Err(format!("{} is too large", shown(word.as_bytes())))
            }
            Form::Counter { .. } => {
                let is_whole = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
                let count = word.parse().ok().filter(|_| is_whole);
                count.map(Raw::Counter).ok_or_else(|| {
                    let word = shown(word.as_bytes());
                    format!("{word} is no whole number of 0 to 2^64 - 1, as a counter is")
                })
            }
            Form::Text if word.len() > LONGEST_TEXT => Err(format!(
                "{} has {} bytes: a text has at most {LONGEST_TEXT}",
                shown(word.as_bytes()),
                word.len()
            )),
            // A D-Bus string cannot contain it.
            Form::Text if word.contains('\0') => {
                Err(format!("{} has a zero byte", shown(word.as_bytes())))
            }
            Form::Text => Ok(Raw::Text(word.into())),
        }
    }
}

/// A decimal number with a point and an optional exponent: the syntax of [`f64`] without `inf` and `nan`.
fn number(word: &str) -> Result<f64, String> {
    let is_written = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let is_number = word.bytes().all(is_written);
    let number = word.parse::<f64>().ok().filter(|_| is_number);
    match number {
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => Err(format!("{} is too large", shown(word.as_bytes()))),
        None if word.is_empty() => Err("nothing is there, and a number is expected".to_owned()),
        None if word.contains(',') => Err(format!(
            "{} is no number: its decimals stand behind a point",
            shown(word.as_bytes())
        )),
        None => Err(format!("{} is no number", shown(word.as_bytes()))),
    }
}

/// A found text for a message: shortened, and with control characters escaped.
pub(super) fn shown(text: &[u8]) -> String {
    const MOST: usize = 40;
    let cut = &text[..text.len().min(MOST)];
    let rest = if text.len() > MOST { "..." } else { "" };
    format!("\"{}\"{rest}", cut.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: Form = Form::Number {
        scale: 1.0,
        offset: 0.0,
    };

    const COUNTER: Form = Form::Counter { scale: 1.0 };

    #[track_caller]
    fn check(find: Find, form: Form, text: impl AsRef<[u8]>, expected: Result<Raw, &str>) {
        let found = Extract { find, form }.of(text.as_ref());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    fn regex(text: &str) -> Find {
        Find::Regex(Regex::new(text).unwrap())
    }

    fn json(pointer: &str) -> Find {
        Find::Json(pointer.to_owned())
    }

    #[test]
    fn a_whole_text_is_a_number() {
        let is = |text: &str, number| check(Find::Whole, NUMBER, text, Ok(Raw::Number(number)));
        is("21500\n", 21500.0);
        is(" \t-3.5\r\n", -3.5);
        is("+7", 7.0);
        is("1e3", 1000.0);
        is("2.5E-1", 0.25);
        is("007", 7.0);
        is(".5", 0.5);
        is("0", 0.0);
    }

    #[test]
    fn an_invalid_number_is_quoted() {
        let is_not = |text: &str, why| check(Find::Whole, NUMBER, text, Err(why));
        let comma = "\"1,5\" is no number: its decimals stand behind a point";
        is_not("1,5\n", comma);
        is_not("NaN", "\"NaN\" is no number");
        is_not("inf", "\"inf\" is no number");
        is_not("-infinity", "\"-infinity\" is no number");
        is_not("1e400", "\"1e400\" is too large");
        is_not("", "nothing is there, and a number is expected");
        is_not(" \n", "nothing is there, and a number is expected");
        is_not("0x1F", "\"0x1F\" is no number");
        is_not("21 C", "\"21 C\" is no number");
        is_not("1 2", "\"1 2\" is no number");
        is_not("1_000", "\"1_000\" is no number");
        is_not("--1", "\"--1\" is no number");
        is_not("\u{0661}", "\"\\xd9\\xa1\" is no number");
        is_not("a\0\n\x1bb", "\"a\\x00\\n\\x1bb\" is no number");
        let long = "9".repeat(50_000);
        let why = format!("\"{}\"... is too large", "9".repeat(40));
        is_not(&long, &why);
        let binary = "\"\\xff\\xfe\\x00\" is no text in UTF-8";
        check(Find::Whole, NUMBER, b"\xff\xfe\0", Err(binary));
    }

    #[test]
    fn numbers_are_scaled_and_shifted() {
        let form = Form::Number {
            scale: 0.001,
            offset: -1.0,
        };
        check(Find::Whole, form, "21500", Ok(Raw::Number(20.5)));
        let form = Form::Number {
            scale: 1e300,
            offset: 0.0,
        };
        check(Find::Whole, form, "1e300", Err("\"1e300\" is too large"));
    }

    #[test]
    fn a_counter_is_whole() {
        let is = |text: &str, count| check(Find::Whole, COUNTER, text, Ok(count));
        is("18446744073709551615\n", Raw::Counter(u64::MAX));
        let is_not = |text: &str| {
            let why = format!("\"{text}\" is no whole number of 0 to 2^64 - 1, as a counter is");
            check(Find::Whole, COUNTER, text, Err(&why));
        };
        for text in ["1.5", "-1", "+1", "1e3", "", "18446744073709551616", "0x1"] {
            is_not(text);
        }
    }

    #[test]
    fn regexes() {
        let text = "2c 01 : crc=2c YES\n2c 01 t=18750\n";
        let thousandth = Ok(Raw::Number(18750.0));
        check(regex(r"t=(-?\d+)"), NUMBER, text, thousandth);
        check(regex(r"\d+$"), NUMBER, "a 5", Ok(Raw::Number(5.0)));
        check(
            regex(r"u=(\d+)"),
            NUMBER,
            "t=1",
            Err("nothing in \"t=1\" matches \"u=(\\\\d+)\""),
        );
        // A group that takes no part in the match: the whole match counts.
        check(regex(r"(x)?5"), NUMBER, "5", Ok(Raw::Number(5.0)));
        check(regex("(.*)"), NUMBER, "x", Err("\"x\" is no number"));
    }

    #[test]
    fn json_pointers() {
        let text = r#"{"a": [{"b": 1.5}, "2.5", null, true], "rx": 18446744073709551615, "": 7}"#;
        let is = |pointer, number| check(json(pointer), NUMBER, text, Ok(Raw::Number(number)));
        is("/a/0/b", 1.5);
        is("/a/1", 2.5);
        is("/", 7.0);
        check(json("/rx"), COUNTER, text, Ok(Raw::Counter(u64::MAX)));
        check(json("/a/3"), Form::Text, text, Ok(Raw::Text("true".into())));
        check(json("/a/1"), Form::Text, text, Ok(Raw::Text("2.5".into())));
        let is_not = |pointer, text: &str, why| check(json(pointer), NUMBER, text, Err(why));
        is_not("/b", "{\"a\": 1}", "\"{\\\"a\\\": 1}\" has no \"/b\"");
        let null = "\"/a\" is \"null\", and neither a number nor a text";
        is_not("/a", "{\"a\": null}", null);
        let no_json = "\"{\" is no JSON: EOF while parsing an object at line 1 column 1";
        is_not("/a", "{", no_json);
        let too_large = "\"[1e400]\" is no JSON: number out of range at line 1 column 6";
        is_not("/0", "[1e400]", too_large);
        // Deep nesting does not exhaust the stack.
        let deep = "[".repeat(60_000);
        let found = Extract {
            find: json("/0"),
            form: NUMBER,
        };
        assert!(found.of(deep.as_bytes()).is_err());
    }

    #[test]
    fn texts() {
        let is = |text: &str, fact: &str| {
            check(Find::Whole, Form::Text, text, Ok(Raw::Text(fact.into())));
        };
        is(" fine, 1,5\n", "fine, 1,5");
        is("", "");
        check(
            Find::Whole,
            Form::Text,
            "a\0b",
            Err("\"a\\x00b\" has a zero byte"),
        );
        let long = "x".repeat(4097);
        let why = format!(
            "\"{}\"... has 4097 bytes: a text has at most 4096",
            &long[..40]
        );
        check(Find::Whole, Form::Text, &long, Err(&why));
    }
}
