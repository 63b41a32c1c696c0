//! A section: a title, and below it shares, graphs and facts.

use adw::prelude::*;

use super::{card::CardView, fact::FactView, level::LevelView};
use crate::{
    pages::{Context, layout::Section},
    recording::Recording,
};

/// The widgets of a section.
pub(super) struct SectionView {
    section: Section,
    root: gtk::Box,
    cards: Vec<CardView>,
    facts: Vec<FactView>,
    levels: Vec<LevelView>,
}

impl SectionView {
    pub(super) fn new(context: &Context, section: Section, is_board: bool) -> Self {
        let root = gtk::Box::new(gtk::Orientation::Vertical, 12);
        if !section.title.is_empty() {
            let title = gtk::Label::builder()
                .label(&section.title)
                .xalign(0.0)
                .ellipsize(gtk::pango::EllipsizeMode::Middle)
                .tooltip_text(&section.title)
                .css_classes(["title-4"])
                .build();
            root.append(&title);
        }
        let catalog = context.service().catalog();
        let levels = section
            .levels
            .iter()
            .map(|level| LevelView::new(level, &catalog));
        let levels: Vec<LevelView> = levels.collect();
        if !levels.is_empty() {
            root.append(&boxed_list(levels.iter().map(LevelView::widget)));
        }
        let cards = section
            .cards
            .iter()
            .map(|card| CardView::new(context, card, is_board));
        let cards: Vec<CardView> = cards.collect();
        if !cards.is_empty() {
            root.append(&grid(
                &cards,
                section.cards.iter().all(|card| card.is_small),
            ));
        }
        let facts = section
            .facts
            .iter()
            .map(|fact| FactView::new(fact, &catalog));
        let facts: Vec<FactView> = facts.collect();
        if !facts.is_empty() {
            root.append(&boxed_list(facts.iter().map(FactView::widget)));
        }
        Self {
            section,
            root,
            cards,
            facts,
            levels,
        }
    }

    pub(super) fn section(&self) -> &Section {
        &self.section
    }

    pub(super) fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Shows the newest readings.
    pub(super) fn refresh(&self, recording: &Recording) {
        for card in &self.cards {
            card.refresh(recording);
        }
        for fact in &self.facts {
            fact.refresh(recording);
        }
        for level in &self.levels {
            level.refresh(recording);
        }
    }

    /// Unmaps the graphs outside of a viewport with this height.
    pub(super) fn cull(&self, viewport: &gtk::Widget, height: f64) {
        for card in &self.cards {
            card.cull(viewport, height);
        }
    }
}

fn boxed_list<'a>(rows: impl Iterator<Item = &'a gtk::ListBoxRow>) -> gtk::ListBox {
    let list = gtk::ListBox::builder()
        .selection_mode(gtk::SelectionMode::None)
        .css_classes(["boxed-list"])
        .build();
    for row in rows {
        list.append(row);
    }
    list
}

/// Cards beside each other, as many as there is room for.
fn grid(cards: &[CardView], are_small: bool) -> gtk::FlowBox {
    let grid = gtk::FlowBox::builder()
        .selection_mode(gtk::SelectionMode::None)
        .homogeneous(true)
        .min_children_per_line(1)
        .max_children_per_line(if are_small { 6 } else { 3 })
        .row_spacing(12)
        .column_spacing(12)
        .valign(gtk::Align::Start)
        .css_classes(["cards"])
        .build();
    for card in cards {
        let child = gtk::FlowBoxChild::builder()
            .focusable(false)
            .child(card.widget())
            .build();
        grid.append(&child);
    }
    grid
}
