//! The moment and the span that all graphs show.

use std::ops::RangeInclusive;

/// The most slots of time that one column of a graph shows.
const LARGEST_ZOOM: usize = 64;

/// The time cursor. It is kept from page to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The moment at the right end, in microseconds since the epoch; `None` follows the present.
    moment: Option<u64>,
    /// The slots of time that one column shows.
    zoom: usize,
}

impl Cursor {
    /// The present, a column for each slot.
    pub(crate) const PRESENT: Self = Self {
        moment: None,
        zoom: 1,
    };

    /// Whether it follows the present.
    pub(crate) fn is_present(self) -> bool {
        self.moment.is_none()
    }

    /// The slots of time that one column shows.
    pub(crate) fn zoom(self) -> usize {
        self.zoom
    }

    /// Shows twice the span, or half of it.
    pub(crate) fn zoom_by(&mut self, is_longer: bool) {
        self.zoom = match is_longer {
            true => self.zoom.saturating_mul(2).min(LARGEST_ZOOM),
            false => (self.zoom / 2).max(1),
        };
    }

    /// The slots between the newest one and the cursor; `interval` is the microseconds of a slot.
    pub(crate) fn age(self, newest: u64, interval: u64) -> usize {
        let slot = self.moment.and_then(|moment| moment.checked_div(interval));
        let age = newest.saturating_sub(slot.unwrap_or(newest));
        usize::try_from(age).unwrap_or(usize::MAX)
    }

    /// Goes back or forward by so many slots, within those that are recorded. That of the newest slot is the present. `interval`
    /// is the microseconds of a slot.
    pub(crate) fn go_by(&mut self, slots: i64, recorded: RangeInclusive<u64>, interval: u64) {
        let (oldest, newest) = recorded.into_inner();
        let slot = self.moment.and_then(|moment| moment.checked_div(interval));
        let slot = slot.unwrap_or(newest).max(oldest);
        let slot = slot.saturating_add_signed(slots).max(oldest);
        // A moment after the newest slot is one whose readings are still to come, from the history.
        let is_past = slot < newest || (slots < 0 && slot > newest);
        self.moment = is_past.then(|| slot.saturating_mul(interval));
    }

    /// Follows the present again.
    pub(crate) fn go_to_present(&mut self) {
        self.moment = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_grows_older() {
        let mut cursor = Cursor::PRESENT;
        assert_eq!(cursor.age(100, 10), 0);
        cursor.go_by(-5, 0..=100, 10);
        assert_eq!(cursor.age(100, 10), 5);
        assert_eq!(cursor.age(107, 10), 12);
        // Another interval, the same moment.
        assert_eq!(cursor.age(20, 50), 1);
        cursor.go_by(5, 0..=100, 10);
        assert!(cursor.is_present());
    }

    #[test]
    fn it_stays_within_the_recording() {
        let mut cursor = Cursor::PRESENT;
        cursor.go_by(-50, 90..=100, 10);
        assert_eq!(cursor.age(100, 10), 10);
        // The history of another page is still to come, or is shorter.
        cursor.go_by(-1, 80..=80, 10);
        assert_eq!(cursor.age(100, 10), 11);
        cursor.go_by(1, 95..=100, 10);
        assert_eq!(cursor.age(100, 10), 4);
        cursor.go_by(-1, 100..=100, 10);
        assert!(cursor.is_present());
    }

    #[test]
    fn the_span_is_bounded() {
        let mut cursor = Cursor::PRESENT;
        cursor.zoom_by(false);
        assert_eq!(cursor.zoom(), 1);
        (0..20).for_each(|_| cursor.zoom_by(true));
        assert_eq!(cursor.zoom(), LARGEST_ZOOM);
    }
}
