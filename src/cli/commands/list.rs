//! `sampled list`: the metrics.

use std::{collections::BTreeMap, io, io::Write, process::ExitCode};

use clap::Args;
use serde::{Serialize, Serializer, ser::SerializeMap};

use sampled::client::{Metadata, SampleOptions};

use crate::cli::{
    common_options::CommonOptions,
    deadline::TimeoutOption,
    error::Error,
    output::{format, frame, style::Style, table},
    readings::{backend::Backend, selectors::Selectors},
};

/// The options of `list`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    timeout: TimeoutOption,
}

pub(crate) async fn run(common: &CommonOptions, options: ListOptions) -> Result<ExitCode, Error> {
    let backend = Backend::open(common, options.timeout).await?;
    let selectors = options.selectors.texts();
    let found = backend.list(&selectors).await?;
    let metrics = sorted(&found);
    if !common.format.is_machine_readable() {
        let now = backend.sample(&selectors, SampleOptions::default()).await?;
        let lines = table::of_metrics(&found, &now, Style::of_stdout());
        format::print(|out| format::write_lines(out, &lines))?;
        return Ok(ExitCode::SUCCESS);
    }
    format::print(|out| {
        if common.format.json {
            format::write_json(out, &JsonMetrics(&metrics))
        } else {
            write_csv(out, &metrics)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn sorted(metrics: &BTreeMap<String, Metadata>) -> Vec<(&String, &Metadata)> {
    let mut sorted: Vec<_> = metrics.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| frame::by_id(a, b));
    sorted
}

/// The metrics as one JSON object, by id.
struct JsonMetrics<'a>(&'a [(&'a String, &'a Metadata)]);

impl Serialize for JsonMetrics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, metric)| (id, JsonMetric(metric))))
    }
}

/// A metric as a JSON object with the keys of the bus; as on the bus, an unknown number is absent.
struct JsonMetric<'a>(&'a Metadata);

impl Serialize for JsonMetric<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in texts(self.0) {
            map.serialize_entry(key, text)?;
        }
        if let Some(precision) = self.0.precision {
            map.serialize_entry("precision", &precision)?;
        }
        for (key, number) in numbers(self.0) {
            if let Some(number) = number {
                map.serialize_entry(key, &number)?;
            }
        }
        if self.0.lower_limits {
            map.serialize_entry("lower_limits", &true)?;
        }
        if self.0.is_virtual {
            map.serialize_entry("virtual", &true)?;
        }
        map.end()
    }
}

fn write_csv(out: &mut impl Write, metrics: &[(&String, &Metadata)]) -> io::Result<()> {
    let header = "id name description unit kind source minimum maximum warning critical lower_limits \
                  precision formula object group short virtual";
    frame::write_row(out, header.split(' '))?;
    for (id, metric) in metrics {
        let numbers = numbers(metric)
            .map(|(_, number)| number.map(|number| number.to_string()).unwrap_or_default());
        let precision = metric.precision.map(|precision| precision.to_string());
        let texts = texts(metric).map(|(_, text)| text);
        // The columns of earlier versions come first.
        let (before, after) = texts.split_at(EARLIER_TEXTS);
        let flag = |is_set| if is_set { "true" } else { "" };
        let fields = [id.as_str()].into_iter().chain(before.iter().copied());
        let fields = fields.chain(numbers.iter().map(String::as_str));
        let precision = precision.as_deref().unwrap_or_default();
        let fields = fields.chain([flag(metric.lower_limits), precision]);
        let fields = fields.chain(after.iter().copied());
        frame::write_row(out, fields.chain([flag(metric.is_virtual)]))?;
    }
    Ok(())
}

const EARLIER_TEXTS: usize = 5;

fn texts(metric: &Metadata) -> [(&'static str, &str); 9] {
    [
        ("name", &metric.name),
        ("description", &metric.description),
        ("unit", &metric.unit),
        ("kind", &metric.kind),
        ("source", &metric.source),
        ("formula", &metric.formula),
        ("object", &metric.object),
        ("group", &metric.group),
        ("short", &metric.short),
    ]
}

fn numbers(metric: &Metadata) -> [(&'static str, Option<f64>); 4] {
    [
        ("minimum", metric.minimum),
        ("maximum", metric.maximum),
        ("warning", metric.warning),
        ("critical", metric.critical),
    ]
}
