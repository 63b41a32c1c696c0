//! The place of the focus among cards that are made again.

use super::{
    card::{CardView, Part},
    section::SectionView,
};

/// A card that had the focus.
pub(super) struct FocusPlace {
    /// The metric of its first line.
    id: String,
    /// Its place among all cards.
    place: usize,
    part: Part,
}

impl FocusPlace {
    /// The place of the focus, if it is in a card.
    pub(super) fn find(sections: &[SectionView]) -> Option<Self> {
        cards(sections).enumerate().find_map(|(place, card)| {
            let part = card.focused_part()?;
            let id = card.id().to_owned();
            Some(Self { id, place, part })
        })
    }

    /// Lets the focus come back to the card of the same metric, or to the one at its place if that is gone. Returns the place if the
    /// card may come later.
    pub(super) fn restore(self, sections: &[SectionView], is_complete: bool) -> Option<Self> {
        let same = cards(sections).find(|card| card.id() == self.id);
        let next = || cards(sections).nth(self.place).or(cards(sections).last());
        match same.or_else(|| is_complete.then(next).flatten()) {
            Some(card) => card.grab_focus(self.part),
            None if !is_complete => return Some(self),
            None => {}
        }
        None
    }
}

fn cards(sections: &[SectionView]) -> impl Iterator<Item = &CardView> {
    sections.iter().flat_map(SectionView::cards)
}
