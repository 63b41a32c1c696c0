//! The sources that fail, and the metrics that cannot be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sampled::{
    client::{self, Client, SampleOptions},
    custom,
    reading::Fault,
    service::CONFIGURATION,
};

use super::report::{Check, Report};

/// The most ids that a line names.
const MOST_IDS: usize = 3;

/// The time for one reading of everything.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads every metric once, and reports each source in trouble. `is_configured`: the configuration has no error now.
pub(super) async fn check(report: &mut Report, client: &Client, is_configured: bool) {
    let found = match read(client).await {
        Ok(found) => found,
        Err(error) => {
            report.problem(Check::Source, error, "run `sampled restart`");
            return;
        }
    };
    let mut in_trouble = 0_usize;
    for (name, error) in &found.errors {
        if name == CONFIGURATION {
            if is_configured {
                report.problem(Check::Configuration, error, "run `sampled reload`");
            }
            continue;
        }
        in_trouble = in_trouble.saturating_add(1);
        let remedy = match name.starts_with(custom::NAME) {
            true => "`sampled sources check` shows all errors of your definitions",
            false => {
                "the other sources work; if the error stays, see the log of the kernel (`journalctl -k`)"
            }
        };
        report.warning(Check::Source, format_args!("{name}: {error}"), remedy);
    }
    for ((source, fault), ids) in &found.faults {
        // The error of a failing source says the same with a path.
        if found.errors.contains_key(source) {
            continue;
        }
        in_trouble = in_trouble.saturating_add(1);
        report.warning(
            Check::Source,
            format_args!("{source}: {} {fault}", names(ids)),
            remedy(*fault),
        );
    }
    if in_trouble == 0 {
        let sources = found.sources;
        report.ok(
            Check::Source,
            format_args!("{sources} sources, {} metrics", found.metrics),
        );
    }
}

/// The result of one reading of everything.
struct Found {
    sources: usize,
    metrics: usize,
    /// By source.
    errors: BTreeMap<String, String>,
    /// The ids, by source and fault.
    faults: BTreeMap<(String, Fault), BTreeSet<String>>,
}

async fn read(client: &Client) -> Result<Found, client::Error> {
    let metrics = client.list(&[]).await?;
    let options = SampleOptions {
        timeout: Some(TIMEOUT),
        ..SampleOptions::default()
    };
    let sample = client.sample(&[], options).await?;
    let mut faults: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (id, fault) in sample.faults {
        // The others say how the machine is, not that something is wrong: a device sleeps, has gone, or has no such value.
        if let (Fault::Denied | Fault::Timeout | Fault::Malformed, Some(metric)) =
            (fault, metrics.get(&id))
        {
            faults
                .entry((metric.source.clone(), fault))
                .or_default()
                .insert(id);
        }
    }
    let sources = client.sources().await?;
    let errors = sources
        .iter()
        .filter(|(_, source)| !source.error.is_empty());
    Ok(Found {
        sources: sources.len(),
        metrics: metrics.len(),
        errors: errors
            .map(|(name, source)| (name.clone(), source.error.clone()))
            .collect(),
        faults,
    })
}

/// The first of the ids, and the number of the others.
fn names(ids: &BTreeSet<String>) -> String {
    let named: Vec<_> = ids.iter().take(MOST_IDS).map(String::as_str).collect();
    let named = named.join(", ");
    match ids.len().saturating_sub(MOST_IDS) {
        0 => format!("{named}:"),
        more => format!("{named} and {more} more:"),
    }
}

fn remedy(fault: Fault) -> &'static str {
    match fault {
        Fault::Denied => {
            "the kernel lets only root or a group read it: see `denied` in docs/metrics.md"
        }
        Fault::Timeout => {
            "the device or the file system does not answer; the other metrics do not wait for it"
        }
        _ => "the kernel's driver or your command gives no number",
    }
}
