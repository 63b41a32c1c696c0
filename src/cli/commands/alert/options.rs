//! The options of `alert`.

use std::{ffi::OsString, num::NonZeroU64, time::Duration};

use clap::{ArgGroup, Args};

use sampled::{
    client::{Direction, WatchOptions},
    duration,
};

use crate::cli::readings::selectors::OptionalSelectors;

/// The options of `alert`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("threshold").required(true))]
pub(crate) struct AlertOptions {
    /// An id (cpu/all/usage), a prefix (cpu, cpu/all) or a pattern (lmsensors/*/temp*)
    pub(super) selector: String,
    #[command(flatten)]
    pub(super) presence: OptionalSelectors,
    /// Alert when a value is greater than N, in the unit of the metric
    #[arg(long, value_name = "N", group = "threshold", allow_hyphen_values = true, value_parser = number)]
    above: Option<f64>,
    /// Alert when a value is less than N
    #[arg(long, value_name = "N", group = "threshold", allow_hyphen_values = true, value_parser = number)]
    below: Option<f64>,
    /// Alert again only after a value was back behind the threshold by N
    #[arg(long, value_name = "N", default_value = "0", allow_hyphen_values = true, value_parser = number)]
    hysteresis: f64,
    /// Alert when all readings of this time were beyond the threshold
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    hold: Duration,
    /// Alert also when the metric has returned
    #[arg(long)]
    pub(super) recovery: bool,
    /// The time between two readings
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse)]
    interval: Duration,
    /// A label for the watch, which `Sessions` shows
    #[arg(long, value_name = "TEXT", default_value = "sampled alert")]
    label: String,
    /// End after N alerts [default: when it is interrupted]
    #[arg(long, value_name = "N")]
    pub(super) count: Option<NonZeroU64>,
    /// End a run of COMMAND after this time
    #[arg(long, value_name = "DURATION", default_value = "1min", value_parser = duration::parse)]
    pub(super) timeout: Duration,
    /// The command to run for each alert, and its arguments [default: print a line]
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err("it is not finite".to_owned()),
        Err(cause) => Err(cause.to_string()),
    }
}

impl AlertOptions {
    /// The direction of a crossing. The other one is the return.
    pub(super) fn direction(&self) -> Direction {
        match self.below {
            Some(_) => Direction::Below,
            None => Direction::Above,
        }
    }

    /// Whether it prints, and runs no command.
    pub(crate) fn prints_data(&self) -> bool {
        self.command.is_empty()
    }

    pub(super) fn threshold(&self) -> f64 {
        self.above.or(self.below).unwrap_or_default()
    }

    /// The options of the watch. The return is always asked for, because it ends what has `crossed`. A watch that goes on
    /// with a new service is optional: its metrics were there, and may be there again.
    pub(super) fn watch(&self, goes_on: bool, crossed: Vec<String>) -> WatchOptions {
        WatchOptions {
            direction: self.direction(),
            recovery: true,
            hysteresis: self.hysteresis,
            hold: self.hold,
            interval: self.interval,
            label: self.label.clone(),
            optional: self.presence.optional || goes_on,
            crossed,
        }
    }
}
