//! Arithmetic over metrics: `disk/all/read + disk/all/write`, `max(lmsensors/*/temp1) - 20`.
//!
//! A metric is written as its id. Names of devices can contain `-`, `+`, `.`, `:`, `@` and `%`, so an operator after
//! an id needs a space before it. `sum`, `mean`, `min`, `max` and `count` make one number of the metrics that a
//! pattern with `*` matches.

mod parser;

use std::fmt;

use parser::Step;

/// An expression, ready to be evaluated.
#[derive(Clone)]
pub struct Expression {
    text: String,
    steps: Vec<Step>,
    operands: Vec<Operand>,
}

/// The longest expression, in bytes. It limits the depth of the parentheses, too.
pub const LONGEST: usize = 1024;

/// The limit of expressions that depend on one another in a chain.
pub const DEPTH: usize = 16;

/// An operand of an expression: one number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// The id of a metric; a selector if there is a [`Fold`].
    pub selector: String,
    /// The function that makes one number of the readings of the selected metrics.
    pub fold: Option<Fold>,
}

/// A function that makes one number of many.
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
    /// `count(...)`: how many metrics have a reading.
    Count,
}

/// The reason why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The position of the error in the text, in bytes.
    pub at: usize,
    message: String,
}

impl Expression {
    /// Parses an expression: numbers, ids, `+ - * / ^`, parentheses, functions.
    ///
    /// # Errors
    /// When it is not well formed, with the reason and the position.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST {
            let message = format!("an expression has at most {LONGEST} bytes");
            return Err(Error::new(0, message));
        }
        let (steps, operands) = parser::parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            steps,
            operands,
        })
    }

    /// The operands, equal ones once.
    pub fn operands(&self) -> &[Operand] {
        &self.operands
    }

    /// The value for these values of the [`operands`](Self::operands). It can be infinite or NaN, as after a division
    /// by zero.
    pub fn evaluate(&self, operands: &[f64]) -> f64 {
        let mut stack: Vec<f64> = Vec::new();
        for step in &self.steps {
            // The parser leaves as many numbers as each step takes.
            let mut pop = || stack.pop().unwrap_or(f64::NAN);
            let value = match *step {
                Step::Number(number) => number,
                Step::Operand(index) => operands.get(index).copied().unwrap_or(f64::NAN),
                Step::Unary(apply) => apply(pop()),
                Step::Binary(apply) => {
                    let right = pop();
                    apply(pop(), right)
                }
            };
            stack.push(value);
        }
        stack.pop().unwrap_or(f64::NAN)
    }
}

impl Fold {
    /// One number of many. NaN of none, except for the count.
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
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests;
