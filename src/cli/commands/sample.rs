//! `sampled sample`: one reading, now.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use clap::Args;

use sampled::{client::SampleOptions, duration};

use crate::cli::{
    common::Common,
    deadline::Patience,
    error::Error,
    output::{
        format::{self, Format},
        frame::Csv,
        table::{self, Style},
    },
    readings::{origin::Origin, selectors::Selectors},
};

/// What `sample` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    selectors: Selectors,
    /// Take the two reads of a rate at least this far apart [default: 200ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    window: Option<Duration>,
    /// Accept a reading that is at most this old [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    max_age: Option<Duration>,
    /// Show the fault `timeout` for what is not there by then [default: 1s], and fail where there is no answer
    /// two seconds later [default: 25s for each answer]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// How long the bus and the service may take beside what the service is told to wait for.
const BEYOND: Duration = Duration::from_secs(2);

pub(crate) async fn run(common: &Common, options: Options) -> Result<ExitCode, Error> {
    let patience = Patience {
        timeout: options.timeout.map(|time| time.saturating_add(BEYOND)),
    };
    let origin = Origin::open(common, patience).await?;
    let selectors = options.selectors.texts();
    let how = SampleOptions {
        window: options.window,
        max_age: options.max_age,
        timeout: options.timeout,
    };
    let Format { json, csv } = common.format;
    // The units are for a person only.
    let metrics = if json || csv {
        BTreeMap::new()
    } else {
        origin.list(&selectors).await?
    };
    let frame = origin.sample(&selectors, how).await?;
    format::print(|out| {
        if json {
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
