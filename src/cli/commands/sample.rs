//! `sampled sample`: reads metrics once.

use std::{collections::BTreeMap, io::Write, process::ExitCode, time::Duration};

use clap::Args;

use sampled::{client, duration, reading::Value};

use crate::cli::{
    common_options::CommonOptions,
    deadline::TimeoutOption,
    error::Error,
    output::{
        bar::{Bar, BarOptions},
        format::{self, Format, note},
        frame::{Csv, Frame},
        prometheus,
        style::Style,
        table,
        terminal_text::escape,
    },
    readings::{
        backend::Backend,
        selectors::{OptionalSelectors, Selectors},
    },
};

/// The options of `sample`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SampleOptions {
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    presence: OptionalSelectors,
    #[command(flatten)]
    bar: BarOptions,
    /// Print the value alone, in full precision and without its unit: a line for each metric, in the order of the
    /// selectors; the line of a fault is empty
    #[arg(long, short, conflicts_with_all = ["json", "csv", "format", "prometheus"])]
    raw: bool,
    /// Print the text format of Prometheus, for the textfile collector of node_exporter
    #[arg(long, conflicts_with_all = ["json", "csv", "format"])]
    prometheus: bool,
    /// Take the two reads of a rate at least this far apart [default: 200ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    window: Option<Duration>,
    /// Accept a reading that is at most this old [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    max_age: Option<Duration>,
    /// Show the fault `timeout` for readings that take longer [default: 1s], and fail without a reply
    /// two seconds later [default: 25s for each reply]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// The time that bus and service have beyond the timeout of the reading.
const CALL_OVERHEAD: Duration = Duration::from_secs(2);

impl SampleOptions {
    /// The line for a bar, if it is asked for.
    pub(crate) fn bar(&self) -> Result<Option<Bar>, String> {
        self.bar.bar(&self.selectors.texts())
    }
}

pub(crate) async fn run(
    common: &CommonOptions,
    mut options: SampleOptions,
) -> Result<ExitCode, Error> {
    // An error was reported before.
    let bar = options.bar().unwrap_or_default();
    options
        .selectors
        .add(bar.iter().flat_map(Bar::ids).collect());
    let timeout = TimeoutOption {
        timeout: options
            .timeout
            .map(|time| time.saturating_add(CALL_OVERHEAD)),
    };
    let backend = Backend::open(common, timeout).await?;
    let selectors = options.selectors.texts();
    let how = client::SampleOptions {
        window: options.window,
        max_age: options.max_age,
        timeout: options.timeout,
        optional: options.presence.optional,
    };
    let Format { json, csv } = common.format;
    // The units are for a person only.
    let metrics = if json || csv || options.raw {
        BTreeMap::new()
    } else {
        options.presence.list(&backend, &options.selectors).await?
    };
    let mut frame = backend.sample(&selectors, how).await?;
    if options.raw || bar.is_some() {
        frame.order_by(&selectors);
    }
    if options.raw {
        return print_raw(&frame);
    }
    format::print(|out| {
        if let Some(bar) = &bar {
            bar.write(out, &frame, &metrics)
        } else if options.prometheus {
            prometheus::write(out, &frame, &metrics)
        } else if json {
            format::write_json(out, &frame)
        } else if csv {
            Csv::default().write(out, &frame)
        } else {
            let lines = table::of_frame(&frame, &metrics, Style::of_stdout());
            format::write_lines(out, &lines)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the values alone. The status is 1 if one of them is a fault, which standard error names.
fn print_raw(frame: &Frame) -> Result<ExitCode, Error> {
    format::print(|out| {
        for (_, reading) in &frame.readings {
            match reading {
                Ok(Value::Number(number)) => writeln!(out, "{number}")?,
                Ok(Value::Text(text)) => writeln!(out, "{}", escape(text))?,
                Err(_) => writeln!(out)?,
            }
        }
        Ok(())
    })?;
    let mut faults = false;
    for (id, reading) in &frame.readings {
        if let Err(fault) = reading {
            note(format_args!("{id}: {fault}"));
            faults = true;
        }
    }
    Ok(ExitCode::from(u8::from(faults)))
}
