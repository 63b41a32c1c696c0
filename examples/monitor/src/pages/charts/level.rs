//! A share of a whole, as a bar.

use std::cell::RefCell;

use gtk::prelude::*;

use sampled_client::Catalog;
use sampled_pages::Level;

use super::legend::{reading, set_text};
use crate::{accessible, i18n::gettext_f, recording::Recording};

/// A row with a bar, and the amounts in words.
pub(super) struct LevelView {
    level: Level,
    unit: String,
    row: gtk::ListBoxRow,
    bar: gtk::LevelBar,
    amounts: gtk::Label,
    text: RefCell<String>,
}

impl LevelView {
    pub(super) fn new(level: &Level, catalog: &Catalog) -> Self {
        let title = gtk::Label::builder()
            .label(&level.title)
            .xalign(0.0)
            .hexpand(true)
            .build();
        let amounts = gtk::Label::builder()
            .xalign(1.0)
            .css_classes(["dim-label", "numeric"])
            .ellipsize(gtk::pango::EllipsizeMode::End)
            .build();
        let bar = gtk::LevelBar::builder()
            .max_value(1.0)
            .hexpand(true)
            .build();
        // The bar is not red because much is used: a full cache or file system is no danger by itself.
        for offset in ["low", "high", "full"] {
            bar.remove_offset_value(Some(offset));
        }
        accessible::set_label(&bar, &level.title);
        let words = gtk::Box::new(gtk::Orientation::Horizontal, 12);
        words.append(&title);
        words.append(&amounts);
        let content = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(6)
            .margin_top(12)
            .margin_bottom(12)
            .margin_start(12)
            .margin_end(12)
            .build();
        content.append(&words);
        content.append(&bar);
        let row = gtk::ListBoxRow::builder()
            .child(&content)
            .activatable(false)
            .focusable(false)
            .build();
        let metadata = catalog.metadata(&level.used);
        Self {
            level: level.clone(),
            unit: metadata
                .map(|metadata| metadata.unit.clone())
                .unwrap_or_default(),
            row,
            bar,
            amounts,
            text: RefCell::default(),
        }
    }

    pub(super) fn widget(&self) -> &gtk::ListBoxRow {
        &self.row
    }

    pub(super) fn refresh(&self, recording: &Recording) {
        let number = |id: &str| recording.number(id).and_then(Result::ok);
        let (used, total) = (number(&self.level.used), number(&self.level.total));
        let share = match (used, total) {
            (Some(used), Some(total)) if total > 0.0 => (used / total).clamp(0.0, 1.0),
            _ => 0.0,
        };
        if (self.bar.value() - share).abs() > 0.001 {
            self.bar.set_value(share);
        }
        let used = reading(recording, &self.level.used, &self.unit);
        let total = reading(recording, &self.level.total, &self.unit);
        let values = [("used", used.as_str()), ("total", total.as_str())];
        set_text(
            &self.amounts,
            &self.text,
            gettext_f("{used} of {total}", &values),
        );
    }
}
