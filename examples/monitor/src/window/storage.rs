//! The settings of the window, on disk.

use std::time::Duration;

use adw::prelude::*;
use gtk::{glib, subclass::prelude::*};

use super::Window;
use crate::{
    i18n::gettext_f,
    settings::{Damage, Settings},
};

/// The time from a change to its saving: several changes in a row are written once.
const SAVE_DELAY: Duration = Duration::from_secs(1);

impl Window {
    /// Saves the settings, and the size of the window.
    pub(crate) fn save(&self) {
        self.save_size();
        self.save_settings();
    }

    /// Changes the settings, and saves them soon: the display may end before the window is closed.
    pub(super) fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.context().change_settings(change);
        let saving = &self.imp().saving;
        if saving.borrow().is_some() {
            return;
        }
        let window = self.downgrade();
        let source = glib::timeout_add_local_once(SAVE_DELAY, move || {
            if let Some(window) = window.upgrade() {
                window.imp().saving.take();
                window.save_settings();
            }
        });
        saving.replace(Some(source));
    }

    fn save_size(&self) {
        let (width, height) = self.default_size();
        let is_maximized = self.is_maximized();
        self.context().change_settings(|settings| {
            settings.is_maximized = is_maximized;
            settings.width = width;
            settings.height = height;
        });
    }

    fn save_settings(&self) {
        if let Some(saving) = self.imp().saving.take() {
            saving.remove();
        }
        if let Err(error) = self.context().settings().save(&Settings::path()) {
            let values = [("cause", error.message())];
            self.toast(&gettext_f("The settings cannot be saved: {cause}", &values));
        }
    }

    /// Says that the settings file is damaged, and where the copy is.
    pub(super) fn report(&self, damage: &Damage) {
        let path = Settings::path();
        let kept = damage.kept.as_ref().map(|kept| kept.display().to_string());
        eprintln!(
            "sampled-monitor: {}: {}; {}",
            path.display(),
            damage.cause,
            match &kept {
                Some(kept) => format!("it is kept as {kept}"),
                None => "it cannot be copied".to_owned(),
            }
        );
        let cause = damage.cause.as_str();
        self.toast(&match &kept {
            Some(kept) => {
                let values = [("cause", cause), ("path", kept.as_str())];
                gettext_f(
                    "The settings are damaged ({cause}) and kept as {path}",
                    &values,
                )
            }
            None => gettext_f("The settings are damaged: {cause}", &[("cause", cause)]),
        });
    }

    pub(super) fn toast(&self, text: &str) {
        let toast = adw::Toast::builder()
            .title(glib::markup_escape_text(text))
            .timeout(0)
            .build();
        self.imp().toasts.add_toast(toast);
    }
}
