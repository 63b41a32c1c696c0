//! Whether the window can be seen.

use adw::prelude::*;
use gtk::{gdk, subclass::prelude::*};

use super::Window;

impl Window {
    /// Samples only while the window can be seen.
    pub(super) fn update_visibility(&self) {
        let Some(context) = self.imp().context.get() else {
            return;
        };
        let state = self
            .surface()
            .and_downcast::<gdk::Toplevel>()
            .map(|toplevel| toplevel.state());
        let is_minimized = state.is_some_and(|state| state.contains(gdk::ToplevelState::MINIMIZED));
        // Since GTK 4.12.
        let is_suspended = self.find_property("suspended").is_some() && self.property("suspended");
        context
            .service()
            .set_visible(self.is_mapped() && !is_minimized && !is_suspended);
        if let Some(page) = self.shown() {
            page.set_active(context.service().is_active());
        }
    }

    pub(super) fn follow_surface(&self) {
        if let Some(toplevel) = self.surface().and_downcast::<gdk::Toplevel>() {
            let window = self.downgrade();
            toplevel.connect_state_notify(move |_| {
                if let Some(window) = window.upgrade() {
                    window.update_visibility();
                }
            });
        }
        if self.find_property("suspended").is_some() {
            self.connect_notify_local(Some("suspended"), |window, _| window.update_visibility());
        }
    }
}
