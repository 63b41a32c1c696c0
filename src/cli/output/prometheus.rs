//! The text format of Prometheus, for the textfile collector of node_exporter.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use sampled::{
    client::Metadata,
    reading::{Reading, Value},
};

use super::frame::Frame;

/// The metrics of one name.
struct Family<'a> {
    /// The description of the first one: a family has one.
    help: &'a str,
    /// `None` if they differ.
    kind: Option<&'static str>,
    /// The objects and their values.
    samples: Vec<(&'a str, f64)>,
}

/// Writes the numbers of a frame. `cpu/all/usage` becomes `sampled_cpu_usage_percent{object="all"}`. A fault has no line: a
/// missing value is what Prometheus calls stale. Texts have none either.
pub(crate) fn write(
    out: &mut impl Write,
    frame: &Frame,
    metrics: &BTreeMap<String, Metadata>,
) -> io::Result<()> {
    let mut families: BTreeMap<String, Family<'_>> = BTreeMap::new();
    for (id, reading) in &frame.readings {
        if let Some((name, object, value, metric)) = sample(id, reading, metrics) {
            let kind = kind(metric);
            let family = families.entry(name).or_insert_with(|| Family {
                help: &metric.description,
                kind: Some(kind),
                samples: Vec::new(),
            });
            family.kind = family.kind.filter(|other| *other == kind);
            // Two properties may differ in nothing but the case of a letter.
            if family.samples.iter().all(|(other, _)| *other != object) {
                family.samples.push((object, value));
            }
        }
    }
    for (name, family) in &families {
        let help = escape(family.help);
        let kind = family.kind.unwrap_or("untyped");
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        for (object, value) in &family.samples {
            let object = escape(object).replace('"', "\\\"");
            writeln!(out, "{name}{{object=\"{object}\"}} {value}")?;
        }
    }
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn kind(metric: &Metadata) -> &'static str {
    match &*metric.kind {
        "total" => "counter",
        _ => "gauge",
    }
}

fn sample<'a>(
    id: &'a str,
    reading: &Reading,
    metrics: &'a BTreeMap<String, Metadata>,
) -> Option<(String, &'a str, f64, &'a Metadata)> {
    let Ok(Value::Number(value)) = reading else {
        return None;
    };
    let metric = metrics.get(id)?;
    let (source, rest) = id.split_once('/')?;
    let (object, property) = rest.rsplit_once('/')?;
    let (unit, factor) = base_unit(&metric.unit);
    let total = if metric.kind == "total" { "total" } else { "" };
    let name = [source, property, unit, total].map(snake_case);
    let name = name.iter().filter(|part| !part.is_empty()).cloned();
    let name = ["sampled".to_owned()].into_iter().chain(name);
    Some((
        name.collect::<Vec<_>>().join("_"),
        object,
        *value * factor,
        metric,
    ))
}

/// The base unit in words, as the naming practices of Prometheus want it, and the factor to it.
fn base_unit(unit: &str) -> (&str, f64) {
    match unit {
        "%" => ("percent", 1.0),
        "By" => ("bytes", 1.0),
        "By/s" => ("bytes_per_second", 1.0),
        "bit" => ("bits", 1.0),
        "bit/s" => ("bits_per_second", 1.0),
        "Hz" => ("hertz", 1.0),
        "MHz" => ("hertz", 1e6),
        "Cel" => ("celsius", 1.0),
        "W" => ("watts", 1.0),
        "V" => ("volts", 1.0),
        "A" => ("amperes", 1.0),
        "J" => ("joules", 1.0),
        "W.h" => ("joules", 3600.0),
        "s" => ("seconds", 1.0),
        "ms" => ("seconds", 1e-3),
        "us" => ("seconds", 1e-6),
        "/s" => ("per_second", 1.0),
        "/min" => ("per_minute", 1.0),
        "1" => ("", 1.0),
        unit => (unit, 1.0),
    }
}

/// `totalDownload` as `total_download`; every other character than letters and digits as `_`.
fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut was_lower = false;
    for c in text.chars() {
        if c.is_ascii_uppercase() && was_lower {
            name.push('_');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    name.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use sampled::reading::Fault;

    use super::{
        super::bar::tests::{frame, metadata},
        *,
    };

    #[test]
    fn the_values_of_a_name_are_a_family() {
        let number = |value| Ok(Value::Number(value));
        let frame = frame([
            ("cpu/all/frequency", number(2400.5)),
            ("cpu/all/usage", number(3.0)),
            ("cpu/cpu0/frequency", number(1.0)),
            ("cpu/cpu0/usage", Err(Fault::First)),
            ("cpu/cpu1/usage", number(7.25)),
            ("disk/a\"b\\c/totalRead", number(1e16)),
            ("os/kernel/name", Ok(Value::Text("Linux".into()))),
            ("x/y/a", number(1.0)),
            ("x/z/A", number(2.0)),
            ("x/z/a", number(3.0)),
        ]);
        let metric = |unit, kind: &str, description: &str| Metadata {
            kind: kind.to_owned(),
            description: description.to_owned(),
            ..metadata(unit)
        };
        let metrics = [
            ("cpu/all/frequency", metric("MHz", "gauge", "Of all")),
            ("cpu/all/usage", metric("%", "rate", "a\\b\nc")),
            ("cpu/cpu0/frequency", metric("Hz", "gauge", "Of one")),
            ("cpu/cpu1/usage", metric("%", "rate", "")),
            ("disk/a\"b\\c/totalRead", metric("By", "total", "Read")),
            ("os/kernel/name", metric("", "text", "")),
            ("x/y/a", metric("1", "gauge", "")),
            ("x/z/A", metric("1", "gauge", "")),
            ("x/z/a", metric("1", "gauge", "")),
        ];
        let metrics = metrics.map(|(id, metric)| (id.to_owned(), metric));
        let mut text = Vec::new();
        write(&mut text, &frame, &metrics.into()).unwrap();
        let expected = r#"# HELP sampled_cpu_frequency_hertz Of all
# TYPE sampled_cpu_frequency_hertz gauge
sampled_cpu_frequency_hertz{object="all"} 2400500000
sampled_cpu_frequency_hertz{object="cpu0"} 1
# HELP sampled_cpu_usage_percent a\\b\nc
# TYPE sampled_cpu_usage_percent gauge
sampled_cpu_usage_percent{object="all"} 3
sampled_cpu_usage_percent{object="cpu1"} 7.25
# HELP sampled_disk_total_read_bytes_total Read
# TYPE sampled_disk_total_read_bytes_total counter
sampled_disk_total_read_bytes_total{object="a\"b\\c"} 10000000000000000
# HELP sampled_x_a 
# TYPE sampled_x_a gauge
sampled_x_a{object="y"} 1
sampled_x_a{object="z"} 2
"#;
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
