//! A section: a title, and below it shares, graphs and facts.

use std::time::Instant;

use adw::prelude::*;
use sampled_pages::Section;

use super::{card::CardView, fact::FactView, level::LevelView};
use crate::{pages::Context, recording::Recording};

/// The widgets of a section. They are made bit by bit: a machine may have hundreds of graphs.
pub(super) struct SectionView {
    section: Section,
    root: gtk::Box,
    grid: gtk::FlowBox,
    cards: Vec<CardView>,
    facts: Vec<FactView>,
    levels: Vec<LevelView>,
    is_complete: bool,
}

impl SectionView {
    /// The section with its title and no more.
    pub(super) fn new(section: Section) -> Self {
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
        Self {
            grid: grid(section.cards.iter().all(|card| card.is_small)),
            section,
            root,
            cards: Vec::new(),
            facts: Vec::new(),
            levels: Vec::new(),
            is_complete: false,
        }
    }

    /// Makes further widgets until the deadline, from top to bottom. Returns whether all are there.
    pub(super) fn grow(&mut self, context: &Context, is_board: bool, deadline: Instant) -> bool {
        if self.is_complete {
            return true;
        }
        let catalog = context.service().catalog();
        let recording = context.service().recording();
        let Section { levels, cards, .. } = &self.section;
        if self.cards.is_empty() && self.grid.parent().is_none() {
            if !levels.is_empty() {
                let levels = levels.iter().map(|level| LevelView::new(level, &catalog));
                self.levels = levels.collect();
                let rows = self.levels.iter().map(LevelView::widget);
                self.root.append(&boxed_list(rows));
            }
            if !cards.is_empty() {
                self.root.append(&self.grid);
            }
        }
        for card in cards.iter().skip(self.cards.len()) {
            if Instant::now() >= deadline {
                return false;
            }
            let card = CardView::new(context, card, is_board);
            let child = gtk::FlowBoxChild::builder()
                .focusable(false)
                .child(card.widget())
                .build();
            self.grid.append(&child);
            self.cards.push(card);
        }
        let facts = self.section.facts.iter();
        self.facts = facts.map(|fact| FactView::new(fact, &catalog)).collect();
        if !self.facts.is_empty() {
            let rows = self.facts.iter().map(FactView::widget);
            self.root.append(&boxed_list(rows));
        }
        self.is_complete = true;
        self.refresh(recording);
        true
    }

    pub(super) fn section(&self) -> &Section {
        &self.section
    }

    pub(super) fn widget(&self) -> &gtk::Box {
        &self.root
    }

    pub(super) fn cards(&self) -> &[CardView] {
        &self.cards
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

    /// Does not draw the graphs outside of a viewport with this height.
    pub(super) fn cull(&self, viewport: &gtk::Widget, height: f64, recording: &Recording) {
        for card in &self.cards {
            card.cull(viewport, height, recording);
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
fn grid(are_small: bool) -> gtk::FlowBox {
    gtk::FlowBox::builder()
        .selection_mode(gtk::SelectionMode::None)
        .homogeneous(true)
        .min_children_per_line(1)
        .max_children_per_line(if are_small { 6 } else { 3 })
        .row_spacing(12)
        .column_spacing(12)
        .valign(gtk::Align::Start)
        .css_classes(["cards"])
        .build()
}
