//! Thresholds of metrics.

use std::{fmt, str::FromStr};

use sampled_client::Direction;

/// A threshold of one metric. A notification says when it crosses.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The id of the metric.
    pub id: String,
    /// The direction in which it crosses.
    pub direction: Direction,
    /// The value, in the unit of the metric.
    pub value: f64,
}

/// In the settings: `cpu/all/usage above 90`.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.id, self.direction.as_str(), self.value)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is no threshold: an example is `cpu/all/usage above 90`");
        let mut words = text.split(' ');
        let (Some(id), Some(direction), Some(value), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(error());
        };
        let directions = [Direction::Above, Direction::Below];
        let direction = directions
            .into_iter()
            .find(|known| known.as_str() == direction);
        let value = value.parse().ok().filter(|value: &f64| value.is_finite());
        Ok(Self {
            id: id.to_owned(),
            direction: direction.ok_or_else(error)?,
            value: value.ok_or_else(error)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_read_as_it_is_written() {
        for text in [
            "cpu/all/usage above 90",
            "power/BAT0/chargePercentage below -1.5",
        ] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "cpu",
            "cpu above",
            "cpu over 3",
            "cpu above x",
            "cpu above inf",
            "cpu above 1 2",
        ] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
