//! The pointer and the keys: zooming, scrolling, and the cursor of time.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "numbers of pixels, and parts of a span"
)]

use std::{cell::Cell, rc::Rc};

use gtk::{gdk, glib, prelude::*, subclass::prelude::*};

use super::{Chart, TimeAxis};

/// How much one step of the wheel or one key changes.
const ZOOM: f64 = 1.25;
const SCROLL: f64 = 0.125;

/// Connects a chart to the pointer and the keys.
pub(super) fn connect(chart: &Chart) {
    pointer(chart);
    wheel(chart);
    drag(chart);
    keys(chart);
}

fn axis_of(chart: &glib::WeakRef<Chart>) -> Option<(Chart, TimeAxis)> {
    let chart = chart.upgrade()?;
    let axis = chart.imp().axis.borrow().clone()?;
    Some((chart, axis))
}

/// The cursor follows the pointer.
fn pointer(chart: &Chart) {
    let motion = gtk::EventControllerMotion::new();
    let weak = chart.downgrade();
    motion.connect_motion(move |_, x, _| {
        if let Some((chart, axis)) = axis_of(&weak) {
            axis.set_cursor(chart.window(&axis).time(x));
        }
    });
    let weak = chart.downgrade();
    motion.connect_leave(move |_| {
        if let Some((_, axis)) = axis_of(&weak) {
            axis.set_cursor(0);
        }
    });
    chart.add_controller(motion);
}

/// Ctrl and the wheel zoom around the cursor. Shift and the wheel, and a touchpad sideways, scroll. The wheel alone zooms where
/// there is no page that it could scroll.
fn wheel(chart: &Chart) {
    let scroll = gtk::EventControllerScroll::new(gtk::EventControllerScrollFlags::BOTH_AXES);
    let weak = chart.downgrade();
    scroll.connect_scroll(move |controller, dx, dy| {
        let Some((chart, axis)) = axis_of(&weak) else {
            return glib::Propagation::Proceed;
        };
        let state = controller.current_event_state();
        if state.contains(gdk::ModifierType::SHIFT_MASK) || dx != 0.0 {
            axis.scroll(SCROLL * if dx == 0.0 { dy } else { dx });
        } else if state.contains(gdk::ModifierType::CONTROL_MASK) || !is_in_a_long_page(&chart) {
            let anchor = if axis.cursor() == 0 {
                axis.end()
            } else {
                axis.cursor()
            };
            axis.zoom(ZOOM.powf(dy), anchor);
        } else {
            return glib::Propagation::Proceed;
        }
        glib::Propagation::Stop
    });
    chart.add_controller(scroll);
}

fn is_in_a_long_page(chart: &Chart) -> bool {
    let page = chart.ancestor(gtk::ScrolledWindow::static_type());
    let page = page.and_downcast::<gtk::ScrolledWindow>();
    page.is_some_and(|page| {
        let adjustment = page.vadjustment();
        adjustment.upper() > adjustment.page_size()
    })
}

/// A drag moves the axis.
fn drag(chart: &Chart) {
    let drag = gtk::GestureDrag::new();
    let from = Rc::new(Cell::new(0_u64));
    let weak = chart.downgrade();
    drag.connect_drag_begin({
        let from = from.clone();
        move |_, _, _| {
            if let Some((chart, axis)) = axis_of(&weak) {
                from.set(axis.end());
                chart.grab_focus();
            }
        }
    });
    let weak = chart.downgrade();
    drag.connect_drag_update(move |gesture, dx, dy| {
        let Some((chart, axis)) = axis_of(&weak) else {
            return;
        };
        // A finger that moves upwards scrolls the page.
        if dx.abs() < dy.abs() && axis.end() == from.get() {
            gesture.set_state(gtk::EventSequenceState::Denied);
            return;
        }
        let part = dx / f64::from(chart.width().max(1));
        let offset = (part * axis.span() as f64) as i64;
        axis.set_end(from.get().saturating_add_signed(-offset));
    });
    chart.add_controller(drag);
}

/// Arrows scroll, + and - zoom, Home and End go to the oldest and to the newest; Ctrl and arrows move the cursor.
fn keys(chart: &Chart) {
    let keys = gtk::EventControllerKey::new();
    let weak = chart.downgrade();
    keys.connect_key_pressed(move |_, key, _, state| {
        let Some((_, axis)) = axis_of(&weak) else {
            return glib::Propagation::Proceed;
        };
        if state.contains(gdk::ModifierType::ALT_MASK) {
            return glib::Propagation::Proceed;
        }
        let moves_cursor = state.contains(gdk::ModifierType::CONTROL_MASK);
        let anchor = if axis.cursor() == 0 {
            axis.end()
        } else {
            axis.cursor()
        };
        match key {
            gdk::Key::Left | gdk::Key::KP_Left if moves_cursor => move_cursor(&axis, -1),
            gdk::Key::Right | gdk::Key::KP_Right if moves_cursor => move_cursor(&axis, 1),
            gdk::Key::Left | gdk::Key::KP_Left => axis.scroll(-SCROLL),
            gdk::Key::Right | gdk::Key::KP_Right => axis.scroll(SCROLL),
            gdk::Key::plus | gdk::Key::equal | gdk::Key::KP_Add => axis.zoom(1.0 / ZOOM, anchor),
            gdk::Key::minus | gdk::Key::KP_Subtract => axis.zoom(ZOOM, anchor),
            gdk::Key::Home | gdk::Key::KP_Home => axis.scroll_to_oldest(),
            gdk::Key::End | gdk::Key::KP_End => axis.set_live(true),
            gdk::Key::Escape if axis.cursor() != 0 => axis.set_cursor(0),
            _ => return glib::Propagation::Proceed,
        }
        glib::Propagation::Stop
    });
    chart.add_controller(keys);
}

/// Moves the cursor by a hundredth of the span; from the right edge, if there is none.
fn move_cursor(axis: &TimeAxis, direction: i64) {
    let step = i64::try_from(axis.span() / 100).unwrap_or(i64::MAX);
    let from = if axis.cursor() == 0 {
        axis.end()
    } else {
        axis.cursor()
    };
    let moment = from.saturating_add_signed(step.saturating_mul(direction));
    axis.set_cursor(moment.clamp(axis.start(), axis.end()));
}
