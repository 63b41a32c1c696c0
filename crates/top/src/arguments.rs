//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::Parser;

/// The shortest time from reading to reading: a terminal that is drawn more often shows nothing more.
const SHORTEST: Duration = Duration::from_millis(100);

/// The longest time from reading to reading.
const LONGEST: Duration = Duration::from_secs(3600);

/// The monitor of this machine at a terminal. Press ? for its keys.
#[derive(Debug, Parser)]
#[command(name = "sampled-top", version, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Arguments {
    /// Show these metrics on a page of their own: an id (cpu/all/usage), a prefix (lmsensors) or a
    /// pattern (cpu/*/usage)
    #[arg(value_name = "SELECTOR")]
    pub(crate) selectors: Vec<String>,
    /// The time from reading to reading [default: that of the layout, or 1s]
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub(crate) interval: Option<Duration>,
    /// Read the layout from FILE and save it there [default: $XDG_CONFIG_HOME/sampled/top.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) layout: Option<PathBuf>,
}

const AFTER: &str = "\
The readings come from the service, which the session bus starts.";

/// Parses an interval.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match (SHORTEST..=LONGEST).contains(&interval) {
        true => Ok(interval),
        false => Err(format!("{text}: an interval is from 100ms to 1h")),
    }
}
