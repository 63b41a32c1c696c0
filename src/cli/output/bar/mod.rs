//! Lines for the bars of desktops: waybar, i3blocks, polybar and tmux; and for any other program, by a template.

mod level;
mod options;
mod reader;
mod template;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde_json::json;

use sampled::{
    client::Metadata,
    reading::{Fault, Reading, Value},
};

use super::{format, frame::Frame, terminal_text::escape, units::readable};

pub(crate) use options::BarOptions;
pub(crate) use reader::Reader;

use level::Limits;
use template::Template;

/// Makes the lines.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    reader: Reader,
    /// `None`: all values, with their short names.
    template: Option<Template>,
    limits: Limits,
}

impl Bar {
    /// The ids in the template.
    pub(crate) fn ids(&self) -> Vec<String> {
        let ids = self.template.iter().flat_map(Template::ids);
        ids.map(str::to_owned).collect()
    }

    /// Whether a rate in the line has no value yet, because it has been read only once.
    pub(crate) fn is_early(&self, frame: &Frame) -> bool {
        let shown = self.shown(frame);
        shown
            .iter()
            .any(|(_, reading)| **reading == Err(Fault::First))
    }

    /// The readings in the line, in its order.
    fn shown<'a>(&'a self, frame: &'a Frame) -> Vec<(&'a str, &'a Reading)> {
        match &self.template {
            Some(template) => {
                let ids = template.ids();
                ids.filter_map(|id| Some((id, frame.reading(id)?)))
                    .collect()
            }
            None => {
                let readings = frame.readings.iter();
                readings.map(|(id, reading)| (&**id, reading)).collect()
            }
        }
    }

    /// Writes the line of a frame.
    pub(crate) fn write(
        &self,
        out: &mut impl Write,
        frame: &Frame,
        metrics: &BTreeMap<String, Metadata>,
    ) -> io::Result<()> {
        let text = self.text(frame, metrics);
        let shown = self.shown(frame);
        let levels = shown
            .iter()
            .map(|&(id, reading)| self.limits.level(id, reading, metrics.get(id)));
        let level = levels.max().unwrap_or_default();
        match self.reader {
            Reader::Waybar => {
                let mut object = json!({
                    "text": text,
                    "tooltip": self.tooltip(frame, metrics),
                    "alt": level.name(),
                    "class": level.name(),
                });
                if let Some(percentage) = self.percentage(frame, metrics) {
                    object["percentage"] = percentage.into();
                }
                format::write_json(out, &object)
            }
            Reader::I3blocks => {
                let mut object = json!({ "full_text": text });
                if let Some(colour) = level.colour() {
                    object["color"] = colour.into();
                }
                format::write_json(out, &object)
            }
            Reader::Polybar => match level.colour() {
                Some(colour) => writeln!(out, "%{{F{colour}}}{text}%{{F-}}"),
                None => writeln!(out, "{text}"),
            },
            Reader::Tmux => match level.colour() {
                Some(colour) => writeln!(out, "#[fg={colour}]{text}#[fg=default]"),
                None => writeln!(out, "{text}"),
            },
            Reader::Plain => writeln!(out, "{text}"),
        }
    }

    fn text(&self, frame: &Frame, metrics: &BTreeMap<String, Metadata>) -> String {
        let quote = |text: &str| self.reader.quote(text);
        match &self.template {
            Some(template) => self.reader.join(&template.pieces(frame, metrics, quote)),
            None => {
                let values = frame.readings.iter().map(|(id, reading)| {
                    let metric = metrics.get(id);
                    let name = metric.map_or(&**id, |metric| match metric.short.is_empty() {
                        true => &*metric.name,
                        false => &*metric.short,
                    });
                    let value = value_text(reading, metric);
                    format!("{} {}", quote(&escape(name)), quote(&value))
                });
                values.collect::<Vec<_>>().join("  ")
            }
        }
    }

    /// A line for each reading of the frame.
    fn tooltip(&self, frame: &Frame, metrics: &BTreeMap<String, Metadata>) -> String {
        let lines = frame.readings.iter().map(|(id, reading)| {
            let metric = metrics.get(id);
            let value = value_text(reading, metric);
            let name = match metric {
                Some(metric) => format!("{}, {}", metric.object, metric.name),
                None => id.clone(),
            };
            format!(
                "{}: {}",
                self.reader.quote(&escape(&name)),
                self.reader.quote(&value)
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The first value in per cent, rounded.
    fn percentage(&self, frame: &Frame, metrics: &BTreeMap<String, Metadata>) -> Option<u8> {
        let mut shown = self.shown(frame).into_iter();
        shown.find_map(|(id, reading)| match reading {
            Ok(Value::Number(value)) if metrics.get(id)?.unit == "%" => {
                Some(value.round().clamp(0.0, 100.0) as u8)
            }
            _ => None,
        })
    }
}

fn value_text(reading: &Reading, metric: Option<&Metadata>) -> String {
    match reading {
        Ok(Value::Number(number)) => {
            let (number, unit) = readable(*number, metric.map_or("", |metric| &*metric.unit));
            format!("{number} {unit}").trim_end().to_owned()
        }
        Ok(Value::Text(text)) => escape(text).into_owned(),
        Err(fault) => fault.code().to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn metadata(unit: &str) -> Metadata {
        Metadata {
            name: "Temperature".to_owned(),
            short: "Temp".to_owned(),
            description: String::new(),
            formula: String::new(),
            object: "A & B".to_owned(),
            group: String::new(),
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

    pub(crate) fn frame<const N: usize>(readings: [(&str, Reading); N]) -> Frame {
        let readings = readings.map(|(id, reading)| (id.to_owned(), reading));
        Frame {
            timestamp: 0,
            readings: readings.into(),
        }
    }

    /// The line with 90 % (critical), a text that each reader would interpret, and a fault.
    #[track_caller]
    fn check(reader: Reader, template: Option<&str>, expected: &str) {
        let bar = Bar {
            reader,
            template: template.map(|template| template.parse().unwrap()),
            limits: Limits {
                warning: vec!["a/b/usage=50".parse().unwrap()],
                critical: vec!["a/b/usage=90".parse().unwrap()],
            },
        };
        let frame = frame([
            ("a/b/gone", Err(Fault::Gone)),
            ("a/b/text", Ok(Value::Text("\"<#[%{\n\u{1b}".into()))),
            ("a/b/usage", Ok(Value::Number(90.0))),
        ]);
        let metrics = BTreeMap::from([("a/b/usage".to_owned(), metadata("%"))]);
        let mut line = Vec::new();
        bar.write(&mut line, &frame, &metrics).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), format!("{expected}\n"));
    }

    #[test]
    fn each_reader_has_its_line() {
        let template = Some("<b>{a/b/usage}</b> {a/b/text}");
        check(
            Reader::Waybar,
            template,
            r##"{"alt":"critical","class":"critical","percentage":90,"text":"<b>90.0 %</b> \"&lt;#[%{\\n\\u{1b}","tooltip":"a/b/gone: gone\na/b/text: \"&lt;#[%{\\n\\u{1b}\nA &amp; B, Temperature: 90.0 %"}"##,
        );
        check(
            Reader::I3blocks,
            template,
            r##"{"color":"#e01b24","full_text":"<b>90.0 %</b> \"<#[%{\\n\\u{1b}"}"##,
        );
        check(
            Reader::Polybar,
            template,
            r##"%{F#e01b24}<b>90.0 %</b> "<#[% {\n\u{1b}%{F-}"##,
        );
        check(
            Reader::Tmux,
            template,
            r##"#[fg=#e01b24]<b>90.0 %</b> "<##[%{\n\u{1b}#[fg=default]"##,
        );
        check(Reader::Plain, template, r##"<b>90.0 %</b> "<#[%{\n\u{1b}"##);
        check(Reader::Polybar, Some("{a/b/gone}"), "gone");
        check(
            Reader::Polybar,
            Some("{a/b/usage}{{x}}"),
            "%{F#e01b24}90.0 % {x}%{F-}",
        );
        check(
            Reader::Tmux,
            None,
            r##"#[fg=#e01b24]a/b/gone gone  a/b/text "<##[%{\n\u{1b}  Temp 90.0 %#[fg=default]"##,
        );
    }
}
