//! The selectors of the window, and the arrival of a frame.

use std::time::Duration;

use gtk::{glib::prelude::*, subclass::prelude::*};

use super::Window;

/// For how long a page is read after it was left, at most.
const LONGEST_LEFT: Duration = Duration::from_secs(600);

impl Window {
    /// Tells the service what to read: for the shown page, the board, and the pages whose graphs would have a gap in view if
    /// the user went back to them.
    pub(super) fn update_selectors(&self) {
        let imp = self.imp();
        let mut selectors = self
            .shown()
            .map(|page| page.selectors())
            .unwrap_or_default();
        let span = self.context().settings().span.min(LONGEST_LEFT);
        imp.left
            .borrow_mut()
            .retain(|_, left| left.elapsed() < span);
        let built = imp.built.borrow();
        let left = imp.left.borrow();
        let left = left.keys().filter_map(|name| built.get(name));
        selectors.extend(left.flat_map(|page| page.selectors()));
        selectors.extend(self.context().settings().pinned.iter().cloned());
        // No selectors would select everything, and a page without a graph needs the state of the service, too.
        selectors.push("cpu/all/usage".to_owned());
        selectors.sort_unstable();
        selectors.dedup();
        self.service().set_selectors(selectors);
    }

    pub(super) fn follow_service(&self) {
        let service = self.service();
        let window = self.downgrade();
        service.connect_frame(move |service, time| {
            let Some(window) = window.upgrade() else {
                return;
            };
            if let Some(page) = window.shown() {
                page.refresh();
            }
            let axis = window.context().axis();
            if let Some(oldest) = service.recording().oldest() {
                axis.set_oldest(oldest);
            }
            axis.advance(time);
            let span = window.context().settings().span.min(LONGEST_LEFT);
            let is_over = window
                .imp()
                .left
                .borrow()
                .values()
                .any(|left| left.elapsed() >= span);
            if is_over {
                window.update_selectors();
            }
        });
        let window = self.downgrade();
        service.connect_catalog_changed(move |_| {
            let Some(window) = window.upgrade() else {
                return;
            };
            if let Some(page) = window.shown() {
                page.update_catalog();
            }
            window.update_selectors();
        });
        let window = self.downgrade();
        service.connect_state_changed(move |service| {
            let Some(window) = window.upgrade() else {
                return;
            };
            window.show_page_or_problem();
            if let Some(page) = window.shown() {
                page.set_active(service.is_active());
                page.refresh();
            }
        });
    }
}
