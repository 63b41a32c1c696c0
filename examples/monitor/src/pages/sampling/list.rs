//! A list whose rows stay the same widgets while their texts change: the focus, and what is expanded, stay.

use std::{cell::RefCell, rc::Rc};

use adw::prelude::*;

use crate::accessible;

/// The texts of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// Beside the title.
    pub(super) value: String,
    /// Whether the subtitle is an error.
    pub(super) is_warning: bool,
    /// Names and values below the row, when it is expanded. Always the same names.
    pub(super) details: Vec<(String, String)>,
}

impl Line {
    pub(super) fn new(title: String) -> Self {
        Self {
            title,
            ..Self::default()
        }
    }

    pub(super) fn with_subtitle(self, subtitle: String) -> Self {
        Self { subtitle, ..self }
    }

    pub(super) fn with_value(self, value: String) -> Self {
        Self { value, ..self }
    }

    pub(super) fn with_warning(self, is_warning: bool) -> Self {
        Self { is_warning, ..self }
    }

    pub(super) fn with_details(self, details: Vec<(String, String)>) -> Self {
        Self { details, ..self }
    }
}

/// A titled list of rows, each with a key.
#[derive(Clone)]
pub(super) struct List<K> {
    group: adw::PreferencesGroup,
    rows: Rc<RefCell<Vec<(K, Row)>>>,
}

impl<K: Clone + PartialEq> List<K> {
    pub(super) fn new(title: &str, description: &str) -> Self {
        let group = adw::PreferencesGroup::builder().title(title).build();
        if !description.is_empty() {
            group.set_description(Some(description));
        }
        Self {
            group,
            rows: Rc::default(),
        }
    }

    pub(super) fn widget(&self) -> &adw::PreferencesGroup {
        &self.group
    }

    /// Shows these lines. New ones are put at the end, and those that are no longer there are taken away.
    pub(super) fn show(&self, lines: Vec<(K, Line)>) {
        let mut rows = self.rows.borrow_mut();
        rows.retain(|(key, row)| {
            // With another set of details, it is another row.
            let is_kept = lines
                .iter()
                .any(|(other, line)| other == key && row.has_form_of(line));
            if !is_kept {
                self.group.remove(row.widget());
            }
            is_kept
        });
        for (key, line) in lines {
            match rows.iter_mut().find(|(known, _)| *known == key) {
                Some((_, row)) => row.show(line),
                None => {
                    let row = Row::new(line);
                    self.group.add(row.widget());
                    rows.push((key, row));
                }
            }
        }
        self.group.set_visible(!rows.is_empty());
    }
}

/// A row and its texts.
struct Row {
    line: Line,
    widget: adw::PreferencesRow,
    value: gtk::Label,
    /// In the order of the details.
    details: Vec<gtk::Label>,
}

impl Row {
    fn new(line: Line) -> Self {
        let value = label(gtk::pango::WrapMode::Word);
        let mut details = Vec::new();
        let widget: adw::PreferencesRow = if line.details.is_empty() {
            let row = adw::ActionRow::builder().use_markup(false).build();
            row.add_suffix(&value);
            row.upcast()
        } else {
            let row = adw::ExpanderRow::builder().use_markup(false).build();
            row.add_action(&value);
            for (name, _) in &line.details {
                // An id may be longer than a narrow window.
                let text = label(gtk::pango::WrapMode::WordChar);
                text.set_selectable(true);
                accessible::set_description(&text, name);
                let detail = adw::ActionRow::builder()
                    .title(name)
                    .use_markup(false)
                    .build();
                detail.add_suffix(&text);
                row.add_row(&detail);
                details.push(text);
            }
            row.upcast()
        };
        let mut row = Self {
            line: Line::default(),
            widget,
            value,
            details,
        };
        row.show(line);
        row
    }

    fn widget(&self) -> &adw::PreferencesRow {
        &self.widget
    }

    fn has_form_of(&self, line: &Line) -> bool {
        let names = |line: &Line| {
            line.details
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        names(&self.line) == names(line)
    }

    fn show(&mut self, line: Line) {
        if self.line == line {
            return;
        }
        let subtitle = plain(&line.subtitle);
        self.widget.set_title(&plain(&line.title));
        self.widget.set_property("subtitle", &subtitle);
        self.value.set_text(&line.value);
        self.value.set_visible(!line.value.is_empty());
        match line.is_warning {
            true => self.widget.add_css_class("failing"),
            false => self.widget.remove_css_class("failing"),
        }
        for (label, (_, text)) in self.details.iter().zip(&line.details) {
            label.set_text(text);
        }
        // The others are named by their title.
        if !self.details.is_empty() {
            accessible::set_label(&self.widget, &line.title);
        }
        let words = [subtitle.as_str(), &line.value]
            .into_iter()
            .filter(|words| !words.is_empty());
        accessible::set_description(&self.widget, &words.collect::<Vec<_>>().join(", "));
        self.line = line;
    }
}

fn label(wrap_mode: gtk::pango::WrapMode) -> gtk::Label {
    gtk::Label::builder()
        .xalign(1.0)
        .justify(gtk::Justification::Right)
        .wrap(true)
        .wrap_mode(wrap_mode)
        .natural_wrap_mode(gtk::NaturalWrapMode::None)
        .css_classes(["dim-label", "numeric"])
        .build()
}

/// A text of another program, in one line.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
