//! The time without a frame, in words.

use std::time::Duration;

/// A silence that is told to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    /// Its length so far.
    pub(crate) seconds: u64,
    pub(crate) answer: Answer,
}

/// What has come of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The service has answered.
    Given,
    NoneOfService,
    NoneOfBus,
}

impl Silence {
    /// Words for the user.
    pub(crate) fn words(self) -> String {
        let time = humantime::format_duration(Duration::from_secs(self.seconds));
        let culprit = match self.answer {
            Answer::Given => "",
            Answer::NoneOfService => ": the service does not answer",
            Answer::NoneOfBus => ": the bus does not answer",
        };
        format!("No reading for {time}{culprit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_told_in_words() {
        let check = |seconds, answer, expected: &str| {
            assert_eq!(Silence { seconds, answer }.words(), expected);
        };
        check(3, Answer::Given, "No reading for 3s");
        check(
            72,
            Answer::NoneOfService,
            "No reading for 1m 12s: the service does not answer",
        );
        check(
            12,
            Answer::NoneOfBus,
            "No reading for 12s: the bus does not answer",
        );
    }
}
