//! A reading in words, in a row.

use std::cell::RefCell;

use adw::prelude::*;

use sampled_client::Catalog;
use sampled_pages::Fact;

use super::legend::{reading, set_text};
use crate::{accessible, recording::Recording};

/// A row with the name of a metric and its newest reading.
pub(super) struct FactView {
    id: String,
    unit: String,
    row: adw::ActionRow,
    value: gtk::Label,
    text: RefCell<String>,
}

impl FactView {
    pub(super) fn new(fact: &Fact, catalog: &Catalog) -> Self {
        let value = gtk::Label::builder()
            .xalign(1.0)
            .wrap(true)
            .wrap_mode(gtk::pango::WrapMode::WordChar)
            .natural_wrap_mode(gtk::NaturalWrapMode::None)
            .selectable(true)
            .css_classes(["dim-label", "numeric"])
            .build();
        let row = adw::ActionRow::builder()
            .title(&fact.name)
            .use_markup(false)
            .activatable(false)
            .focusable(false)
            .build();
        row.add_suffix(&value);
        // The value takes the focus, for copying.
        accessible::set_description(&value, &fact.name);
        let metadata = catalog.metadata(&fact.id);
        row.set_tooltip_text(metadata.map(|metadata| metadata.description.as_str()));
        Self {
            id: fact.id.clone(),
            unit: metadata
                .map(|metadata| metadata.unit.clone())
                .unwrap_or_default(),
            row,
            value,
            text: RefCell::default(),
        }
    }

    pub(super) fn widget(&self) -> &gtk::ListBoxRow {
        self.row.upcast_ref()
    }

    pub(super) fn refresh(&self, recording: &Recording) {
        let text = match recording.text(&self.id) {
            Some(text) => text.to_string(),
            None => reading(recording, &self.id, &self.unit),
        };
        set_text(&self.value, &self.text, text);
    }
}
