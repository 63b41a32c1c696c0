//! The time of the last probe, for something that announces most of its changes but not all.

use std::time::Duration;

/// The moment of the last probe: for devices, definitions or processes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastProbe(Option<Duration>);

impl LastProbe {
    /// Whether to probe again at the moment `now` of the monotonic clock: if there was no probe yet, the last one is
    /// at least `max_age` old, or something `has_changed`. If so, `now` becomes the moment of the last probe.
    pub(crate) fn again(
        &mut self,
        now: Duration,
        max_age: Duration,
        has_changed: impl FnOnce() -> bool,
    ) -> bool {
        let is_due = self.is_due(now, max_age) || has_changed();
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }

    /// Whether there was no probe yet, or the last one is at least `max_age` old.
    pub(crate) fn is_due(&self, now: Duration, max_age: Duration) -> bool {
        self.0
            .is_none_or(|last| now.saturating_sub(last) >= max_age)
    }

    /// Makes the next probe due: the last one has failed, or has shown that there is more to find.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_due_after_a_change_or_the_maximum_age() {
        let mut last = LastProbe::default();
        let mut check = |now, has_changed, expected| {
            let (now, max_age) = (Duration::from_secs(now), Duration::from_secs(10));
            assert_eq!(
                last.again(now, max_age, || has_changed),
                expected,
                "{now:?}"
            );
        };
        check(1, false, true);
        check(10, false, false);
        check(11, false, true);
        check(12, true, true);
        check(21, false, false);
        check(22, false, true);
        // An earlier moment makes no probe due.
        check(5, false, false);
        last.forget();
        assert!(last.again(Duration::from_secs(22), Duration::MAX, || false));
    }
}
