//! `sampled processes`: the processes, now.

mod exact;
mod origin;
mod show;
mod tree;

use std::{process::ExitCode, time::Duration};

use clap::{Args, CommandFactory, error::ErrorKind};

use sampled::{
    duration,
    process::{Condition, Field, Group, Order, Query, Sum},
    reading::Reading,
    sample,
};

use crate::cli::{
    Cli,
    common::Common,
    deadline::Patience,
    error::Error,
    exit,
    output::{
        format::{self, Format},
        table::Style,
    },
};

use super::CLIENT;
use origin::Origin;

/// What `processes` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Show these fields, such as pid,name,cpu; see the list below
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    fields: Vec<Field>,
    /// Show the processes of which a FIELD matches a PATTERN: a text with * for anything, or a number,
    /// perhaps behind >=, <=, > or <
    #[arg(long, value_name = "FIELD=PATTERN")]
    filter: Vec<Condition>,
    /// Order by a FIELD, with - before it for the largest first [default: -cpu, pid in a tree]
    #[arg(long, value_name = "[-]FIELD", allow_hyphen_values = true)]
    sort: Option<Order>,
    /// Show N at most
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Show who is whose child
    #[arg(long)]
    tree: bool,
    /// Show sums over the processes of each application, unit or user
    #[arg(long, value_name = "GROUP", conflicts_with = "tree")]
    by: Option<Group>,
    /// Take the two reads of a rate at least this far apart [default: 200ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    window: Option<Duration>,
    #[command(flatten)]
    patience: Patience,
}

/// What is shown where nobody says what.
const USUAL: [Field; 7] = [
    Field::Pid,
    Field::User,
    Field::Cpu,
    Field::Rss,
    Field::State,
    Field::Name,
    Field::CommandLine,
];

/// What is summed up where nobody says what.
const USUAL_SUMS: [Field; 3] = [Field::Threads, Field::Cpu, Field::Rss];

/// The fields, for a person who asks what there are.
pub(crate) fn help() -> String {
    let mut help = format!("{CLIENT}\n\nFields:\n");
    for field in Field::ALL {
        help.push_str(&format!("  {:<13} {}\n", field.name(), field.description()));
    }
    help
}

/// What is asked for, and how much of it is shown.
struct Plan {
    query: Query,
    /// How many of the fields are shown; the others say where a row stands.
    shown: usize,
}

/// The processes at one moment.
pub(crate) struct Listing {
    /// In microseconds since the Unix epoch.
    timestamp: u64,
    rows: Vec<Vec<Reading>>,
}

/// Sums over processes at one moment.
pub(crate) struct Summary {
    timestamp: u64,
    by: Group,
    groups: Vec<Sum>,
}

pub(crate) async fn run(common: &Common, options: Options) -> Result<ExitCode, Error> {
    let plan = match options.plan(common.format) {
        Ok(plan) => plan,
        Err(what) => exit(&Cli::command().error(ErrorKind::ValueValidation, what)),
    };
    let Plan { query, shown } = plan;
    let mut origin = Origin::open(common, options.patience).await?;
    let window = options
        .window
        .unwrap_or(sample::SampleTiming::default().window);
    let Format { json, csv } = common.format;
    let fields = &query.fields[..shown];
    if let Some(by) = options.by {
        let sums = origin.sums(by, &query, window).await?;
        format::print(|out| {
            if json {
                format::write_json(out, &exact::Sums(fields, &sums))
            } else if csv {
                exact::write_csv_of_sums(out, fields, &sums)
            } else {
                let lines = show::of_sums(fields, &sums, Style::of_stdout());
                format::write_lines(out, &lines)
            }
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let listing = origin.rows(&query, window).await?;
    format::print(|out| {
        if json {
            format::write_json(out, &exact::Rows(fields, &listing))
        } else if csv {
            exact::write_csv(out, fields, &listing)
        } else {
            let rows = &listing.rows;
            let branches = match options.tree {
                true => tree::branches(&query.fields, rows),
                false => tree::flat(rows.len()),
            };
            let lines = show::of_rows(fields, rows, &branches, Style::of_stdout());
            format::write_lines(out, &lines)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Options {
    /// What is asked for; in words what is wrong with it.
    fn plan(&self, format: Format) -> Result<Plan, String> {
        if self.tree && format.is_exact() {
            return Err(
                "a tree is for a person: --tree means nothing to --json and --csv".to_owned(),
            );
        }
        let usual: &[Field] = match self.by {
            Some(_) => &USUAL_SUMS,
            None => &USUAL,
        };
        let mut fields = self.fields.clone();
        if fields.is_empty() {
            fields.extend(usual);
        }
        unique(fields.iter().copied(), "is asked for twice")?;
        unique(self.filter.iter().map(Condition::field), "has two filters")?;
        let shown = fields.len();
        if self.tree {
            let missing = |field: &Field| !fields[..shown].contains(field);
            let missing: Vec<_> = tree::FIELDS.into_iter().filter(missing).collect();
            fields.extend(missing);
        }
        // What moves about at every look is no tree.
        let (field, is_descending) = match self.tree {
            true => (Field::Pid, false),
            false => (Field::Cpu, true),
        };
        let usual = Order {
            field,
            is_descending,
        };
        let query = Query {
            fields,
            filter: self.filter.clone(),
            order: Some(self.sort.unwrap_or(usual)),
            limit: self.limit.map(|limit| limit as usize),
        };
        if let Some(by) = self.by {
            by.check(&query).map_err(|error| error.to_string())?;
        }
        Ok(Plan { query, shown })
    }
}

/// Whether no field is there twice.
fn unique(fields: impl Iterator<Item = Field>, what: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    for field in fields {
        if seen.contains(&field) {
            return Err(format!("{field}: this field {what}"));
        }
        seen.push(field);
    }
    Ok(())
}
