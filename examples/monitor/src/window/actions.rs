//! The actions of the window.

use std::time::Duration;

use adw::prelude::*;
use gtk::{
    gio::{self, prelude::ActionMapExt},
    glib,
    subclass::prelude::*,
};

use super::{Window, metric_dialog, microseconds, preferences, threshold_dialog};
use crate::settings::{MAX_PINNED, MAX_SPAN, MIN_SPAN};

impl Window {
    pub(super) fn add_actions(&self) {
        self.add_action_entries([
            simple("retry", |window| window.service().retry()),
            simple("preferences", preferences::show),
            simple("add-metric", metric_dialog::show),
            simple("next-page", |window| window.show_neighbour(1)),
            simple("previous-page", |window| window.show_neighbour(-1)),
            simple("sidebar", Self::toggle_sidebar),
            simple("menu", Self::open_menu),
            simple("live", |window| window.context().axis().set_live(true)),
            simple("search", |window| {
                if let Some(page) = window.shown() {
                    page.search();
                }
            }),
            of_metric("pin", |window, id| window.pin(id)),
            of_metric("unpin", |window, id| {
                window.change_pinned(|pinned| pinned.retain(|known| known != id))
            }),
            of_metric("move-up", |window, id| window.move_pinned(id, false)),
            of_metric("move-down", |window, id| window.move_pinned(id, true)),
            of_metric("threshold", threshold_dialog::show),
            gio::ActionEntry::builder("page")
                .parameter_type(Some(glib::VariantTy::INT32))
                .activate(|window: &Self, _, parameter| {
                    let number = parameter.and_then(|number| number.get::<i32>());
                    let index =
                        number.and_then(|number| usize::try_from(number.saturating_sub(1)).ok());
                    if let Some(entry) = index.and_then(|index| window.entries().get(index)) {
                        window.show_page(entry.name);
                        window.show_content();
                    }
                })
                .build(),
        ]);
        self.add_pause();
        self.add_span();
    }

    fn add_pause(&self) {
        let pause = gio::SimpleAction::new_stateful("pause", None, &false.to_variant());
        let window = self.downgrade();
        pause.connect_change_state(move |action, state| {
            let (Some(window), Some(state)) = (window.upgrade(), state) else {
                return;
            };
            let is_paused = state.get::<bool>().unwrap_or_default();
            action.set_state(state);
            window.show_pause(is_paused);
            window.service().set_paused(is_paused);
        });
        self.show_pause(false);
        ActionMapExt::add_action(self, &pause);
    }

    /// The span of the axis, in seconds, which a wheel changes, too.
    fn add_span(&self) {
        let seconds = |window: &Self| window.context().axis().span().div_ceil(1_000_000);
        let span = gio::SimpleAction::new_stateful(
            "span",
            Some(glib::VariantTy::UINT64),
            &seconds(self).to_variant(),
        );
        let window = self.downgrade();
        span.connect_change_state(move |_, state| {
            let seconds = state.and_then(|state| state.get::<u64>());
            if let (Some(window), Some(seconds)) = (window.upgrade(), seconds) {
                window
                    .context()
                    .axis()
                    .set_span(seconds.saturating_mul(1_000_000));
            }
        });
        ActionMapExt::add_action(self, &span);
        let window = self.downgrade();
        let show = move || {
            let Some(window) = window.upgrade() else {
                return;
            };
            let length = seconds(&window);
            span.set_state(&length.to_variant());
            window
                .imp()
                .footer
                .show_span(&preferences::words(Duration::from_secs(length)));
        };
        show();
        let window = self.downgrade();
        self.context().axis().connect_span_notify(move |axis| {
            show();
            let Some(window) = window.upgrade() else {
                return;
            };
            let span = Duration::from_micros(axis.span()).clamp(MIN_SPAN, MAX_SPAN);
            if window.context().settings().span != span {
                window.change_settings(|settings| settings.span = span);
            }
        });
    }

    /// Pins a metric to the board.
    pub(super) fn pin(&self, id: &str) {
        self.change_pinned(|pinned| {
            if pinned.len() < MAX_PINNED && !pinned.iter().any(|known| known == id) {
                pinned.push(id.to_owned());
            }
        });
    }

    fn move_pinned(&self, id: &str, is_down: bool) {
        self.change_pinned(|pinned| {
            let Some(position) = pinned.iter().position(|known| known == id) else {
                return;
            };
            let other = match is_down {
                true => position.saturating_add(1),
                false => position.saturating_sub(1),
            };
            if other < pinned.len() {
                pinned.swap(position, other);
            }
        });
    }

    fn change_pinned(&self, change: impl FnOnce(&mut Vec<String>)) {
        self.change_settings(|settings| change(&mut settings.pinned));
        self.update_selectors();
        if let Some(page) = self.shown() {
            page.update_catalog();
        }
    }

    /// Sets the time between frames.
    pub(super) fn set_interval(&self, interval: Duration) {
        self.change_settings(|settings| settings.interval = interval);
        self.service().set_interval(interval);
    }

    /// The span of the axis.
    pub(super) fn set_span(&self, span: Duration) {
        self.context().axis().set_span(microseconds(span));
    }
}

fn simple(name: &str, activate: impl Fn(&Window) + 'static) -> gio::ActionEntry<Window> {
    gio::ActionEntry::builder(name)
        .activate(move |window, _, _| activate(window))
        .build()
}

/// An action with the id of a metric.
fn of_metric(name: &str, activate: impl Fn(&Window, &str) + 'static) -> gio::ActionEntry<Window> {
    gio::ActionEntry::builder(name)
        .parameter_type(Some(glib::VariantTy::STRING))
        .activate(move |window, _, parameter| {
            if let Some(id) = parameter.and_then(|id| id.str()) {
                activate(window, id);
            }
        })
        .build()
}
