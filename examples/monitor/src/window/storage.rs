//! The settings of the window, on disk.

use std::time::Duration;

use adw::prelude::*;
use gtk::{glib, subclass::prelude::*};

use super::Window;
use crate::{
    i18n::gettext_f,
    settings::{Damage, Error, Settings, SettingsFile},
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
        let result = self.settings_file().save(&self.context().settings());
        if let Err(error) = result {
            self.report_unsaved(&error);
        }
    }

    /// Says that the settings file is damaged, and where the copy is.
    pub(super) fn report_damage(&self) {
        let Some(Damage { cause, kept }) = self.settings_file().damage() else {
            return;
        };
        let Some(kept) = kept else {
            let error = Error::Lost {
                cause: cause.clone(),
            };
            return self.report_unsaved(&error);
        };
        let path = self.settings_file().path().display();
        let kept = kept.display().to_string();
        eprintln!("sampled-monitor: {path}: {cause}; it is kept as {kept}");
        let values = [("path", kept.as_str()), ("cause", cause.as_str())];
        // The end of a long message is not shown.
        let text = gettext_f("Damaged settings are kept as {path}: {cause}", &values);
        self.toast(&text);
    }

    /// Says that the settings are not saved. While that is shown, it is not said again: each change would.
    fn report_unsaved(&self, error: &Error) {
        let unsaved = &self.imp().unsaved;
        if unsaved.borrow().is_some() {
            return;
        }
        let path = self.settings_file().path().display().to_string();
        let text = match error {
            Error::Lost { cause } => {
                eprintln!(
                    "sampled-monitor: {path}: {cause}; it is left as it is, and settings are not saved"
                );
                let values = [("path", path.as_str()), ("cause", cause.as_str())];
                gettext_f(
                    "Settings are not saved, because {path} would be lost: {cause}",
                    &values,
                )
            }
            Error::Unwritable { cause } => {
                eprintln!("sampled-monitor: {path}: settings are not saved: {cause}");
                let values = [("cause", cause.as_str())];
                gettext_f("The settings cannot be saved: {cause}", &values)
            }
        };
        let toast = self.toast(&text);
        toast.connect_dismissed(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| {
                window.imp().unsaved.take();
            }
        ));
        unsaved.replace(Some(toast));
    }

    fn settings_file(&self) -> &SettingsFile {
        let file = self.imp().settings_file.get();
        file.expect("set when the window is made")
    }

    /// Shows a text until it is dismissed.
    fn toast(&self, text: &str) -> adw::Toast {
        let toast = adw::Toast::builder()
            .title(glib::markup_escape_text(text))
            .timeout(0)
            .build();
        self.imp().toasts.add_toast(toast.clone());
        toast
    }
}
