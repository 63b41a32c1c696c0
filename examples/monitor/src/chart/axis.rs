//! The axis of time that all charts of a window share.

use std::cell::Cell;

use gtk::{glib, prelude::*, subclass::prelude::*};

/// The shortest span of an axis, in microseconds.
pub const SHORTEST_SPAN: u64 = 5_000_000;
/// The longest span of an axis: a week, in microseconds.
pub const LONGEST_SPAN: u64 = 7 * 24 * 3_600_000_000;

mod imp {
    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::TimeAxis)]
    pub struct TimeAxis {
        /// The time that a chart shows, in microseconds.
        #[property(get, set = Self::set_span, explicit_notify, default = 60_000_000)]
        pub(super) span: Cell<u64>,
        /// The time at the right edge, in microseconds since the Unix epoch.
        #[property(get, set = Self::set_end, explicit_notify)]
        pub(super) end: Cell<u64>,
        /// Whether the right edge follows the newest frame.
        #[property(get, set = Self::set_live, explicit_notify, default = true)]
        pub(super) live: Cell<bool>,
        /// The time that the user points at, in microseconds since the Unix epoch; 0 is none.
        #[property(get, set = Self::set_cursor, explicit_notify)]
        pub(super) cursor: Cell<u64>,
        /// The time of the newest frame, in microseconds since the Unix epoch.
        #[property(get)]
        pub(super) newest: Cell<u64>,
        /// The oldest time that can be scrolled to, in microseconds since the Unix epoch.
        #[property(get, set)]
        pub(super) oldest: Cell<u64>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for TimeAxis {
        const NAME: &'static str = "SampledTimeAxis";
        type Type = super::TimeAxis;
    }

    #[glib::derived_properties]
    impl ObjectImpl for TimeAxis {
        fn constructed(&self) {
            self.parent_constructed();
            self.span.set(60_000_000);
            self.live.set(true);
        }
    }

    impl TimeAxis {
        fn set_span(&self, span: u64) {
            if self.span.replace(span.clamp(SHORTEST_SPAN, LONGEST_SPAN)) != self.span.get() {
                self.obj().notify_span();
            }
        }

        /// A right edge at or beyond the newest frame follows it from then on.
        fn set_end(&self, end: u64) {
            let axis = self.obj();
            let newest = self.newest.get();
            let first = self.oldest.get().saturating_add(self.span.get());
            let end = end.max(first).min(newest);
            let _notify = axis.freeze_notify();
            if self.end.replace(end) != end {
                axis.notify_end();
            }
            let is_live = end == newest;
            if self.live.replace(is_live) != is_live {
                axis.notify_live();
            }
        }

        fn set_live(&self, is_live: bool) {
            let _notify = self.obj().freeze_notify();
            if self.live.replace(is_live) != is_live {
                self.obj().notify_live();
            }
            if is_live && self.end.replace(self.newest.get()) != self.newest.get() {
                self.obj().notify_end();
            }
        }

        fn set_cursor(&self, cursor: u64) {
            if self.cursor.replace(cursor) != cursor {
                self.obj().notify_cursor();
            }
        }
    }
}

glib::wrapper! {
    /// The axis of time that all charts of a window share: its span, its right edge, and the cursor.
    ///
    /// While the axis is live, its right edge is the newest frame. After the user has scrolled back it stays where it is.
    pub struct TimeAxis(ObjectSubclass<imp::TimeAxis>);
}

impl Default for TimeAxis {
    fn default() -> Self {
        Self::new()
    }
}

impl TimeAxis {
    /// A live axis of one minute.
    pub fn new() -> Self {
        glib::Object::new()
    }

    /// Tells of a frame, after its values are in the recording. A live axis moves and its charts are drawn again. The clock may
    /// have been set back.
    pub fn advance(&self, newest: u64) {
        let axis = self.imp();
        if axis.newest.replace(newest) == newest {
            return;
        }
        let _notify = self.freeze_notify();
        self.notify_newest();
        if axis.live.get() || axis.end.get() > newest {
            self.set_live(true);
        }
    }

    /// The time at the left edge, in microseconds since the Unix epoch.
    pub fn start(&self) -> u64 {
        self.end().saturating_sub(self.span())
    }

    /// Moves the right edge by a part of the span: to the past if it is negative.
    pub fn scroll(&self, part: f64) {
        let offset = (self.span() as f64 * part) as i64;
        self.set_end(self.end().saturating_add_signed(offset));
    }

    /// Multiplies the span, and keeps a moment of the axis where it is, if that is possible.
    pub fn zoom(&self, factor: f64, anchor: u64) {
        let _notify = self.freeze_notify();
        let before = self.span() as f64;
        self.set_span((before * factor) as u64);
        if !self.live() {
            let right = self.end().saturating_sub(anchor) as f64;
            let right = right * self.span() as f64 / before;
            self.set_end(anchor.saturating_add(right as u64));
        }
    }

    /// Scrolls to the oldest time.
    pub fn scroll_to_oldest(&self) {
        self.set_end(self.oldest().saturating_add(self.span()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    /// An axis of 60 s at 1000 s, with a past of 900 s.
    fn axis() -> TimeAxis {
        let axis = TimeAxis::new();
        axis.set_oldest(100 * SECOND);
        axis.advance(1000 * SECOND);
        axis
    }

    fn seconds(axis: &TimeAxis) -> (u64, u64, bool) {
        (axis.start() / SECOND, axis.end() / SECOND, axis.live())
    }

    #[test]
    fn a_live_axis_follows_frames_and_a_scrolled_one_stays() {
        let axis = axis();
        assert_eq!(seconds(&axis), (940, 1000, true));
        axis.scroll(-0.5);
        assert_eq!(seconds(&axis), (910, 970, false));
        axis.advance(1001 * SECOND);
        assert_eq!(seconds(&axis), (910, 970, false));
        axis.set_live(true);
        assert_eq!(seconds(&axis), (941, 1001, true));
    }

    #[test]
    fn scrolling_ends_at_the_oldest_and_at_the_newest_frame() {
        let axis = axis();
        axis.scroll(-1000.0);
        assert_eq!(seconds(&axis), (100, 160, false));
        axis.scroll(1000.0);
        assert_eq!(seconds(&axis), (940, 1000, true));
        axis.scroll_to_oldest();
        assert_eq!(seconds(&axis), (100, 160, false));
    }

    #[test]
    fn zooming_keeps_the_anchor() {
        let axis = axis();
        axis.zoom(2.0, 980 * SECOND);
        assert_eq!(seconds(&axis), (880, 1000, true));
        axis.set_end(900 * SECOND);
        axis.zoom(0.5, 840 * SECOND);
        assert_eq!(seconds(&axis), (810, 870, false));
    }

    #[test]
    fn the_span_has_limits() {
        let axis = axis();
        axis.zoom(0.0, 0);
        assert_eq!(axis.span(), SHORTEST_SPAN);
        axis.zoom(f64::INFINITY, 0);
        assert_eq!(axis.span(), LONGEST_SPAN);
        axis.set_span(0);
        assert_eq!(axis.span(), SHORTEST_SPAN);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_the_axis_live() {
        let axis = axis();
        axis.scroll(-0.5);
        axis.advance(500 * SECOND);
        assert_eq!(seconds(&axis), (440, 500, true));
    }

    #[test]
    fn only_changes_are_notified() {
        let axis = axis();
        let count = std::rc::Rc::new(Cell::new(0));
        axis.connect_notify_local(None, {
            let count = count.clone();
            move |_, _| count.set(count.get() + 1)
        });
        axis.set_span(60 * SECOND);
        axis.set_cursor(0);
        axis.set_live(true);
        axis.advance(1000 * SECOND);
        assert_eq!(count.get(), 0);
        axis.set_cursor(7);
        assert_eq!(count.get(), 1);
    }
}
