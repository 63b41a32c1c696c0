//! Fields and options of calls, as a query of the table.

use zbus::Variant;

use crate::{
    process::{Condition, Field, Group, Query, QueryError},
    service::{
        error::Error,
        options::{Options, mistyped},
    },
};

/// What is shown where no field is asked for: what a user knows a process by, and what it uses. Nothing
/// of it is dear, and all of it can be read of other users' processes too.
const USUAL: [Field; 11] = [
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

/// What is summed up where no field is asked for.
const USUAL_SUMS: [Field; 3] = [Field::Threads, Field::Cpu, Field::Rss];

/// The query of a table of processes.
pub(crate) fn of_rows(fields: &[&str], options: &Options) -> Result<Query, Error> {
    parse(fields, &USUAL, options)
}

/// The query of a table of sums.
pub(crate) fn of_sums(
    by: &str,
    fields: &[&str],
    options: &Options,
) -> Result<(Group, Query), Error> {
    let by: Group = by.parse()?;
    let query = parse(fields, &USUAL_SUMS, options)?;
    by.check(&query)?;
    Ok((by, query))
}

fn parse(names: &[&str], usual: &[Field], options: &Options) -> Result<Query, Error> {
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let field: Field = name.parse()?;
        if fields.contains(&field) {
            return Err(Error::invalid_args(format!("{name}: asked for twice")));
        }
        fields.push(field);
    }
    if fields.is_empty() {
        fields.extend(usual);
    }
    let order = match options.get("order").map(|value| &**value) {
        None => None,
        Some(Variant::Str(order)) => Some(order.as_str().parse()?),
        Some(other) => return Err(mistyped("order", "s", other)),
    };
    let limit = match options.get("limit").map(|value| &**value) {
        None => None,
        Some(Variant::U32(limit)) => Some(*limit as usize),
        Some(other) => return Err(mistyped("limit", "u", other)),
    };
    Ok(Query {
        fields,
        filter: filter(options)?,
        order,
        limit,
    })
}

fn filter(options: &Options) -> Result<Vec<Condition>, Error> {
    let Some(given) = options.get("filter").map(|value| &**value) else {
        return Ok(Vec::new());
    };
    let Variant::Dict(patterns) = given else {
        return Err(mistyped("filter", "a{ss}", given));
    };
    let condition = |(field, pattern): (&Variant<'_>, &Variant<'_>)| match (field, pattern) {
        (Variant::Str(field), Variant::Str(pattern)) => {
            Ok(Condition::new(field.as_str().parse()?, pattern)?)
        }
        _ => Err(mistyped("filter", "a{ss}", given)),
    };
    patterns.iter().map(condition).collect()
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::UnknownField { .. } => Self::unknown_field(error.to_string()),
            error => Self::invalid_args(error.to_string()),
        }
    }
}
