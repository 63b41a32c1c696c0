//! The threshold of a metric.

use adw::prelude::*;
use sampled_client::{Direction, units::Multiple};

use super::{Window, metric_dialog::close_by_escape, problem::unwatched};
use crate::{
    i18n::{gettext, gettext_f},
    settings::MAX_PINNED,
    threshold::Threshold,
};

/// Opens the dialog for the threshold of a metric.
pub(super) fn show(window: &Window, id: &str) {
    let catalog = window.service().catalog();
    let metadata = catalog.metadata(id);
    let unit = metadata
        .map(|metadata| metadata.unit.clone())
        .unwrap_or_default();
    let known = {
        let settings = window.context().settings();
        settings
            .thresholds
            .iter()
            .find(|threshold| threshold.id == id)
            .cloned()
    };
    let newest = window.service().recording().number(id).and_then(Result::ok);
    let warning = metadata.and_then(|metadata| metadata.warning);
    let value = known
        .as_ref()
        .map(|known| known.value)
        .or(warning)
        .or(newest);

    let direction = adw::ComboRow::builder()
        .title(gettext("Notify when it is"))
        .model(&gtk::StringList::new(&[
            &gettext("Above"),
            &gettext("Below"),
        ]))
        .build();
    let lower_limits = metadata.is_some_and(|metadata| metadata.lower_limits);
    let is_below = known
        .as_ref()
        .map_or(lower_limits, |known| known.direction == Direction::Below);
    direction.set_selected(u32::from(is_below));
    // In the multiple that suits the metric: nobody types bytes.
    let maximum = metadata.and_then(|metadata| metadata.maximum);
    let multiple = Multiple::for_magnitude(maximum.or(value).unwrap_or_default(), &unit);
    let title = match &*multiple.symbol {
        "" => gettext("Value"),
        symbol => gettext_f("Value in {unit}", &[("unit", symbol)]),
    };
    let entry = adw::EntryRow::builder()
        .title(title)
        .input_purpose(gtk::InputPurpose::Number)
        .activates_default(true)
        .build();
    if let Some(value) = value {
        entry.set_text(&number(value / multiple.size));
    }
    let description = unwatched(window.service()).unwrap_or_else(|| {
        gettext("It is watched while Sampled Monitor is open and not paused, also when the window is hidden.")
    });
    let group = adw::PreferencesGroup::builder()
        .title(gtk::glib::markup_escape_text(&catalog.full_name(id)))
        .description(gtk::glib::markup_escape_text(&description))
        .margin_top(18)
        .margin_bottom(18)
        .margin_start(12)
        .margin_end(12)
        .build();
    group.add(&direction);
    group.add(&entry);

    let cancel = gtk::Button::builder()
        .label(gettext("_Cancel"))
        .use_underline(true)
        .action_name("window.close")
        .build();
    let set = gtk::Button::builder()
        .label(gettext("_Set"))
        .use_underline(true)
        .css_classes(["suggested-action"])
        .build();
    let header = gtk::HeaderBar::builder().show_title_buttons(false).build();
    header.pack_start(&cancel);
    header.pack_end(&set);
    let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
    content.append(&header);
    content.append(&group);
    let dialog = adw::Window::builder()
        .transient_for(window)
        .modal(true)
        .title(gettext("Threshold"))
        .default_width(400)
        .default_widget(&set)
        .content(&content)
        .build();
    close_by_escape(&dialog);
    if known.is_some() {
        let remove = gtk::Button::builder()
            .label(gettext("_Remove Threshold"))
            .use_underline(true)
            .halign(gtk::Align::Center)
            .margin_bottom(18)
            .css_classes(["destructive-action", "pill"])
            .build();
        content.append(&remove);
        let (window, dialog, id) = (window.downgrade(), dialog.downgrade(), id.to_owned());
        remove.connect_clicked(move |_| {
            if let Some(window) = window.upgrade() {
                window.set_threshold(&id, None);
            }
            if let Some(dialog) = dialog.upgrade() {
                dialog.close();
            }
        });
    }
    entry.connect_changed({
        let set = set.clone();
        move |entry| set.set_sensitive(parse(&entry.text()).is_some())
    });
    set.set_sensitive(parse(&entry.text()).is_some());
    let (window, id) = (window.downgrade(), id.to_owned());
    let weak = dialog.downgrade();
    set.connect_clicked(move |_| {
        let (Some(window), Some(value)) = (window.upgrade(), parse(&entry.text())) else {
            return;
        };
        let threshold = Threshold {
            id: id.clone(),
            direction: match direction.selected() {
                0 => Direction::Above,
                _ => Direction::Below,
            },
            value: value * multiple.size,
        };
        window.set_threshold(&id, Some(threshold));
        if let Some(dialog) = weak.upgrade() {
            dialog.close();
        }
    });
    dialog.present();
}

impl Window {
    /// Sets or removes the threshold of a metric.
    fn set_threshold(&self, id: &str, threshold: Option<Threshold>) {
        self.change_settings(|settings| {
            settings.thresholds.retain(|known| known.id != id);
            if settings.thresholds.len() < MAX_PINNED {
                settings.thresholds.extend(threshold);
            }
        });
        let thresholds = self.context().settings().thresholds.clone();
        self.service().set_thresholds(thresholds);
    }
}

/// A number as it can be typed: no more digits than a person would.
fn number(value: f64) -> String {
    let digits = if value.abs() >= 100.0 || value.fract() == 0.0 {
        0
    } else {
        1
    };
    format!("{value:.digits$}")
}

/// The number that was typed, with a point or a comma.
fn parse(text: &str) -> Option<f64> {
    let number: f64 = text.trim().replace(',', ".").parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_finite_number() {
        assert_eq!(parse(" 12,5 "), Some(12.5));
        assert_eq!(parse("-3"), Some(-3.0));
        for text in ["", "x", "inf", "NaN", "1.2.3"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(number(1234.56), "1235");
        assert_eq!(number(12.34), "12.3");
    }
}
