//! Thresholds: on which side of one a metric is, and when it has crossed to the other. Pure: the time is passed in.
//!
//! A metric begins on the normal side. It crosses when its readings are beyond the threshold for [`Threshold::hold`], and
//! returns when they are back, by the hysteresis, for as long. So a metric that is beyond the threshold at its first
//! reading crosses, and one that is not does nothing.

use std::time::Duration;

/// The direction of a crossing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Above,
    Below,
}

impl Direction {
    /// Its word on the bus.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    fn opposite(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::Below => Self::Above,
        }
    }
}

/// A threshold, and the conditions under which a metric has crossed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Threshold {
    /// In the unit of the metric.
    pub(crate) value: f64,
    /// How far behind the threshold a metric has to be to have returned; in the same unit.
    pub(crate) hysteresis: f64,
    /// The direction in which it is crossed. The other one is the return.
    pub(crate) direction: Direction,
    /// Whether the return is told, too.
    pub(crate) recovery: bool,
    /// How long the readings have to be on the other side.
    pub(crate) hold: Duration,
    /// The time between two readings.
    pub(crate) interval: Duration,
}

/// A wake-up may be late, and the next one in time: without a tolerance, a hold of ten intervals would often take eleven.
const MAX_TOLERANCE: Duration = Duration::from_millis(10);

impl Threshold {
    /// Whether a value is beyond the threshold. The threshold itself is not beyond.
    fn is_crossed_by(&self, value: f64) -> bool {
        match self.direction {
            Direction::Above => value > self.value,
            Direction::Below => value < self.value,
        }
    }

    /// The value at which a metric has returned.
    pub(crate) fn return_value(&self) -> f64 {
        match self.direction {
            Direction::Above => self.value - self.hysteresis,
            Direction::Below => self.value + self.hysteresis,
        }
    }

    /// Whether a value is back. Without hysteresis, each value is either beyond or back.
    fn is_returned_by(&self, value: f64) -> bool {
        match self.direction {
            Direction::Above => value <= self.return_value(),
            Direction::Below => value >= self.return_value(),
        }
    }

    /// The option `direction` of such a watch.
    pub(crate) fn directions(&self) -> &'static str {
        match (self.direction, self.recovery) {
            (Direction::Above, true) => "both",
            (direction, _) => direction.as_str(),
        }
    }

    /// Whether a crossing in this direction is told.
    pub(crate) fn tells(&self, direction: Direction) -> bool {
        self.recovery || direction == self.direction
    }

    /// Whether readings were on the other side for long enough.
    fn is_held(&self, time: Duration) -> bool {
        let sixteenth = self.interval.checked_div(16).unwrap_or_default();
        time.saturating_add(sixteenth.min(MAX_TOLERANCE)) >= self.hold
    }
}

/// The side on which a metric is, and for how long it has been on the other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Side {
    /// Whether it has crossed and not returned.
    pub(crate) has_crossed: bool,
    /// For how long the readings have been on the other side; `None` if the last one was not.
    held: Option<Duration>,
    /// For how long there has been no reading.
    unknown: Duration,
    /// The time of the last reading or fault.
    last: Option<Duration>,
}

impl Side {
    /// The side of a metric that has crossed before.
    pub(crate) fn crossed() -> Self {
        Self {
            has_crossed: true,
            ..Self::default()
        }
    }

    /// Takes the reading at `now`, or `None` for a fault. Returns the direction if the metric has crossed or returned.
    ///
    /// A fault never crosses. The time before it does not count as held, but what is held already is kept: one late answer
    /// does not restart a hold of ten minutes. Faults for as long as the hold do.
    pub(crate) fn take(
        &mut self,
        threshold: &Threshold,
        reading: Option<f64>,
        now: Duration,
    ) -> Option<Direction> {
        let last = self.last.replace(now);
        // Where readings were missed, because the machine was busy for instance, nothing is known about the time between.
        let longest = threshold.interval.saturating_mul(2);
        let passed = last
            .map_or(Duration::ZERO, |last| now.saturating_sub(last))
            .min(longest);
        let Some(value) = reading else {
            self.unknown = self.unknown.saturating_add(passed);
            if self.unknown >= threshold.hold {
                self.held = None;
            }
            return None;
        };
        self.unknown = Duration::ZERO;
        let is_on_other_side = match self.has_crossed {
            true => threshold.is_returned_by(value),
            false => threshold.is_crossed_by(value),
        };
        if !is_on_other_side {
            self.held = None;
            return None;
        }
        let held = self
            .held
            .map_or(Duration::ZERO, |held| held.saturating_add(passed));
        if !threshold.is_held(held) {
            self.held = Some(held);
            return None;
        }
        self.held = None;
        self.has_crossed = !self.has_crossed;
        Some(match self.has_crossed {
            true => threshold.direction,
            false => threshold.direction.opposite(),
        })
    }
}

#[cfg(test)]
mod tests;
