//! `sampled doctor`: finds out what is wrong, from the session bus to the sources, and says what to do about it.

mod activation;
mod configuration;
mod program;
mod report;
mod service;
mod session_bus;
mod sources;

use std::{process::ExitCode, time::Duration};

use clap::Args;

use crate::cli::{
    common_options::CommonOptions,
    deadline::TimeoutOption,
    error::Error,
    output::{format, style::Style},
};

use report::Report;

/// The options of `doctor`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Go on without the bus or the service if it does not reply in time
    #[arg(long, value_name = "DURATION", value_parser = sampled::duration::parse, default_value = "25s")]
    timeout: Duration,
}

pub(crate) async fn run(common: &CommonOptions, options: DoctorOptions) -> Result<ExitCode, Error> {
    let mut report = Report::default();
    examine(common, options, &mut report).await;
    format::print(|out| {
        if common.format.json {
            format::write_json(out, &report)
        } else {
            format::write_lines(out, &report.lines(Style::of_stdout()))
        }
    })?;
    Ok(match report.has_problem() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// Checks one thing after the other. A check is left out if what it needs is missing.
async fn examine(common: &CommonOptions, options: DoctorOptions, report: &mut Report) {
    let timeout = TimeoutOption {
        timeout: Some(options.timeout),
    };
    session_bus::check_runtime_directory(report);
    let bus = session_bus::check(report, timeout).await;
    let is_configured = configuration::check(report, common).await;
    let Some(bus) = bus else {
        return;
    };
    let file = activation::check(report, &bus).await;
    let installed = activation::program(file.as_ref());
    if let Some(unit) = file.as_ref().and_then(|file| file.unit.as_deref()) {
        activation::check_unit(report, &bus, unit).await;
    }
    program::check(report, installed.as_deref());
    if let Some(client) = service::check(report, bus, installed.as_deref()).await {
        sources::check(report, &client, is_configured).await;
    }
}
