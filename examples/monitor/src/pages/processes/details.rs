//! The page of one process or application: graphs that begin when the page is opened, and go on while it lives.

use std::{cell::RefCell, rc::Rc};

use gtk::prelude::*;

use super::{
    fields::{COLUMNS, one_line},
    item::{Item, Key},
    recordings::Recorded,
};
use crate::{
    accessible,
    chart::{Chart, Hue, Series, TimeAxis},
    i18n::{gettext, gettext_f, isolated},
};

/// The widgets of the page.
#[derive(Clone)]
pub(super) struct Details {
    pub(super) root: gtk::Box,
    pub(super) back: gtk::Button,
    pub(super) end: gtk::Button,
    title: gtk::Label,
    facts: gtk::Label,
    charts: Rc<[Chart; 3]>,
    shown: Rc<RefCell<Option<(Key, String)>>>,
}

impl Details {
    pub(super) fn new(axis: &TimeAxis) -> Self {
        let back = gtk::Button::builder()
            .icon_name("go-previous-symbolic")
            .tooltip_text(gettext("Back"))
            .build();
        accessible::set_label(&back, &gettext("Back"));
        let title = gtk::Label::builder()
            .css_classes(["title-4"])
            .ellipsize(gtk::pango::EllipsizeMode::End)
            .hexpand(true)
            .xalign(0.0)
            .build();
        let end = gtk::Button::builder()
            .label(gettext("End…"))
            .css_classes(["destructive-action"])
            .build();
        let header = gtk::Box::builder()
            .spacing(6)
            .css_classes(["toolbar"])
            .build();
        for widget in [
            back.upcast_ref::<gtk::Widget>(),
            title.upcast_ref(),
            end.upcast_ref(),
        ] {
            header.append(widget);
        }
        let facts = gtk::Label::builder()
            .xalign(0.0)
            .wrap(true)
            .wrap_mode(gtk::pango::WrapMode::WordChar)
            .lines(4)
            .ellipsize(gtk::pango::EllipsizeMode::End)
            .css_classes(["dim-label", "caption", "numeric"])
            .build();
        let page = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(12)
            .margin_start(12)
            .margin_end(12)
            .margin_bottom(12)
            .build();
        page.append(&facts);
        let charts = [
            ("%", gettext("CPU")),
            ("By", gettext("Memory")),
            ("By/s", gettext("Storage")),
        ];
        let charts = charts.map(|(unit, title)| {
            let chart = Chart::new(axis);
            chart.set_unit(unit);
            chart.set_title(&title);
            chart.set_bounds(Some(0.0), None);
            chart.set_size_request(-1, 132);
            let card = gtk::Box::builder()
                .orientation(gtk::Orientation::Vertical)
                .css_classes(["card", "graph"])
                .build();
            let heading = gtk::Label::builder()
                .label(title)
                .xalign(0.0)
                .css_classes(["heading", "graph-header"])
                .build();
            card.append(&heading);
            card.append(&chart);
            page.append(&card);
            chart
        });
        let scrolled = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .vexpand(true)
            .child(&page)
            .build();
        let root = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .build();
        root.append(&header);
        root.append(&scrolled);
        Self {
            root,
            back,
            end,
            title,
            facts,
            charts: Rc::new(charts),
            shown: Rc::default(),
        }
    }

    /// Shows a row and what is recorded of it.
    pub(super) fn show(&self, item: &Item, [cpu, memory, read, write]: Recorded) {
        let name = one_line(&item.text(0));
        self.title.set_label(&match item.pid() {
            0 => name.clone(),
            pid => format!("{name} ({pid})"),
        });
        let [of_cpu, of_memory, of_storage] = &*self.charts;
        of_cpu.set_series(vec![Series::new("", Hue::Blue, cpu)]);
        of_memory.set_series(vec![Series::new("", Hue::Green, memory)]);
        of_storage.set_series(vec![
            Series::new(&gettext("Read"), Hue::Brown, read),
            Series::new(&gettext("Write"), Hue::Orange, write),
        ]);
        self.shown.replace(Some((item.key().clone(), name)));
        self.refresh(Some(item));
    }

    /// The row that is shown, and its name.
    pub(super) fn shown(&self) -> Option<(Key, String)> {
        self.shown.borrow().clone()
    }

    /// Shows the newest readings; `None` if the row has ended.
    pub(super) fn refresh(&self, item: Option<&Item>) {
        let facts = match item {
            Some(item) => facts(item),
            None => gettext("It has ended."),
        };
        if self.facts.text() != facts {
            self.facts.set_text(&facts);
        }
        self.end.set_sensitive(item.is_some());
        for chart in self.charts.iter() {
            chart.refresh();
        }
    }
}

/// All fields of a row in words.
fn facts(item: &Item) -> String {
    let facts = COLUMNS
        .iter()
        .enumerate()
        .skip(1)
        .filter_map(|(place, column)| {
            let text = item.with_field(place, |field| {
                field.reading.is_ok().then(|| column.text(field))
            })??;
            let (title, value) = (column.title(), isolated(&text));
            // Translators: the title of a column and its value: "Memory: 1.5 GiB".
            let fact = gettext_f("{title}: {value}", &[("title", &title), ("value", &value)]);
            (!text.is_empty()).then_some(fact)
        });
    facts.collect::<Vec<_>>().join(" · ")
}
