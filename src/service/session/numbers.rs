//! The numbers of sessions, which no two sessions of a boot have in common, also across activations.

use std::{io, str, time::Duration};

use tracing::debug;

use crate::{reading::Stamp, service::runtime_directory::RuntimeDirectory};

/// The file with the last number, in the runtime directory.
const FILE: &str = "last-session";

/// The file has one number.
const MAX_BYTES: u64 = 16;

/// The numbers that are recorded as taken at a time, so that one session in sixty-four costs a write and a service that
/// is killed repeats none.
const BLOCK: u32 = 64;

/// The numbers per second of the clock, where the file is missing.
const PER_SECOND: u128 = 16;

/// Gives each session a number.
#[derive(Default)]
pub(super) struct Numbers {
    last: u32,
    /// The last number that is recorded as taken; `None` before the first session.
    recorded: Option<u32>,
    has_file: bool,
}

impl Numbers {
    /// Continues after the number in the file.
    pub(super) fn from_file() -> Self {
        Self {
            has_file: true,
            ..Self::default()
        }
    }

    /// The next number that `is_free`.
    pub(super) fn next(&mut self, is_free: impl Fn(u32) -> bool) -> u32 {
        loop {
            if self.has_file && self.recorded.is_none_or(|recorded| self.last >= recorded) {
                self.record_block();
            }
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && is_free(self.last) {
                return self.last;
            }
        }
    }

    /// Records that the numbers after the last one are free, because the service ends.
    pub(super) fn finish(&mut self) {
        if self.recorded.is_some_and(|recorded| recorded > self.last) {
            self.record(self.last);
        }
    }

    fn record_block(&mut self) {
        if self.recorded.is_none() {
            self.last = RuntimeDirectory::open()
                .and_then(|directory| directory.read(FILE, MAX_BYTES))
                .and_then(|content| parse(&content))
                .unwrap_or_else(|error| {
                    debug!("the last number of a session is not known: {error}");
                    by_clock(Stamp::now().boottime)
                });
        }
        self.record(self.last.saturating_add(BLOCK));
    }

    fn record(&mut self, last: u32) {
        self.recorded = Some(last);
        let recorded = RuntimeDirectory::open()
            .and_then(|directory| directory.replace(FILE, format!("{last}\n").as_bytes()));
        if let Err(error) = recorded {
            debug!("the last number of a session is not recorded: {error}");
        }
    }
}

/// The number in the file.
fn parse(content: &[u8]) -> io::Result<u32> {
    let number = str::from_utf8(content).ok().and_then(|text| {
        let number = text.strip_suffix('\n')?.parse().ok()?;
        // A service that takes a session a second needs 68 years to come here.
        (number <= u32::MAX / 2).then_some(number)
    });
    number.ok_or_else(|| io::Error::other(format!("{FILE} has no number")))
}

/// A number above those of all earlier services of this boot, if they had less than sixteen sessions a second.
fn by_clock(boottime: Duration) -> u32 {
    let sixteenths = boottime.as_millis().saturating_mul(PER_SECOND) / 1000;
    // 2^31 sixteenths of a second are four years.
    u32::try_from(sixteenths & u128::from(u32::MAX / 2)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_one_number() {
        assert_eq!(parse(b"17\n").unwrap(), 17);
        for damaged in [
            "",
            "17",
            "-1\n",
            "17\n18\n",
            "4294967295\n",
            "4294967296\n",
            "x\n",
        ] {
            parse(damaged.as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn the_clock_gives_sixteen_numbers_a_second() {
        assert_eq!(by_clock(Duration::from_millis(1500)), 24);
        assert_eq!(by_clock(Duration::MAX) >> 31, 0);
    }
}
