//! The rows that a view shows, and the one that is selected.

use std::{
    cell::{Cell, RefCell},
    iter,
    rc::Rc,
};

use gtk::{gio, glib, prelude::*};

use super::item::{Item, Key, item_of};
use crate::focus;

/// The model of a view. Clones are the same model.
///
/// The selected row stays selected when other models show the same rows.
#[derive(Clone)]
pub(super) struct Selection {
    view: gtk::ColumnView,
    model: gtk::SingleSelection,
    /// The model that is shown, in a list of one.
    shown: gio::ListStore,
    key: Rc<RefCell<Option<Key>>>,
    /// The scrolls to a row below the first whose layout is to come.
    scrolls: Rc<Cell<u32>>,
}

impl Selection {
    /// The model of this view, without rows.
    pub(super) fn new(view: &gtk::ColumnView) -> Self {
        let shown = gio::ListStore::new::<gio::ListModel>();
        let model = gtk::SingleSelection::builder()
            .model(&gtk::FlattenListModel::new(Some(shown.clone())))
            .autoselect(false)
            .can_unselect(false)
            .build();
        let key: Rc<RefCell<Option<Key>>> = Rc::default();
        model.connect_selected_item_notify({
            let key = key.clone();
            move |model| {
                if let Some(item) = model.selected_item().as_ref().and_then(item_of) {
                    key.replace(Some(item.key().clone()));
                }
            }
        });
        view.set_model(Some(&model));
        Self {
            view: view.clone(),
            model,
            shown,
            key,
            scrolls: Rc::default(),
        }
    }

    /// Shows another model, from its selected row on.
    ///
    /// A view of GTK 4.8 keeps the widgets of up to 200 rows. It destroys those whose items are removed, but uses those again that
    /// are scrolled away. So the other model comes first, and the former one goes when its rows have no widgets.
    pub(super) fn show(&self, model: &gtk::SortListModel) {
        self.shown.insert(0, model);
        self.begin_in(model);
        if self.shown.n_items() > 1 {
            self.shown.remove(1);
        }
    }

    /// Selects the row of before again, and shows the rows from it on; from the first one on if it is not there.
    pub(super) fn begin(&self) {
        self.begin_in(&self.model);
    }

    fn begin_in(&self, model: &impl IsA<gio::ListModel>) {
        let selected = self.place_in(model);
        self.model
            .set_selected(selected.unwrap_or(gtk::INVALID_LIST_POSITION));
        self.begin_with(selected.unwrap_or_default());
    }

    /// Selects the row of before, which may be another object or at another place now.
    pub(super) fn keep(&self, is_alive: impl Fn(&Key) -> bool) {
        let Some(key) = self.key.borrow().clone() else {
            return;
        };
        if !is_alive(&key) {
            self.key.replace(None);
            self.model.set_selected(gtk::INVALID_LIST_POSITION);
        } else if self.item().is_none_or(|item| *item.key() != key) {
            let place = self.place_in(&self.model);
            self.model
                .set_selected(place.unwrap_or(gtk::INVALID_LIST_POSITION));
        }
    }

    /// The place of the selected row.
    fn place_in(&self, model: &impl IsA<gio::ListModel>) -> Option<u32> {
        let key = self.key.borrow().clone()?;
        let mut items = model.iter::<glib::Object>().flatten();
        let place = items.position(|item| item_of(&item).is_some_and(|item| *item.key() == key));
        place.and_then(|place| u32::try_from(place).ok())
    }

    /// The selected row.
    pub(super) fn item(&self) -> Option<Item> {
        item_of(self.model.selected_item().as_ref()?)
    }

    /// The row at a position of the view.
    pub(super) fn item_at(&self, position: u32) -> Option<Item> {
        item_of(&self.model.item(position)?)
    }

    /// Selects the row at a position of the view.
    pub(super) fn select(&self, position: u32) {
        self.model.set_selected(position);
    }

    /// Calls back when another row, or none, is selected.
    pub(super) fn connect_changed(&self, changed: impl Fn() + 'static) {
        self.model.connect_selected_item_notify(move |_| changed());
    }

    /// Whether the view is at its first row, and stays there.
    pub(super) fn is_at_top(&self) -> bool {
        let adjustment = self.view.vadjustment();
        let is_first = adjustment.is_some_and(|adjustment| adjustment.value() == 0.0);
        is_first && self.scrolls.get() == 0
    }

    /// Scrolls to the first row.
    pub(super) fn scroll_to_top(&self) {
        if let Some(list) = self.list() {
            scroll_to(&list, 0);
        }
    }

    /// Scrolls to a row, the selected one or the first, and lets the focus come to it when it comes to the table.
    fn begin_with(&self, position: u32) {
        let Some(list) = self.list() else { return };
        scroll_to(&list, position);
        if position > 0 {
            self.await_layout();
        }
        let mut rows = iter::successors(list.first_child(), |row| row.next_sibling());
        let is_selected = |row: &gtk::Widget| row.state_flags().contains(gtk::StateFlags::SELECTED);
        let row = match position {
            0 => rows.next(),
            _ => rows.find(is_selected),
        };
        let had_focus = focus::is_within(&list);
        // GTK 4.8 has no other way to say so before the table has the focus.
        list.set_focus_child(row.as_ref());
        match row.filter(|_| had_focus) {
            Some(row) => _ = row.grab_focus(),
            None => list.set_focus_child(gtk::Widget::NONE),
        }
    }

    /// Counts a scroll until the view has been laid out: its adjustment has the former value until then.
    fn await_layout(&self) {
        self.scrolls.set(self.scrolls.get().saturating_add(1));
        let scrolls = self.scrolls.clone();
        let is_laid_out = Cell::new(false);
        // The layout follows the first call, in the same frame.
        self.view.add_tick_callback(move |_, _| {
            if is_laid_out.replace(true) {
                scrolls.set(scrolls.get().saturating_sub(1));
                return glib::ControlFlow::Break;
            }
            glib::ControlFlow::Continue
        });
    }

    /// Lets the focus come to the selected row; false if it is not in view.
    pub(super) fn grab_focus(&self) -> bool {
        let first = self.list().and_then(|list| list.first_child());
        let mut rows = iter::successors(first, |row| row.next_sibling());
        let row = rows.find(|row| row.state_flags().contains(gtk::StateFlags::SELECTED));
        row.is_some_and(|row| row.is_mapped() && row.grab_focus())
    }

    /// The part of the view that has the rows.
    fn list(&self) -> Option<gtk::Widget> {
        self.view.last_child()
    }
}

fn scroll_to(list: &gtk::Widget, position: u32) {
    // A view without rows does nothing.
    list.activate_action("list.scroll-to-item", Some(&position.to_variant()))
        .ok();
}
