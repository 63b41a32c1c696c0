//! The messages of the window when the service is missing or fails.

use adw::{prelude::*, subclass::prelude::*};

use super::Window;
use crate::{
    i18n::{gettext, gettext_f},
    icon,
    service::{Service, State, Unwatched},
};

impl Window {
    /// Shows the page, below what is wrong with the service; or only that, if nothing is known of the machine.
    pub(super) fn show_page_or_problem(&self) {
        let imp = self.imp();
        let service = self.service();
        let state = service.state();
        let is_missing = service.catalog().is_empty();
        let cause = match &state {
            State::Refused { cause } | State::Unavailable { cause } => Some(cause.clone()),
            // The first attempt after a crash succeeds, and takes no longer than a look.
            State::Restarting { cause, attempts } if *attempts > 1 => Some(cause.clone()),
            State::Sampling { .. } => service.problem().or_else(|| unwatched(service)),
            _ => None,
        };
        let missing = cause
            .as_ref()
            .filter(|_| is_missing && !matches!(state, State::Sampling { .. }));
        if let Some(cause) = missing {
            self.show_missing(cause);
        } else if let Some(page) = self.shown() {
            // Only the shown page is in the tree, so that a screen reader finds no other.
            let widget = page.widget();
            if imp.page.child().as_ref() != Some(&widget) {
                imp.page.set_child(Some(&widget));
            }
        }
        imp.problem.set_text(cause.as_deref().unwrap_or_default());
        let is_revealed = cause.is_some() && missing.is_none();
        imp.problem_revealer.set_reveal_child(is_revealed);
        imp.problem_revealer.set_visible(is_revealed);
    }

    /// Says that there is no service, and what to do.
    fn show_missing(&self, cause: &str) {
        let bin = &self.imp().page;
        if let Some(status) = bin.child().and_downcast::<adw::StatusPage>() {
            status.set_description(Some(&gtk::glib::markup_escape_text(cause)));
            return;
        }
        let retry = gtk::Button::builder()
            .label(gettext("_Try Again"))
            .use_underline(true)
            .halign(gtk::Align::Center)
            .action_name("win.retry")
            .css_classes(["pill", "suggested-action"])
            .build();
        let status = adw::StatusPage::builder()
            .title(gettext("No Service"))
            .description(gtk::glib::markup_escape_text(cause))
            .child(&retry)
            .build();
        status.set_icon_name(icon::existing("network-offline-symbolic"));
        bin.set_child(Some(&status));
    }
}

/// Says why a threshold is not watched, if that is so.
pub(super) fn unwatched(service: &Service) -> Option<String> {
    let words = match service.unwatched()? {
        Unwatched::EarlierVersion => gettext(
            "Thresholds are not watched: the service is an earlier version. Update it to be notified.",
        ),
        Unwatched::Refused { cause } => gettext_f(
            "A threshold is not watched: {cause}",
            &[("cause", cause.as_str())],
        ),
    };
    Some(words)
}
