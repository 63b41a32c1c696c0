//! A graph with its title, its legend and its menu.

use std::cell::RefCell;

use gtk::{gio, graphene, prelude::*};
use sampled_pages::Card;

use super::legend::{LegendItem, reading, set_text};
use crate::{
    accessible,
    chart::{Chart, Series},
    focus,
    i18n::{gettext, gettext_f},
    pages::Context,
    recording::Recording,
};

/// The widgets of a graph.
pub(super) struct CardView {
    root: gtk::Box,
    chart: Chart,
    menu: gtk::MenuButton,
    /// The metric of the first line.
    id: String,
    legend: Vec<LegendItem>,
    details: Option<Details>,
}

/// A part of a card that takes the focus.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Graph,
    Menu,
}

/// Readings beside the title.
struct Details {
    /// Ids with their units.
    metrics: Vec<(String, String)>,
    label: gtk::Label,
    text: RefCell<String>,
}

impl CardView {
    pub(super) fn new(context: &Context, card: &Card, is_board: bool) -> Self {
        let chart = chart(context, card);
        let has_names = card.lines.len() > 1;
        let legend = card
            .lines
            .iter()
            .map(|line| LegendItem::new(line, &card.unit, has_names));
        let legend: Vec<LegendItem> = legend.collect();
        let details = Details::new(context, card);
        let root = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .css_classes(["card", "graph"])
            // The graph fills the card; the card does not fill the page.
            .vexpand(false)
            .build();
        let (header, menu) = header(context, card, is_board);
        let id = card.lines.first().map(|line| line.id.clone());
        if let (false, Some(value)) = (has_names, legend.first()) {
            header.insert_child_after(value.widget(), header.first_child().as_ref());
        }
        root.append(&header);
        if let Some(details) = &details {
            root.append(&details.label);
        }
        if has_names {
            root.append(&legend_box(&legend));
        }
        if !card.notice.is_empty() {
            root.append(&notice(&card.notice));
        }
        // Until it is known to be in view.
        chart.set_in_view(false);
        root.append(&chart);
        Self {
            root,
            chart,
            menu,
            id: id.unwrap_or_default(),
            legend,
            details,
        }
    }

    /// The metric of the first line.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The part that has the focus.
    pub(super) fn focused_part(&self) -> Option<Part> {
        let part = match self.chart.is_focus() {
            true => Part::Graph,
            false => Part::Menu,
        };
        focus::is_within(&self.root).then_some(part)
    }

    pub(super) fn grab_focus(&self, part: Part) {
        match part {
            Part::Graph => self.chart.grab_focus(),
            Part::Menu => self.menu.grab_focus(),
        };
    }

    pub(super) fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Shows the newest readings. The graph draws itself.
    pub(super) fn refresh(&self, recording: &Recording) {
        // Out of view: it is refreshed when it comes into view.
        if !self.chart.is_in_view() {
            return;
        }
        for item in &self.legend {
            item.refresh(recording);
        }
        if let Some(details) = &self.details {
            details.refresh(recording);
        }
    }

    /// Does not draw the graph outside of a viewport with this height, with a margin of one card.
    pub(super) fn cull(&self, viewport: &gtk::Widget, height: f64, recording: &Recording) {
        let origin = graphene::Point::new(0.0, 0.0);
        let Some(top) = self.root.compute_point(viewport, &origin) else {
            return;
        };
        let own = f64::from(self.root.height());
        let top = f64::from(top.y());
        // Before the first layout it has no place.
        let is_in_view = own > 0.0 && top + 2.0 * own >= 0.0 && top <= height + own;
        if self.chart.is_in_view() != is_in_view {
            self.chart.set_in_view(is_in_view);
            self.refresh(recording);
        }
    }
}

impl Details {
    fn new(context: &Context, card: &Card) -> Option<Self> {
        let catalog = context.service().catalog();
        let unit = |id: &String| catalog.metadata(id).map(|metadata| metadata.unit.clone());
        let metrics = card
            .details
            .iter()
            .map(|id| (id.clone(), unit(id).unwrap_or_default()));
        let metrics: Vec<(String, String)> = metrics.collect();
        let label = gtk::Label::builder()
            .xalign(0.0)
            .css_classes(["caption", "dim-label", "numeric", "details"])
            .ellipsize(gtk::pango::EllipsizeMode::End)
            .build();
        (!metrics.is_empty()).then(|| Self {
            metrics,
            label,
            text: RefCell::default(),
        })
    }

    fn refresh(&self, recording: &Recording) {
        let readings = self
            .metrics
            .iter()
            .map(|(id, unit)| reading(recording, id, unit));
        let readings: Vec<String> = readings.collect();
        set_text(&self.label, &self.text, readings.join(" · "));
    }
}

fn chart(context: &Context, card: &Card) -> Chart {
    let chart = Chart::new(context.axis());
    let values = [
        ("object", card.object.as_str()),
        ("graph", card.title.as_str()),
    ];
    chart.set_title(&match card.object.as_str() {
        "" => card.title.clone(),
        // Translators: the name of a graph for a screen reader: "Read, Samsung SSD 980".
        _ => gettext_f("{graph}, {object}", &values),
    });
    chart.set_unit(&card.unit);
    chart.set_bounds(card.minimum, card.maximum);
    let recording = context.service().recording();
    let series = card
        .lines
        .iter()
        .map(|line| Series::new(&line.name, line.hue, recording.samples(&line.id)));
    chart.set_series(series.collect());
    chart.set_size_request(
        if card.is_small { 150 } else { 240 },
        if card.is_small { 72 } else { 132 },
    );
    chart.set_hexpand(true);
    chart.set_vexpand(true);
    chart
}

fn notice(text: &str) -> gtk::Label {
    gtk::Label::builder()
        .label(text)
        .xalign(0.0)
        .wrap(true)
        .css_classes(["caption", "dim-label", "details"])
        .build()
}

fn legend_box(legend: &[LegendItem]) -> gtk::FlowBox {
    let items = gtk::FlowBox::builder()
        .selection_mode(gtk::SelectionMode::None)
        .max_children_per_line(4)
        .column_spacing(6)
        // With children that take no focus, it keeps Tab for itself.
        .can_focus(false)
        .css_classes(["legend-items"])
        .build();
    for item in legend {
        let child = gtk::FlowBoxChild::builder()
            .focusable(false)
            .child(item.widget())
            .build();
        items.append(&child);
    }
    items
}

/// The title, and the menu of what can be done with the metrics.
fn header(context: &Context, card: &Card, is_board: bool) -> (gtk::Box, gtk::MenuButton) {
    let header = gtk::Box::builder()
        .spacing(6)
        .css_classes(["graph-header"])
        .build();
    let title = gtk::Label::builder()
        .label(&card.title)
        .xalign(0.0)
        .hexpand(true)
        .ellipsize(gtk::pango::EllipsizeMode::Middle)
        .css_classes(["heading"])
        .build();
    let catalog = context.service().catalog();
    let metadata = card
        .lines
        .first()
        .and_then(|line| catalog.metadata(&line.id));
    let description = metadata
        .filter(|_| card.lines.len() == 1)
        .map(|metadata| metadata.description.clone());
    title.set_tooltip_text(Some(&description.unwrap_or_else(|| card.title.clone())));
    header.append(&title);
    let values = [("graph", card.title.as_str())];
    let button = gtk::MenuButton::builder()
        .icon_name("view-more-symbolic")
        .tooltip_text(gettext("More"))
        .css_classes(["flat", "circular", "small"])
        .build();
    accessible::set_label(&button, &gettext_f("More for {graph}", &values));
    let (context, card) = (context.clone(), card.clone());
    // The menu is made when it is opened: most never are.
    button.set_create_popup_func(move |button| {
        button.set_menu_model(Some(&menu(&context, &card, is_board)))
    });
    header.append(&button);
    (header, button)
}

fn menu(context: &Context, card: &Card, is_board: bool) -> gio::Menu {
    let menu = gio::Menu::new();
    let settings = context.settings();
    for line in &card.lines {
        let part = gio::Menu::new();
        let add = |label: String, action: &str| {
            let item = gio::MenuItem::new(Some(&label), None);
            item.set_action_and_target_value(Some(action), Some(&line.id.to_variant()));
            part.append_item(&item);
        };
        if is_board {
            add(gettext("Move Up"), "win.move-up");
            add(gettext("Move Down"), "win.move-down");
        }
        match settings.pinned.contains(&line.id) {
            true => add(gettext("Remove from Board"), "win.unpin"),
            false => add(gettext("Pin to Board"), "win.pin"),
        }
        add(gettext("Notify When It Crosses…"), "win.threshold");
        let title = (card.lines.len() > 1).then_some(line.name.as_str());
        menu.append_section(title, &part);
    }
    menu
}
