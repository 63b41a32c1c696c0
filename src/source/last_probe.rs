//! Whether to look again at something that tells of its changes, though not of all of them.

use std::time::Duration;

/// When something was looked at last: devices, definitions, processes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastProbe(Option<Duration>);

impl LastProbe {
    /// Whether to look again at the moment `now` of the monotonic clock: where that was never done, or not for as
    /// long as `holds`, or where there `is_news`. It is then the last look.
    pub(crate) fn again(
        &mut self,
        now: Duration,
        holds: Duration,
        is_news: impl FnOnce() -> bool,
    ) -> bool {
        let is_old = self.0.is_none_or(|last| now.saturating_sub(last) >= holds);
        let is_due = is_old || is_news();
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }

    /// The look has failed, or shown that more is new: the next one is due.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_again() {
        let mut look = LastProbe::default();
        let mut check = |now, is_news, expected| {
            let (now, holds) = (Duration::from_secs(now), Duration::from_secs(10));
            assert_eq!(look.again(now, holds, || is_news), expected, "{now:?}");
        };
        check(1, false, true);
        check(10, false, false);
        check(11, false, true);
        check(12, true, true);
        check(21, false, false);
        check(22, false, true);
        // A moment that seems to be earlier is no reason.
        check(5, false, false);
        look.forget();
        assert!(look.again(Duration::from_secs(22), Duration::MAX, || false));
    }
}
