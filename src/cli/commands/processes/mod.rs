//! `sampled processes`: the processes, once.

mod backend;
mod machine_readable;
mod text_table;
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
    common_options::CommonOptions,
    deadline::TimeoutOption,
    error::Error,
    exit,
    output::{
        format::{self, Format},
        style::Style,
    },
};

use super::CLIENT;
use backend::Backend;

/// The options of `processes`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProcessesOptions {
    /// Show these fields, such as pid,name,cpu; see the list below
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    fields: Vec<Field>,
    /// Show the processes whose FIELD matches a PATTERN: a text with * for anything, or a number,
    /// optionally after >=, <=, > or <
    #[arg(long, value_name = "FIELD=PATTERN")]
    filter: Vec<Condition>,
    /// Order by a FIELD, largest first with - before it [default: -cpu, pid in a tree]
    #[arg(long, value_name = "[-]FIELD", allow_hyphen_values = true)]
    sort: Option<Order>,
    /// Show at most N
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Show the tree of processes: each below its parent
    #[arg(long)]
    tree: bool,
    /// Show sums over the processes of each application, unit or user
    #[arg(long, value_name = "GROUP", conflicts_with = "tree")]
    by: Option<Group>,
    /// Take the two reads of a rate at least this far apart [default: 200ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    window: Option<Duration>,
    #[command(flatten)]
    timeout: TimeoutOption,
}

/// The fields shown by default.
const DEFAULT_FIELDS: [Field; 7] = [
    Field::Pid,
    Field::User,
    Field::Cpu,
    Field::Rss,
    Field::State,
    Field::Name,
    Field::CommandLine,
];

/// The fields summed up by default.
const DEFAULT_SUMS: [Field; 3] = [Field::Threads, Field::Cpu, Field::Rss];

/// The help text with the list of fields.
pub(crate) fn help() -> String {
    let mut help = format!("{CLIENT}\n\nFields:\n");
    for field in Field::ALL {
        help.push_str(&format!("  {:<13} {}\n", field.name(), field.description()));
    }
    help
}

/// A query, and the part of its fields that is shown.
struct Plan {
    query: Query,
    /// How many of the fields are shown; the others place a row in the tree.
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

pub(crate) async fn run(
    common: &CommonOptions,
    options: ProcessesOptions,
) -> Result<ExitCode, Error> {
    let plan = match options.plan(common.format) {
        Ok(plan) => plan,
        Err(what) => exit(&Cli::command().error(ErrorKind::ValueValidation, what)),
    };
    let Plan { query, shown } = plan;
    let backend = Backend::open(common, options.timeout).await?;
    let window = options
        .window
        .unwrap_or(sample::SampleTiming::default().window);
    let Format { json, csv } = common.format;
    let fields = &query.fields[..shown];
    if let Some(by) = options.by {
        let sums = backend.sums(by, &query, window).await?;
        format::print(|out| {
            if json {
                format::write_json(out, &machine_readable::JsonSums(fields, &sums))
            } else if csv {
                machine_readable::write_csv_of_sums(out, fields, &sums)
            } else {
                let lines = text_table::of_sums(fields, &sums, Style::of_stdout());
                format::write_lines(out, &lines)
            }
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let listing = backend.rows(&query, window).await?;
    format::print(|out| {
        if json {
            format::write_json(out, &machine_readable::JsonProcesses(fields, &listing))
        } else if csv {
            machine_readable::write_csv(out, fields, &listing)
        } else {
            let rows = &listing.rows;
            let branches = match options.tree {
                true => tree::arrange(&query.fields, rows),
                false => tree::flat(rows.len()),
            };
            let lines = text_table::of_rows(fields, rows, &branches, Style::of_stdout());
            format::write_lines(out, &lines)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl ProcessesOptions {
    /// The query, or an error message.
    fn plan(&self, format: Format) -> Result<Plan, String> {
        if self.tree && format.is_machine_readable() {
            return Err(
                "a tree is for a person: --tree means nothing to --json and --csv".to_owned(),
            );
        }
        let defaults: &[Field] = match self.by {
            Some(_) => &DEFAULT_SUMS,
            None => &DEFAULT_FIELDS,
        };
        let mut fields = self.fields.clone();
        if fields.is_empty() {
            fields.extend(defaults);
        }
        unique(fields.iter().copied(), "is asked for twice")?;
        unique(self.filter.iter().map(Condition::field), "has two filters")?;
        let shown = fields.len();
        if self.tree {
            let missing = |field: &Field| !fields[..shown].contains(field);
            let missing: Vec<_> = tree::FIELDS.into_iter().filter(missing).collect();
            fields.extend(missing);
        }
        // By pid: an order by cpu would rearrange the tree every time.
        let (field, is_descending) = match self.tree {
            true => (Field::Pid, false),
            false => (Field::Cpu, true),
        };
        let default_order = Order {
            field,
            is_descending,
        };
        let query = Query {
            fields,
            filter: self.filter.clone(),
            order: Some(self.sort.unwrap_or(default_order)),
            limit: self.limit.map(|limit| limit as usize),
        };
        if let Some(by) = self.by {
            by.check(&query).map_err(|error| error.to_string())?;
        }
        Ok(Plan { query, shown })
    }
}

/// Checks that no field occurs twice.
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
