//! Arithmetic over metrics: `disk/all/read + disk/all/write`, `max(lmsensors/*/temp1) - 20`.
//!
//! A metric is written as its id. Devices may have `-`, `+`, `.`, `:`, `@` and `%` in their names, so an
//! operator that follows an id is set apart by a space. What a pattern with `*` means is made one
//! number by `sum`, `mean`, `min`, `max` or `count`.

use std::fmt;

use exmex::{Express, FlatEx};

/// An expression, ready to be evaluated.
#[derive(Clone)]
pub struct Expression {
    text: String,
    tree: FlatEx<f64>,
    inputs: Vec<Operand>,
}

/// The longest expression, in bytes: the library takes the square of the time for twice the text.
pub const LONGEST: usize = 1024;

/// How deep one may be computed from another that is computed from another.
pub const DEPTH: usize = 16;

/// What an expression needs a number of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// The id of a metric; a selector, where there is a [`Fold`].
    pub selector: String,
    /// How the readings of all metrics that are selected become one number.
    pub fold: Option<Fold>,
}

/// What makes one number of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// `sum(...)`
    Sum,
    /// `mean(...)`
    Mean,
    /// `min(...)`
    Min,
    /// `max(...)`
    Max,
    /// `count(...)`: how many there are.
    Count,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    /// How many bytes of the text come before the mistake.
    pub at: usize,
    what: String,
}

/// The functions of numbers, as the library calls them.
const FUNCTIONS: [&str; 13] = [
    "abs", "ceil", "exp", "floor", "ln", "log10", "log2", "max", "min", "round", "signum", "sqrt",
    "trunc",
];

const FOLDS: [(&str, Fold); 5] = [
    ("sum", Fold::Sum),
    ("mean", Fold::Mean),
    ("min", Fold::Min),
    ("max", Fold::Max),
    ("count", Fold::Count),
];

impl Expression {
    /// Parses an expression: numbers, ids, `+ - * / ^`, parentheses, functions.
    ///
    /// # Errors
    /// When it is not well formed, with what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST {
            let what = format!("an expression has at most {LONGEST} bytes");
            return Err(Error::new(0, what));
        }
        let mut reader = Reader {
            text,
            at: 0,
            plain: String::new(),
            inputs: Vec::new(),
        };
        reader.read()?;
        let Reader { plain, inputs, .. } = reader;
        let mistake = |error: exmex::ExError| Error::new(0, error.msg());
        let tree = FlatEx::parse(&plain).map_err(mistake)?;
        // The library finds out only now that something is missing between two operands.
        tree.eval(&vec![1.0; inputs.len()]).map_err(mistake)?;
        Ok(Self {
            text: text.to_owned(),
            tree,
            inputs,
        })
    }

    /// What it needs, each once.
    pub fn operands(&self) -> &[Operand] {
        &self.inputs
    }

    /// The value, given that of each of the [`inputs`](Self::inputs). It may be infinite or no number,
    /// as that of a division by zero is.
    pub fn evaluate(&self, inputs: &[f64]) -> f64 {
        // It has been evaluated with as many numbers when it was parsed.
        self.tree.eval(inputs).unwrap_or(f64::NAN)
    }
}

impl Fold {
    /// One number for many; no number for none, but as their count.
    pub fn apply(self, values: &[f64]) -> f64 {
        let sum = || values.iter().sum::<f64>();
        match self {
            Self::Count => values.len() as f64,
            _ if values.is_empty() => f64::NAN,
            Self::Sum => sum(),
            Self::Mean => sum() / values.len() as f64,
            Self::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            Self::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error {
    fn new(at: usize, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }
}

/// Makes of the text one that the library understands, which knows no ids: variables instead.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    plain: String,
    inputs: Vec<Operand>,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), Error> {
        while let Some(next) = self.rest().chars().next() {
            match next {
                '0'..='9' | '.' => self.number()?,
                'a'..='z' | 'A'..='Z' => self.word()?,
                '+' | '-' | '*' | '/' | '^' | '(' | ')' | ',' => {
                    self.plain.push(next);
                    self.skip(1);
                }
                _ if next.is_whitespace() => {
                    self.plain.push(' ');
                    self.skip(next.len_utf8());
                }
                _ => return Err(Error::new(self.at, format!("{next:?} has no meaning here"))),
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self, length: usize) {
        self.at = self.at.saturating_add(length).min(self.text.len());
    }

    /// The bytes from here on that may be part of what is being read.
    fn run(&self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !belongs(byte));
        &rest[..end.unwrap_or(rest.len())]
    }

    fn number(&mut self) -> Result<(), Error> {
        let mut text = self.run(|byte| byte.is_ascii_digit() || byte == b'.');
        let after = &self.rest().as_bytes()[text.len()..];
        if let [b'e' | b'E', after @ ..] = after {
            let sign = usize::from(matches!(after, [b'+' | b'-', ..]));
            let digits = after[sign..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit());
            let length = [text.len(), 1, sign, digits.count()].iter().sum();
            text = self.rest().get(..length).unwrap_or(text);
        }
        let number: Option<f64> = text.parse().ok();
        let Some(number) = number.filter(|number| number.is_finite()) else {
            return Err(Error::new(self.at, format!("{text:?} is no number")));
        };
        // In decimal digits: the library knows no exponents.
        self.plain.push_str(&number.to_string());
        self.skip(text.len());
        Ok(())
    }

    fn word(&mut self) -> Result<(), Error> {
        let id = self.run(is_of_ids);
        if id.bytes().filter(|&byte| byte == b'/').count() >= 2 {
            self.input(id, None);
            self.skip(id.len());
            return Ok(());
        }
        let word = self.run(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let fold = FOLDS.into_iter().find(|(name, _)| *name == word);
        if let Some((_, fold)) = fold
            && let Some((selector, length)) = selector_in(&self.rest()[word.len()..])
        {
            self.input(selector, Some(fold));
            self.skip(word.len());
            self.skip(length);
            return Ok(());
        }
        if FUNCTIONS.contains(&word) {
            self.plain.push_str(word);
            self.skip(word.len());
            return Ok(());
        }
        let what = match fold {
            Some(_) => format!("{word}: a selector is expected after it: {word}(cpu/*/usage)"),
            None => format!(
                "{id}: neither a metric (source/object/property) nor a function ({}, sum, mean, count)",
                FUNCTIONS.join(", ")
            ),
        };
        Err(Error::new(self.at, what))
    }

    fn input(&mut self, selector: &str, fold: Option<Fold>) {
        let input = Operand {
            selector: selector.to_owned(),
            fold,
        };
        let known = self.inputs.iter().position(|known| *known == input);
        let place = known.unwrap_or_else(|| {
            let place = self.inputs.len();
            self.inputs.push(input);
            place
        });
        // The library hands values out in the order of the names.
        self.plain.push_str(&format!("{{v{place:08}}}"));
    }
}

/// Whether a byte may stand in an id.
fn is_of_ids(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._:@+-%".contains(&byte)
}

/// The selector that stands alone in parentheses, and the length of both.
fn selector_in(text: &str) -> Option<(&str, usize)> {
    let (inside, after) = text.strip_prefix('(')?.split_once(')')?;
    let selector = inside.trim();
    let is_selector = selector.contains('/')
        && selector.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*')
        && selector.bytes().all(|byte| is_of_ids(byte) || byte == b'*');
    is_selector.then_some((selector, text.len().saturating_sub(after.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates with 10 for the first input, 100 for the second, and so on.
    #[track_caller]
    fn check(text: &str, inputs: &[&str], expected: f64) {
        let expression = Expression::parse(text).unwrap();
        let found = expression.operands().iter().map(|input| match input.fold {
            Some(fold) => format!("{fold:?} {}", input.selector),
            None => input.selector.clone(),
        });
        let found: Vec<_> = found.collect();
        assert_eq!(found, inputs);
        let values: Vec<_> = (1..)
            .map(|power| 10f64.powi(power))
            .take(inputs.len())
            .collect();
        assert_eq!(expression.evaluate(&values), expected, "{text}");
    }

    #[track_caller]
    fn refuses(text: &str, at: usize, expected: &str) {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!((error.at, error.to_string().as_str()), (at, expected));
    }

    #[test]
    fn arithmetic() {
        check("2 - 3 - 4", &[], -5.0);
        check("2+3*4", &[], 14.0);
        check("(2+3)*4", &[], 20.0);
        check("8 / 4 / 2", &[], 1.0);
        check("2^-1", &[], 0.5);
        check("1e3 + 2.5E-1 + .5", &[], 1000.75);
        check("-(3)", &[], -3.0);
        check("max(1, 2) + min(3, 4)", &[], 5.0);
        check("sqrt(16) + abs(-2) + round(2.5)", &[], 9.0);
        check("0.1 + 0.2", &[], 0.1 + 0.2);
        check("1e-7", &[], 1e-7);
    }

    #[test]
    fn metrics_are_inputs() {
        check(
            "disk/all/read + disk/all/write",
            &["disk/all/read", "disk/all/write"],
            110.0,
        );
        check("cpu/all/usage*2", &["cpu/all/usage"], 20.0);
        check("(cpu/all/usage)/2", &["cpu/all/usage"], 5.0);
        check("2*cpu/all/usage", &["cpu/all/usage"], 20.0);
        check("a/b/c - a/b/c", &["a/b/c"], 0.0);
        check(
            "b/b/b / a/a/a + network/wlan0%20x/10-G+y",
            &["b/b/b", "a/a/a", "network/wlan0%20x/10-G+y"],
            1000.1,
        );
        check("max(a/b/c, 11)", &["a/b/c"], 11.0);
        check("max(a/b/c, d/e/f)", &["a/b/c", "d/e/f"], 100.0);
    }

    #[test]
    fn patterns_are_folded() {
        check(
            "sum(disk/*/temperature) / count( disk/*/temperature )",
            &["Sum disk/*/temperature", "Count disk/*/temperature"],
            0.1,
        );
        check("max(*/all/usage) - 20", &["Max */all/usage"], -10.0);
        check(
            "min(lmsensors/a*/t) + mean(lmsensors)"
                .replace("lmsensors)", "x/y)")
                .as_str(),
            &["Min lmsensors/a*/t", "Mean x/y"],
            110.0,
        );
        let values = [3.0, 1.0, 2.0];
        let fold = |fold: Fold| fold.apply(&values);
        assert_eq!(fold(Fold::Sum), 6.0);
        assert_eq!(fold(Fold::Mean), 2.0);
        assert_eq!(fold(Fold::Min), 1.0);
        assert_eq!(fold(Fold::Max), 3.0);
        assert_eq!(fold(Fold::Count), 3.0);
        assert!(Fold::Sum.apply(&[]).is_nan());
        assert_eq!(Fold::Count.apply(&[]), 0.0);
    }

    #[test]
    fn length_is_limited() {
        let nested = |depth| format!("{}7{}", "(".repeat(depth), ")".repeat(depth));
        let minus = |count| "-".repeat(count) + "7";
        let functions = |depth| format!("{}7{}", "abs(".repeat(depth), ")".repeat(depth));
        let sum = |count| "1+".repeat(count) + "1";
        check(&nested(511), &[], 7.0);
        check(&minus(1023), &[], -7.0);
        check(&functions(204), &[], 7.0);
        check(&sum(511), &[], 512.0);
        let refused = "an expression has at most 1024 bytes";
        for text in [nested(512), minus(1024), nested(100_000), minus(100_000)] {
            refuses(&text, 0, refused);
        }
        refuses(&functions(100_000), 0, refused);
        refuses(&sum(100_000), 0, refused);
    }

    #[test]
    fn more_than_ten_inputs_keep_their_order() {
        let ids: Vec<_> = (0..12).map(|number| format!("a/b/c{number}")).collect();
        let expression = Expression::parse(&ids.join(" + 2 * ")).unwrap();
        let mut values = vec![0.0; 12];
        values[0] = 1.0;
        assert_eq!(expression.evaluate(&values), 1.0);
        values[11] = 1.0;
        assert_eq!(expression.evaluate(&values), 3.0);
    }

    #[test]
    fn what_cannot_be_computed_is_no_number() {
        let divided = Expression::parse("1 / a/b/c").unwrap();
        assert!(!divided.evaluate(&[0.0]).is_finite());
    }

    #[test]
    fn mistakes_have_a_place() {
        const KNOWN: &str = "neither a metric (source/object/property) nor a function (abs, ceil, exp, \
                             floor, ln, log10, log2, max, min, round, signum, sqrt, trunc, sum, mean, count)";
        refuses("2 + usage", 4, &format!("usage: {KNOWN}"));
        refuses("cpu/all + 1", 0, &format!("cpu/all: {KNOWN}"));
        refuses("a/b/c > 3", 6, "'>' has no meaning here");
        refuses("a/b/c + ä", 8, "'ä' has no meaning here");
        refuses("1.2.3", 0, "\"1.2.3\" is no number");
        refuses("1e999", 0, "\"1e999\" is no number");
        refuses(
            "3 + sum(4, 5)",
            4,
            "sum: a selector is expected after it: sum(cpu/*/usage)",
        );
        refuses("$(reboot)", 0, "'$' has no meaning here");
        for text in [
            "",
            "  ",
            "1 +",
            "(1",
            "1)",
            "1 2",
            "a/b/c d/e/f",
            "* 2",
            "1,5",
            "abs",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
