//! The settings of the window, on disk.

use adw::prelude::*;
use gtk::{glib, subclass::prelude::*};

use super::Window;
use crate::{
    i18n::gettext_f,
    settings::{Damage, Settings},
};

impl Window {
    pub(super) fn save_size(&self) {
        let (width, height) = self.default_size();
        let is_maximized = self.is_maximized();
        self.context().change_settings(|settings| {
            settings.is_maximized = is_maximized;
            settings.width = width;
            settings.height = height;
        });
    }

    pub(super) fn save_settings(&self) {
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
