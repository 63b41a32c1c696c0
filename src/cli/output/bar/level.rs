//! How far a value is beyond its limits, for the colour of a bar.

use std::str::FromStr;

use sampled::{
    client::Metadata,
    reading::{Reading, Value},
};

use super::template::check_id;

/// How far a value is beyond its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    #[default]
    Normal,
    Warning,
    Critical,
}

/// A limit that the user gives in place of that in the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    id: String,
    value: f64,
    /// Which values are beyond it.
    side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// `ID=VALUE`: lower ones if the metric has lower limits, else higher ones.
    OfMetric,
    /// `ID<VALUE`
    Lower,
    /// `ID>VALUE`
    Higher,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "a limit is ID=VALUE, ID<VALUE or ID>VALUE, such as cpu/all/usage=90";
        // The last one: no number has it.
        let (at, sign) = text
            .char_indices()
            .rfind(|(_, c)| matches!(c, '=' | '<' | '>'))
            .ok_or(form)?;
        let (id, value) = text.split_at(at);
        let value = value.trim_start_matches(sign);
        check_id(id)?;
        let parsed: Option<f64> = value.parse().ok();
        match parsed.filter(|value| value.is_finite()) {
            Some(value) => Ok(Self {
                id: id.to_owned(),
                value,
                side: match sign {
                    '<' => Side::Lower,
                    '>' => Side::Higher,
                    _ => Side::OfMetric,
                },
            }),
            None => Err(format!("`{value}` is no number")),
        }
    }
}

impl Limit {
    /// The id of the metric.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// The limits that the user gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) warning: Vec<Limit>,
    pub(crate) critical: Vec<Limit>,
}

impl Limits {
    /// The level of a reading. A fault is normal: nothing is known to be beyond a limit.
    pub(crate) fn level(&self, id: &str, reading: &Reading, metric: Option<&Metadata>) -> Level {
        let Ok(Value::Number(value)) = reading else {
            return Level::Normal;
        };
        let is_lower = metric.is_some_and(|metric| metric.lower_limits);
        let is_beyond = |given: &[Limit], own: Option<f64>| {
            let given = given.iter().find(|limit| limit.id == id);
            let limit = given.map(|limit| (limit.value, limit.side));
            let limit = limit.or_else(|| own.map(|value| (value, Side::OfMetric)));
            limit.is_some_and(|(limit, side)| match side {
                Side::Lower => *value <= limit,
                Side::OfMetric if is_lower => *value <= limit,
                Side::OfMetric | Side::Higher => *value >= limit,
            })
        };
        if is_beyond(&self.critical, metric.and_then(|metric| metric.critical)) {
            Level::Critical
        } else if is_beyond(&self.warning, metric.and_then(|metric| metric.warning)) {
            Level::Warning
        } else {
            Level::Normal
        }
    }
}

#[cfg(test)]
mod tests {
    use sampled::reading::Fault;

    use super::{super::tests::metadata, *};

    #[test]
    fn a_level_follows_from_the_limits() {
        let number = |value| Ok(Value::Number(value));
        let limit = |text: &str| vec![text.parse::<Limit>().unwrap()];
        let sensor = Metadata {
            warning: Some(80.0),
            critical: Some(100.0),
            ..metadata("Cel")
        };
        let battery = Metadata {
            lower_limits: true,
            ..metadata("%")
        };
        let own = Limits::default();
        let given = Limits {
            warning: limit("a/b/c=20"),
            critical: limit("a/b/c=10"),
        };
        let check = |limits: &Limits, metric: &Metadata, value: f64, expected: Level| {
            assert_eq!(
                limits.level("a/b/c", &number(value), Some(metric)),
                expected
            );
        };
        check(&own, &sensor, 79.9, Level::Normal);
        check(&own, &sensor, 80.0, Level::Warning);
        check(&own, &sensor, 100.0, Level::Critical);
        check(&given, &sensor, 15.0, Level::Critical);
        let charge = Limits {
            warning: limit("a/b/c<20"),
            critical: limit("a/b/c<10"),
        };
        check(&charge, &sensor, 21.0, Level::Normal);
        check(&charge, &sensor, 20.0, Level::Warning);
        check(&charge, &sensor, 10.0, Level::Critical);
        let speed = Limits {
            warning: limit("a/b/c>20"),
            critical: Vec::new(),
        };
        check(&speed, &battery, 20.0, Level::Warning);
        check(&speed, &battery, 19.0, Level::Normal);
        check(&given, &battery, 21.0, Level::Normal);
        check(&given, &battery, 20.0, Level::Warning);
        check(&given, &battery, 10.0, Level::Critical);
        let of = |reading| given.level("a/b/c", &reading, None);
        assert_eq!(of(Err(Fault::Gone)), Level::Normal);
        assert_eq!(given.level("x/y/z", &number(99.0), None), Level::Normal);
    }

    #[test]
    fn an_error_names_what_is_wrong_with_a_limit() {
        let check = |text: &str, culprit: &str| {
            let error = text.parse::<Limit>().unwrap_err();
            assert!(error.contains(culprit), "{text}: {error}");
        };
        check("90", "ID=VALUE");
        check("cpu/*/usage=90", "`cpu/*/usage`");
        check("cpu/all/usage=", "`` is no number");
        check("cpu/all/usage=NaN", "`NaN`");
        check("cpu/all/usage=90%", "`90%`");
    }
}
