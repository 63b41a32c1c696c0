//! Parses expressions into steps for a stack of numbers.
//!
//! A sign or a function applies to what follows it, before `^`; then come `*` and `/`, and then `+` and `-`. Operators of
//! the same rank apply from left to right.

use super::{Error, Fold, Operand};

/// A function of one number.
type Unary = fn(f64) -> f64;

/// A function of two numbers.
type Binary = fn(f64, f64) -> f64;

/// A step of the evaluation.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// Pushes a number.
    Number(f64),
    /// Pushes the value of the operand with this index.
    Operand(usize),
    /// Replaces the last number.
    Unary(Unary),
    /// Replaces the last two numbers by one.
    Binary(Binary),
}

/// The functions of one number. Those of the crate libm are in the executable: the library of the C library would be loaded
/// at each start, for these few.
const UNARY: [(&str, Unary); 11] = [
    ("abs", f64::abs),
    ("ceil", f64::ceil),
    ("exp", libm::exp),
    ("floor", f64::floor),
    ("ln", libm::log),
    ("log10", libm::log10),
    ("log2", libm::log2),
    ("round", f64::round),
    ("signum", f64::signum),
    ("sqrt", f64::sqrt),
    ("trunc", f64::trunc),
];

const BINARY: [(&str, Binary); 2] = [("max", f64::max), ("min", f64::min)];

const FOLDS: [(&str, Fold); 5] = [
    ("sum", Fold::Sum),
    ("mean", Fold::Mean),
    ("min", Fold::Min),
    ("max", Fold::Max),
    ("count", Fold::Count),
];

/// The functions in messages.
const FUNCTIONS: &str = "abs, ceil, exp, floor, ln, log10, log2, max, min, round, signum, sqrt, trunc, sum, mean, count";

/// The operators: their character, their rank, and what they do.
const OPERATORS: [(u8, u8, Binary); 5] = [
    (b'+', 0, |left, right| left + right),
    (b'-', 0, |left, right| left - right),
    (b'*', 1, |left, right| left * right),
    (b'/', 1, |left, right| left / right),
    (b'^', 2, libm::pow),
];

/// Parses an expression: its steps, and its operands.
pub(super) fn parse(text: &str) -> Result<(Vec<Step>, Vec<Operand>), Error> {
    let mut parser = Parser {
        text,
        at: 0,
        steps: Vec::new(),
        operands: Vec::new(),
    };
    parser.operation(0)?;
    match parser.next() {
        None => Ok((parser.steps, parser.operands)),
        Some(b')') => Err(parser.error("this parenthesis was not opened")),
        Some(_) => Err(parser.error("a comma is between the arguments of min and max only")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    steps: Vec<Step>,
    operands: Vec<Operand>,
}

/// The meaning of a word. The step of an operand is there already.
enum Word {
    Operand,
    Unary(Unary),
    Binary(Binary),
}

impl<'a> Parser<'a> {
    /// Parses operands and the operators between them of at least this rank. What follows is the end, `)` or `,`.
    fn operation(&mut self, least: u8) -> Result<(), Error> {
        self.prefixed()?;
        while let Some(next) = self.next() {
            let operator = OPERATORS.into_iter().find(|(byte, ..)| *byte == next);
            match operator {
                Some((_, rank, apply)) if rank >= least => {
                    self.skip(1);
                    self.operation(rank.saturating_add(1))?;
                    self.steps.push(Step::Binary(apply));
                }
                None if !matches!(next, b')' | b',') => return Err(self.no_operator(next)),
                _ => break,
            }
        }
        Ok(())
    }

    /// Parses signs and functions, and what they apply to.
    fn prefixed(&mut self) -> Result<(), Error> {
        let mut prefixes = Vec::new();
        loop {
            match self.next() {
                Some(b'+') => self.skip(1),
                Some(b'-') => {
                    prefixes.push(Step::Unary(|value| -value));
                    self.skip(1);
                }
                Some(b'(') => {
                    self.open()?;
                    self.operation(0)?;
                    break self.close()?;
                }
                Some(b'0'..=b'9' | b'.') => break self.number()?,
                Some(b'a'..=b'z' | b'A'..=b'Z') => match self.word()? {
                    Word::Operand => break,
                    Word::Unary(apply) => prefixes.push(Step::Unary(apply)),
                    Word::Binary(apply) => break self.two_arguments(apply)?,
                },
                Some(b'*' | b'/' | b'^' | b')' | b',') | None => {
                    return Err(self.error("a number, a metric or a function is expected here"));
                }
                Some(_) => return Err(self.meaningless()),
            }
        }
        // The last one is applied first.
        self.steps.extend(prefixes.into_iter().rev());
        Ok(())
    }

    /// Parses the arguments of a function of two numbers.
    fn two_arguments(&mut self, apply: Binary) -> Result<(), Error> {
        self.open()?;
        self.operation(0)?;
        self.expect(b',', "a comma and the second argument are expected here")?;
        self.operation(0)?;
        self.steps.push(Step::Binary(apply));
        self.close()
    }

    fn open(&mut self) -> Result<(), Error> {
        self.expect(b'(', "an opening parenthesis is expected here")
    }

    fn close(&mut self) -> Result<(), Error> {
        self.expect(b')', "a closing parenthesis is expected here")
    }

    fn expect(&mut self, expected: u8, otherwise: &str) -> Result<(), Error> {
        if self.next() != Some(expected) {
            return Err(self.error(otherwise));
        }
        self.skip(1);
        Ok(())
    }

    fn error(&self, message: &str) -> Error {
        Error::new(self.at, message)
    }

    /// The error at something that is no operator.
    fn no_operator(&self, next: u8) -> Error {
        match next {
            b'(' | b'.' => self.error("an operator is expected here"),
            _ if next.is_ascii_alphanumeric() => self.error("an operator is expected here"),
            _ => self.meaningless(),
        }
    }

    fn meaningless(&self) -> Error {
        let next = self.rest().chars().next().unwrap_or_default();
        Error::new(self.at, format!("{next:?} has no meaning here"))
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        let rest = self.rest();
        self.skip(rest.len().saturating_sub(rest.trim_start().len()));
        self.rest().bytes().next()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self, length: usize) {
        self.at = self.at.saturating_add(length).min(self.text.len());
    }

    /// The longest run of bytes from here on that `belongs`.
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
        self.steps.push(Step::Number(number));
        self.skip(text.len());
        Ok(())
    }

    fn word(&mut self) -> Result<Word, Error> {
        let id = self.run(is_id_byte);
        if id.bytes().filter(|&byte| byte == b'/').count() >= 2 {
            self.operand(id, None);
            self.skip(id.len());
            return Ok(Word::Operand);
        }
        let word = self.run(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let fold = named(&FOLDS, word);
        if let Some(fold) = fold
            && let Some((selector, length)) = selector_in(&self.rest()[word.len()..])
        {
            self.operand(selector, Some(fold));
            self.skip(word.len());
            self.skip(length);
            return Ok(Word::Operand);
        }
        let unary = named(&UNARY, word).map(Word::Unary);
        if let Some(function) = unary.or_else(|| named(&BINARY, word).map(Word::Binary)) {
            self.skip(word.len());
            return Ok(function);
        }
        let message = match fold {
            Some(_) => format!("{word}: a selector is expected after it: {word}(cpu/*/usage)"),
            None => format!(
                "{id}: neither a metric (source/object/property) nor a function ({FUNCTIONS})"
            ),
        };
        Err(Error::new(self.at, message))
    }

    fn operand(&mut self, selector: &str, fold: Option<Fold>) {
        let operand = Operand {
            selector: selector.to_owned(),
            fold,
        };
        let known = self.operands.iter().position(|known| *known == operand);
        let position = known.unwrap_or_else(|| {
            let position = self.operands.len();
            self.operands.push(operand);
            position
        });
        self.steps.push(Step::Operand(position));
    }
}

fn named<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    let row = table.iter().find(|(name, _)| *name == word);
    row.map(|(_, value)| *value)
}

/// Whether an id can contain the byte.
fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._:@+-%".contains(&byte)
}

/// The selector in parentheses at the start of the text, and the length with the parentheses.
fn selector_in(text: &str) -> Option<(&str, usize)> {
    let (inside, after) = text.strip_prefix('(')?.split_once(')')?;
    let selector = inside.trim();
    let is_selector = selector.contains('/')
        && selector.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*')
        && selector
            .bytes()
            .all(|byte| is_id_byte(byte) || byte == b'*');
    is_selector.then_some((selector, text.len().saturating_sub(after.len())))
}
