//! Translates expressions for exmex, which knows variables but no ids.

use super::{Error, Fold, Operand};

/// The functions of exmex that expressions can use.
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

/// Translates an expression for exmex, and returns the operands in the order of the variables.
pub(super) fn translate(text: &str) -> Result<(String, Vec<Operand>), Error> {
    let mut translator = Translator {
        text,
        at: 0,
        translated: String::new(),
        operands: Vec::new(),
    };
    translator.expression()?;
    Ok((translator.translated, translator.operands))
}

struct Translator<'a> {
    text: &'a str,
    at: usize,
    translated: String,
    operands: Vec<Operand>,
}

impl<'a> Translator<'a> {
    fn expression(&mut self) -> Result<(), Error> {
        while let Some(next) = self.rest().chars().next() {
            match next {
                '0'..='9' | '.' => self.number()?,
                'a'..='z' | 'A'..='Z' => self.word()?,
                '+' | '-' | '*' | '/' | '^' | '(' | ')' | ',' => {
                    self.translated.push(next);
                    self.skip(1);
                }
                _ if next.is_whitespace() => {
                    self.translated.push(' ');
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
        // In decimal digits, because exmex does not parse exponents.
        self.translated.push_str(&number.to_string());
        self.skip(text.len());
        Ok(())
    }

    fn word(&mut self) -> Result<(), Error> {
        let id = self.run(is_id_byte);
        if id.bytes().filter(|&byte| byte == b'/').count() >= 2 {
            self.operand(id, None);
            self.skip(id.len());
            return Ok(());
        }
        let word = self.run(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let fold = FOLDS.into_iter().find(|(name, _)| *name == word);
        if let Some((_, fold)) = fold
            && let Some((selector, length)) = selector_in(&self.rest()[word.len()..])
        {
            self.operand(selector, Some(fold));
            self.skip(word.len());
            self.skip(length);
            return Ok(());
        }
        if FUNCTIONS.contains(&word) {
            self.translated.push_str(word);
            self.skip(word.len());
            return Ok(());
        }
        let message = match fold {
            Some(_) => format!("{word}: a selector is expected after it: {word}(cpu/*/usage)"),
            None => format!(
                "{id}: neither a metric (source/object/property) nor a function ({}, sum, mean, count)",
                FUNCTIONS.join(", ")
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
        // exmex passes the values in the order of the variables' names, so these have leading zeros.
        self.translated.push_str(&format!("{{v{position:08}}}"));
    }
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
