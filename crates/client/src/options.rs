//! The options of samples and sessions.

use std::{collections::HashMap, time::Duration};

use zbus::Variant;

/// Options on the bus, `a{sv}`.
pub(crate) type OptionsDict<'a> = HashMap<&'static str, Variant<'a>>;

/// The options of a sample. The service has defaults for those that are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleOptions {
    /// The shortest time between the two reads of a rate; 200 ms by default.
    pub window: Option<Duration>,
    /// The greatest age of an acceptable reading; 0 by default.
    pub max_age: Option<Duration>,
    /// A metric that takes longer is a fault `timeout`; 1 s by default.
    pub timeout: Option<Duration>,
    /// Leaves out selectors that match nothing: a widget's list has metrics that not every machine has.
    pub optional: bool,
}

impl SampleOptions {
    pub(crate) fn options(self) -> OptionsDict<'static> {
        let given = [
            ("window", self.window),
            ("max_age", self.max_age),
            ("timeout", self.timeout),
        ];
        let given = given
            .into_iter()
            .filter_map(|(key, time)| Some((key, time?)));
        let given = given.map(|(key, time)| (key, Variant::from(microseconds(time))));
        given.chain(optional(self.optional)).collect()
    }
}

/// The options of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The time from frame to frame.
    pub interval: Duration,
    /// A label that is shown to the user.
    pub label: String,
    /// Whether the session outlives this client and broadcasts its frames.
    pub detached: bool,
    /// Leaves out selectors that match nothing. The session has their metrics once they appear, if the service knows this option: an
    /// earlier version gets the selectors that match.
    pub optional: bool,
    /// The span of the past whose frames come first, as far as the service has kept it; none by default. A row of NaN is the
    /// beginning of a gap.
    pub history: Duration,
}

impl Start {
    /// A session without a label, which ends with its client.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            label: String::new(),
            detached: false,
            optional: false,
            history: Duration::ZERO,
        }
    }

    /// The same, in milliseconds.
    pub fn every_millis(milliseconds: u64) -> Self {
        Self::every(Duration::from_millis(milliseconds))
    }

    pub(crate) fn options(&self) -> OptionsDict<'_> {
        let mut options = OptionsDict::from([("detached", Variant::from(self.detached))]);
        if !self.label.is_empty() {
            options.insert("label", Variant::from(self.label.as_str()));
        }
        options.extend(optional(self.optional));
        if !self.history.is_zero() {
            options.insert("history", Variant::from(microseconds(self.history)));
        }
        options
    }
}

/// The options of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// The time from record to record, at least 1 ms.
    pub interval: Duration,
    /// A label that is shown to the user.
    pub label: String,
    /// Whether selectors that match nothing now are left out. They have no column later.
    pub optional: bool,
}

impl StreamOptions {
    /// A stream without a label.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            label: String::new(),
            optional: false,
        }
    }

    /// The same, in milliseconds.
    pub fn every_millis(milliseconds: u64) -> Self {
        Self::every(Duration::from_millis(milliseconds))
    }

    pub(crate) fn options(&self) -> OptionsDict<'_> {
        let mut options = OptionsDict::new();
        if !self.label.is_empty() {
            options.insert("label", Variant::from(self.label.as_str()));
        }
        options.extend(optional(self.optional));
        options
    }
}

/// The option `optional`, if it is set.
fn optional<'a>(optional: bool) -> Option<(&'static str, Variant<'a>)> {
    optional.then(|| ("optional", Variant::from(true)))
}

/// A duration on the bus. An overflow becomes the maximum, which the service refuses as too long.
pub(crate) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
