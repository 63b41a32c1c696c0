//! The configuration file.

use std::time::Duration;

use super::report::{Check, Report};
use crate::cli::{common_options::CommonOptions, configuration};

/// The time that its file system has for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the configuration as the service does. Returns whether it is right.
pub(super) async fn check(report: &mut Report, common: &CommonOptions) -> bool {
    match configuration::within(common, TIMEOUT).await {
        Ok(_) => {
            let path = common.configuration();
            match common.settings_without_file() {
                Some(_) => report.ok(
                    Check::Configuration,
                    format_args!("there is no {path}: the defaults apply"),
                ),
                None => report.ok(Check::Configuration, format_args!("{path} has no error")),
            }
            true
        }
        Err(error) => {
            report.problem(
                Check::Configuration,
                error,
                "correct the file, then run `sampled reload`",
            );
            false
        }
    }
}
