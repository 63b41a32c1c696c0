//! A crossing with its unit and threshold: a line for a person, JSON, and the variables of a command.

use std::{
    ffi::OsString,
    io::{self, Write},
};

use serde::Serialize;

use sampled::client::Crossing;

use crate::cli::output::{
    format::write_json, moment::moment, terminal_text::EscapingWriter, units::readable,
};

/// A crossing that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) crossing: Crossing,
    pub(super) unit: String,
    pub(super) threshold: f64,
}

/// `{"timestamp":1764000000000000,"id":"cpu/all/usage","value":93.1,"unit":"%","direction":"above","threshold":90.0}`
#[derive(Serialize)]
struct Json<'a> {
    timestamp: u64,
    id: &'a str,
    value: f64,
    unit: &'a str,
    direction: &'static str,
    threshold: f64,
}

impl Event {
    pub(super) fn write(&self, out: &mut impl Write, json: bool) -> io::Result<()> {
        let Self {
            crossing,
            unit,
            threshold,
        } = self;
        if json {
            return write_json(
                out,
                &Json {
                    timestamp: crossing.timestamp,
                    id: &crossing.id,
                    value: crossing.value,
                    unit,
                    direction: crossing.direction.as_str(),
                    threshold: *threshold,
                },
            );
        }
        let number = |value| {
            let (number, unit) = readable(value, unit);
            format!("{number} {unit}").trim_end().to_owned()
        };
        writeln!(
            EscapingWriter(out),
            "{} {}: {} is {} {}",
            moment(crossing.timestamp),
            crossing.id,
            number(crossing.value),
            crossing.direction.as_str(),
            number(*threshold),
        )
    }

    /// The environment variables of the command.
    pub(super) fn variables(&self) -> Vec<(OsString, OsString)> {
        let crossing = &self.crossing;
        let variables = [
            ("SAMPLED_ID", crossing.id.clone()),
            ("SAMPLED_VALUE", crossing.value.to_string()),
            ("SAMPLED_UNIT", self.unit.clone()),
            ("SAMPLED_DIRECTION", crossing.direction.as_str().to_owned()),
            ("SAMPLED_THRESHOLD", self.threshold.to_string()),
            ("SAMPLED_TIMESTAMP", crossing.timestamp.to_string()),
        ];
        let variables = variables.into_iter();
        variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use sampled::client::Direction;

    use super::*;

    #[test]
    fn lines() {
        let event = Event {
            crossing: Crossing {
                timestamp: 1_700_000_000_123_456,
                id: "lmsensors/k10temp/temp1".to_owned(),
                value: 86.625,
                direction: Direction::Above,
            },
            unit: "Cel".to_owned(),
            threshold: 85.0,
        };
        let text = |json| {
            let mut text = Vec::new();
            event.write(&mut text, json).unwrap();
            String::from_utf8(text).unwrap()
        };
        assert_eq!(
            text(false),
            "2023-11-14T22:13:20.123Z lmsensors/k10temp/temp1: 86.6 °C is above 85.0 °C\n"
        );
        assert_eq!(
            text(true),
            "{\"timestamp\":1700000000123456,\"id\":\"lmsensors/k10temp/temp1\",\"value\":86.625,\
             \"unit\":\"Cel\",\"direction\":\"above\",\"threshold\":85.0}\n"
        );
        let variables = event.variables();
        assert_eq!(variables[1], ("SAMPLED_VALUE".into(), "86.625".into()));
        assert_eq!(variables[4], ("SAMPLED_THRESHOLD".into(), "85".into()));
    }
}
