//! The names and newest readings of the lines of a graph.

use std::cell::RefCell;

use gtk::prelude::*;

use sampled_pages::Line;

use crate::{i18n, recording::Recording};

/// A line of a graph: its colour, its name, and its newest reading.
pub(super) struct LegendItem {
    id: String,
    unit: String,
    root: gtk::Box,
    value: gtk::Label,
    /// The text of the label, because comparing is cheaper than laying out.
    text: RefCell<String>,
}

impl LegendItem {
    /// With a name, or without one where the title of the graph says it.
    pub(super) fn new(line: &Line, unit: &str, has_name: bool) -> Self {
        let root = gtk::Box::new(gtk::Orientation::Horizontal, 6);
        if has_name {
            let dot = gtk::Label::builder()
                .label("●")
                .accessible_role(gtk::AccessibleRole::Presentation)
                .css_classes(["legend", line.hue.name()])
                .build();
            root.append(&dot);
            let name = gtk::Label::builder()
                .label(&line.name)
                .ellipsize(gtk::pango::EllipsizeMode::End)
                .css_classes(["caption", "dim-label"])
                .build();
            root.append(&name);
        }
        let value = gtk::Label::builder()
            .css_classes(if has_name {
                ["caption", "numeric"]
            } else {
                ["heading", "numeric"]
            })
            .build();
        root.append(&value);
        Self {
            id: line.id.clone(),
            unit: unit.to_owned(),
            root,
            value,
            text: RefCell::default(),
        }
    }

    pub(super) fn widget(&self) -> &gtk::Box {
        &self.root
    }

    pub(super) fn refresh(&self, recording: &Recording) {
        set_text(
            &self.value,
            &self.text,
            reading(recording, &self.id, &self.unit),
        );
    }
}

/// The newest reading of a metric in words: its value, or why there is none.
pub(super) fn reading(recording: &Recording, id: &str, unit: &str) -> String {
    match recording.number(id) {
        Some(Ok(value)) => i18n::value(value, unit),
        Some(Err(absence)) => absence.word(),
        None => "—".to_owned(),
    }
}

/// Sets the text of a label, if it is another one.
pub(super) fn set_text(label: &gtk::Label, known: &RefCell<String>, text: String) {
    if *known.borrow() != text {
        label.set_text(&text);
        known.replace(text);
    }
}
