//! The fields and options of a call, parsed into a query of the table.

use std::fmt::Display;

use crate::{
    process::{Condition, Field, Group, Query, QueryError, UnknownField},
    service::{
        error::Error,
        limits::Limits,
        option_value::OptionValue,
        options::{CallOptions, mistyped},
    },
};

/// The fields of a call that names none: what identifies a process to a user, and what it uses. All are cheap
/// and can be read for other users' processes too.
const DEFAULT_FIELDS: [Field; 11] = [
    Field::Pid,
    Field::Parent,
    Field::StartTime,
    Field::User,
    Field::Name,
    Field::CommandLine,
    Field::State,
    Field::Application,
    Field::Threads,
    Field::Cpu,
    Field::Rss,
];

/// The fields of a call of `Sums` that names none.
const DEFAULT_SUM_FIELDS: [Field; 3] = [Field::Threads, Field::Cpu, Field::Rss];

/// Parses the query of a table of processes.
pub(crate) fn of_rows(
    fields: &[&str],
    options: &CallOptions,
    limits: &Limits,
) -> Result<Query, Error> {
    parse(fields, &DEFAULT_FIELDS, options, limits)
}

/// Parses the query of a table of sums.
pub(crate) fn of_sums(
    by: &str,
    fields: &[&str],
    options: &CallOptions,
    limits: &Limits,
) -> Result<(Group, Query), Error> {
    let by: Group = by.parse()?;
    let query = parse(fields, &DEFAULT_SUM_FIELDS, options, limits)?;
    by.check(&query)?;
    Ok((by, query))
}

fn parse(
    names: &[&str],
    defaults: &[Field],
    options: &CallOptions,
    limits: &Limits,
) -> Result<Query, Error> {
    options.check(limits)?;
    let mut fields = Vec::new();
    for name in names {
        let field: Field = name.parse()?;
        if fields.contains(&field) {
            return Err(Error::invalid_args(format!("{name}: asked for twice")));
        }
        fields.push(field);
    }
    if fields.is_empty() {
        fields.extend(defaults);
    }
    let order = match options.get("order") {
        None => None,
        Some(OptionValue::Text(order)) => Some(order.parse()?),
        Some(other) => return Err(mistyped("order", "s", other)),
    };
    let limit = match options.get("limit") {
        None => None,
        Some(OptionValue::U32(limit)) => Some(*limit as usize),
        Some(other) => return Err(mistyped("limit", "u", other)),
    };
    Ok(Query {
        fields,
        filter: filter(options, limits)?,
        order,
        limit,
    })
}

fn filter(options: &CallOptions, limits: &Limits) -> Result<Vec<Condition>, Error> {
    let patterns = match options.get("filter") {
        None => return Ok(Vec::new()),
        Some(OptionValue::Texts(patterns)) => patterns,
        Some(other) => return Err(mistyped("filter", "a{ss}", other)),
    };
    if patterns.len() > Field::ALL.len() {
        return Err(Error::invalid_args(format!(
            "filter: {} patterns, and there are {} fields",
            patterns.len(),
            Field::ALL.len()
        )));
    }
    let condition = |(field, pattern): &(String, String)| {
        check_pattern(field, pattern, limits)?;
        Ok(Condition::new(field.parse()?, pattern)?)
    };
    patterns.iter().map(condition).collect()
}

/// Checks the pattern of a field.
///
/// # Errors
/// `LimitExceeded`, if it is too long.
pub(crate) fn check_pattern(
    field: impl Display,
    pattern: &str,
    limits: &Limits,
) -> Result<(), Error> {
    let (length, most) = (pattern.len(), limits.pattern_bytes);
    if length <= most {
        return Ok(());
    }
    Err(Error::limit_exceeded(format!(
        "filter: {length} bytes for {field}: a pattern has at most {most} (limits.pattern_bytes)"
    )))
}

impl From<UnknownField> for Error {
    fn from(error: UnknownField) -> Self {
        Self::unknown_field(error.to_string())
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::UnknownField(error) => error.into(),
            error => Self::invalid_args(error.to_string()),
        }
    }
}
