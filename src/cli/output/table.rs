//! Tables for a person: aligned ids and values.

use std::collections::BTreeMap;

use sampled::{
    client::{Metadata, SourceInfo},
    reading::{Reading, Value},
};

use super::{
    frame::Frame,
    style::Style,
    terminal_text::{escape, padded, width},
    units::readable,
};

/// The lines of a frame, with an empty line between objects. `metrics` has the units.
pub(crate) fn of_frame(
    frame: &Frame,
    metrics: &BTreeMap<String, Metadata>,
    style: Style,
) -> Vec<String> {
    let cells = format_readings(frame, metrics);
    let id_width = widest(cells.iter().map(|(id, _)| *id));
    let number_width = number_width(&cells);
    let mut lines = Vec::new();
    let mut object = None;
    for (id, cell) in &cells {
        let of = id.rsplit_once('/').map(|(object, _)| object);
        if object.is_some_and(|object| object != of) {
            lines.push(String::new());
        }
        object = Some(of);
        let id = style.dim(&padded(&escape(id), id_width));
        let value = cell.text(number_width);
        lines.push(format!("{id}  {}", cell.paint(value.trim_end(), style)));
    }
    lines
}

/// The formatted readings of a frame. `metrics` has the units.
fn format_readings<'a>(
    frame: &'a Frame,
    metrics: &BTreeMap<String, Metadata>,
) -> Vec<(&'a str, FormattedReading)> {
    let readings = frame.readings.iter();
    let cells = readings.map(|(id, reading)| {
        let unit = metrics.get(id).map_or("", |metric| &metric.unit);
        (id.as_str(), value(reading, unit))
    });
    cells.collect()
}

/// A reading as escaped text.
enum FormattedReading {
    Number(String, String),
    Text(String),
    Fault(&'static str),
}

impl FormattedReading {
    fn text(&self, number_width: usize) -> String {
        match self {
            Self::Number(number, unit) => format!("{number:>number_width$} {unit}"),
            Self::Text(text) => text.clone(),
            Self::Fault(code) => format!("{code:>number_width$}"),
        }
    }

    fn paint(&self, text: &str, style: Style) -> String {
        match self {
            Self::Fault(_) => style.red(text),
            Self::Number(..) | Self::Text(_) => text.to_owned(),
        }
    }
}

fn number_width(cells: &[(&str, FormattedReading)]) -> usize {
    widest(cells.iter().filter_map(|(_, cell)| match cell {
        FormattedReading::Number(number, _) => Some(number.as_str()),
        FormattedReading::Text(_) | FormattedReading::Fault(_) => None,
    }))
}

fn value(reading: &Reading, unit: &str) -> FormattedReading {
    match reading {
        Ok(Value::Number(number)) => {
            let (number, unit) = readable(*number, unit);
            FormattedReading::Number(number, escape(&unit).into_owned())
        }
        Ok(Value::Text(text)) => FormattedReading::Text(escape(text).into_owned()),
        Err(fault) => FormattedReading::Fault(fault.code()),
    }
}

/// The lines of a list of metrics by source, each with its reading.
pub(crate) fn of_metrics(
    metrics: &BTreeMap<String, Metadata>,
    now: &Frame,
    style: Style,
) -> Vec<String> {
    let cells = format_readings(now, metrics);
    let id_width = widest(cells.iter().map(|(id, _)| *id));
    let number_width = number_width(&cells);
    let source = |id: &str| metrics.get(id).map_or("", |metric| metric.source.as_str());
    let mut sources: Vec<_> = cells.iter().map(|(id, _)| source(id)).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut lines = Vec::new();
    for of in sources {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(style.bold(&escape(of)));
        let own = cells.iter().filter(|(id, _)| source(id) == of);
        let rows: Vec<_> = own
            .map(|(id, cell)| (id, cell, cell.text(number_width)))
            .collect();
        // A long text, such as a CPU's name, must not push the other columns out of sight.
        let short = rows.iter().map(|(.., value)| value.as_str());
        let value_width = widest(short.filter(|value| width(value) <= 24));
        for (id, cell, value) in rows {
            let name = metrics.get(*id).map_or_else(String::new, title);
            let id = style.dim(&padded(&escape(id), id_width));
            let (value, name) = (padded(&value, value_width), escape(&name));
            let value = cell.paint(&value, style);
            lines.push(format!("  {id}  {value}  {name}").trim_end().to_owned());
        }
    }
    lines
}

/// The object and the name of a metric.
fn title(metric: &Metadata) -> String {
    match metric.object.as_str() {
        "" => metric.name.clone(),
        object => format!("{object}: {}", metric.name),
    }
}

/// The lines of a table of sources, with errors below each source.
pub(crate) fn of_sources(sources: &BTreeMap<String, SourceInfo>, style: Style) -> Vec<String> {
    let name_width = widest(sources.keys().map(String::as_str));
    let state_width = widest(sources.values().map(|source| source.state.as_str()));
    let mut lines = Vec::new();
    for (name, source) in sources {
        let state = padded(&escape(&source.state), state_width);
        let state = match source.error.is_empty() {
            true => state,
            false => style.red(&state),
        };
        let mut line = format!("{}  {state}", padded(&escape(name), name_width));
        if source.metrics > 0 {
            let (metrics, reads) = (source.metrics, source.reads);
            line += &format!("  {metrics:>4} metrics  {reads:>6} reads");
            if reads > 0 {
                let each = source.cost.as_secs_f64() * 1e6 / reads as f64;
                line += &format!(" of {each:.0} µs");
            }
        }
        lines.push(line.trim_end().to_owned());
        let errors = source.error.lines();
        lines.extend(errors.map(|error| format!("  {}", escape(error))));
    }
    lines
}

/// The width of the widest of these texts.
fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| width(&escape(text))).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use sampled::reading::Fault;

    use super::*;

    fn metric(unit: &str) -> Metadata {
        Metadata {
            name: "Name".to_owned(),
            short: "Name".to_owned(),
            description: String::new(),
            formula: String::new(),
            object: "Object".to_owned(),
            group: "custom".to_owned(),
            unit: unit.to_owned(),
            kind: "gauge".to_owned(),
            source: String::new(),
            precision: None,
            minimum: None,
            maximum: None,
            warning: None,
            critical: None,
            lower_limits: false,
            is_virtual: false,
        }
    }

    fn metrics() -> BTreeMap<String, Metadata> {
        let units = [
            ("cpu/all/usage", "%"),
            ("cpu/all/wait", "%"),
            ("memory/physical/used", "By"),
            ("os/kernel/name", ""),
        ];
        units
            .map(|(id, unit)| (id.to_owned(), metric(unit)))
            .into_iter()
            .collect()
    }

    fn frame() -> Frame {
        let readings: [(&str, Reading); 4] = [
            ("cpu/all/usage", Ok(Value::Number(3.12))),
            ("cpu/all/wait", Err(Fault::First)),
            ("memory/physical/used", Ok(Value::Number(13_314_398_617.6))),
            ("os/kernel/name", Ok(Value::Text("Li\x1bnux".into()))),
        ];
        Frame {
            timestamp: 1,
            readings: readings
                .map(|(id, reading)| (id.to_owned(), reading))
                .into(),
        }
    }

    #[test]
    fn values_are_aligned() {
        let lines = of_frame(&frame(), &metrics(), Style::PLAIN);
        let expected = [
            "cpu/all/usage          3.1 %",
            "cpu/all/wait          first",
            "",
            "memory/physical/used  12.4 GiB",
            "",
            "os/kernel/name        Li\\u{1b}nux",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn colour_surrounds_ids_and_values() {
        let lines = of_frame(&frame(), &metrics(), Style::COLOURED);
        assert_eq!(
            lines[1],
            "\x1b[2mcpu/all/wait        \x1b[0m  \x1b[31mfirst\x1b[0m"
        );
    }

    #[test]
    fn a_list_is_by_source() {
        let mut metrics = metrics();
        for (id, metric) in &mut metrics {
            metric.source = id.split('/').next().unwrap().to_owned();
        }
        let expected = [
            "cpu",
            "  cpu/all/usage          3.1 %  Object: Name",
            "  cpu/all/wait          first   Object: Name",
            "",
            "memory",
            "  memory/physical/used  12.4 GiB  Object: Name",
            "",
            "os",
            "  os/kernel/name        Li\\u{1b}nux  Object: Name",
        ];
        let lines = of_metrics(&metrics, &frame(), Style::PLAIN);
        assert_eq!(lines, expected);
    }
}
