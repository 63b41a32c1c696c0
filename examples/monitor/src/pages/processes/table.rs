//! The table: columns, order, search, and the selected row.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gtk::{gio, glib, prelude::*};

use super::{
    cells,
    fields::{COLUMNS, Column, compare, place},
    item::{Item, Key},
    rows::Rows,
};
use crate::{accessible, i18n::gettext};

/// The table and what belongs to it. Clones are the same table.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) view: gtk::ColumnView,
    pub(super) search: gtk::SearchEntry,
    selection: gtk::SingleSelection,
    rows: Rc<RefCell<Rows>>,
    filter: gtk::CustomFilter,
    needle: Rc<RefCell<String>>,
    selected: Rc<RefCell<Option<Key>>>,
    is_tree: Rc<Cell<bool>>,
    columns: Rc<Vec<(Column, gtk::ColumnViewColumn)>>,
}

impl Table {
    /// A table with these columns, ordered by the one with this field, the largest first.
    pub(super) fn new(title: &str, columns: &[Column], order: &str) -> Self {
        let view = gtk::ColumnView::builder()
            .css_classes(["data-table"])
            .reorderable(true)
            .hexpand(true)
            .vexpand(true)
            .build();
        accessible::set_label(&view, title);
        let needle = Rc::new(RefCell::new(String::new()));
        let filter = gtk::CustomFilter::new({
            let needle = needle.clone();
            move |item| {
                let item = item.downcast_ref::<Item>();
                item.is_some_and(|item| matches(item, &needle.borrow()))
            }
        });
        let columns = columns.iter().map(|column| (*column, view_column(*column)));
        let table = Self {
            selection: gtk::SingleSelection::builder()
                .autoselect(false)
                .can_unselect(false)
                .build(),
            search: gtk::SearchEntry::builder()
                .placeholder_text(gettext("Name, PID or user"))
                .hexpand(true)
                .build(),
            rows: Rc::new(RefCell::new(Rows::new())),
            filter,
            needle,
            selected: Rc::default(),
            is_tree: Rc::default(),
            columns: Rc::new(columns.collect()),
            view,
        };
        for (column, view_column) in table.columns.iter() {
            view_column.set_visible(column.is_default);
            table.view.append_column(view_column);
        }
        let first = table
            .columns
            .iter()
            .find(|(column, _)| column.field == order);
        table
            .view
            .sort_by_column(first.map(|(_, column)| column), gtk::SortType::Descending);
        table.view.set_model(Some(&table.selection));
        table.connect();
        table.update_model();
        table
    }

    fn connect(&self) {
        let selected = self.selected.clone();
        self.selection
            .connect_selected_item_notify(move |selection| {
                if let Some(item) = selection.selected_item().as_ref().and_then(item_of) {
                    selected.replace(Some(item.key().clone()));
                }
            });
        let table = self.clone();
        self.search.connect_search_changed(move |search| {
            let was_searching = !table.needle.borrow().is_empty();
            table.needle.replace(search.text().trim().to_lowercase());
            table.filter.changed(gtk::FilterChange::Different);
            // A tree would hide what is found below a parent that does not match.
            if was_searching == table.needle.borrow().is_empty() {
                table.update_model();
            }
        });
    }

    pub(super) fn rows(&self) -> &Rc<RefCell<Rows>> {
        &self.rows
    }

    /// Shows children below their parents, or all rows in one list.
    pub(super) fn set_tree(&self, is_tree: bool) {
        if self.is_tree.replace(is_tree) != is_tree {
            self.update_model();
        }
    }

    fn update_model(&self) {
        let rows = self.rows.borrow();
        let is_tree = self.is_tree.get() && self.needle.borrow().is_empty();
        let sorter = self.view.sorter();
        let model = match is_tree {
            true => {
                let tree = gtk::TreeListModel::new(rows.roots(), false, true, |item| {
                    let item = item.downcast_ref::<Item>()?;
                    let children = item.children();
                    (children.n_items() > 0).then(|| children.clone().upcast())
                });
                let sorter = gtk::TreeListRowSorter::new(sorter);
                gtk::SortListModel::new(Some(tree), Some(sorter))
            }
            false => {
                let found = gtk::FilterListModel::new(Some(rows.list()), Some(self.filter.clone()));
                gtk::SortListModel::new(Some(found), sorter)
            }
        };
        drop(rows);
        self.selection.set_model(Some(&model));
        self.keep_selection();
    }

    /// Orders and selects again, after the rows have changed.
    pub(super) fn update(&self) {
        let adjustment = self.view.vadjustment();
        let is_at_top = adjustment.is_some_and(|adjustment| adjustment.value() == 0.0);
        if let Some(sorter) = self.view.sorter() {
            sorter.changed(gtk::SorterChange::Different);
        }
        self.keep_selection();
        // The view would follow the row that was the first one.
        if let Some(list) = self.view.last_child().filter(|_| is_at_top) {
            list.activate_action("list.scroll-to-item", Some(&0_u32.to_variant()))
                .ok();
        }
    }

    /// Selects the row of before, which may be another object or at another place now.
    fn keep_selection(&self) {
        let Some(key) = self.selected.borrow().clone() else {
            return;
        };
        if self.rows.borrow().item(&key).is_none() {
            self.selected.replace(None);
            self.selection.set_selected(gtk::INVALID_LIST_POSITION);
            return;
        }
        let selected = self.selection.selected_item();
        if selected
            .as_ref()
            .and_then(item_of)
            .is_some_and(|item| *item.key() == key)
        {
            return;
        }
        let mut items = self.selection.iter::<glib::Object>().flatten();
        let place = items.position(|item| item_of(&item).is_some_and(|item| *item.key() == key));
        let place = place.and_then(|place| u32::try_from(place).ok());
        self.selection
            .set_selected(place.unwrap_or(gtk::INVALID_LIST_POSITION));
    }

    /// The selected row.
    pub(super) fn selected(&self) -> Option<Item> {
        item_of(self.selection.selected_item().as_ref()?)
    }

    /// Selects the row at a position of the view.
    pub(super) fn select(&self, position: u32) {
        self.selection.set_selected(position);
    }

    /// Calls back when another row, or none, is selected.
    pub(super) fn connect_selected(&self, changed: impl Fn() + 'static) {
        self.selection
            .connect_selected_item_notify(move |_| changed());
    }

    /// The row at a position of the view.
    pub(super) fn item_at(&self, position: u32) -> Option<Item> {
        item_of(&self.selection.item(position)?)
    }

    /// The fields that are shown.
    pub(super) fn shown_fields(&self) -> Vec<&'static str> {
        let shown = self
            .columns
            .iter()
            .filter(|(_, column)| column.is_visible());
        shown.map(|(column, _)| column.field).collect()
    }

    /// Lets the user choose columns: actions `columns.FIELD`, and the menu of them.
    pub(super) fn column_choice(
        &self,
        changed: impl Fn() + 'static,
    ) -> (gio::SimpleActionGroup, gio::Menu) {
        let group = gio::SimpleActionGroup::new();
        let menu = gio::Menu::new();
        let changed = Rc::new(changed);
        for (column, view_column) in self.columns.iter().skip(1) {
            let action = gio::PropertyAction::new(column.field, view_column, "visible");
            group.add_action(&action);
            menu.append(
                Some(&column.title()),
                Some(&format!("columns.{}", column.field)),
            );
            let changed = changed.clone();
            view_column.connect_visible_notify(move |_| changed());
        }
        for (_, view_column) in self.columns.iter() {
            view_column.set_header_menu(Some(&menu));
        }
        (group, menu)
    }
}

/// The row behind an item of a list or of a tree.
pub(super) fn item_of(object: &glib::Object) -> Option<Item> {
    match object.downcast_ref::<gtk::TreeListRow>() {
        Some(row) => row.item().and_downcast(),
        None => object.downcast_ref::<Item>().cloned(),
    }
}

/// Whether a row is found: by a part of its name, its user or its command line, or by its pid.
fn matches(item: &Item, needle: &str) -> bool {
    let contains = |field: &str| {
        let text = place(field).map(|place| item.text(place));
        text.is_some_and(|text| text.to_lowercase().contains(needle))
    };
    needle.is_empty()
        || item.pid().to_string() == needle
        || ["name", "user", "application", "command_line"]
            .into_iter()
            .any(contains)
}

fn view_column(column: Column) -> gtk::ColumnViewColumn {
    let place = place(column.field).unwrap_or_default();
    let factory = cells::factory(column, place);
    let view_column = gtk::ColumnViewColumn::builder()
        .title(column.title())
        .factory(&factory)
        .resizable(true)
        .build();
    if place == 0 {
        view_column.set_expand(true);
    }
    let sorter = gtk::CustomSorter::new(move |a, b| {
        let (Some(a), Some(b)) = (a.downcast_ref::<Item>(), b.downcast_ref::<Item>()) else {
            return gtk::Ordering::Equal;
        };
        let order = a.with_field(place, |a| b.with_field(place, |b| compare(a, b)));
        let order = order.flatten().unwrap_or(std::cmp::Ordering::Equal);
        order.then_with(|| a.pid().cmp(&b.pid())).into()
    });
    view_column.set_sorter(Some(&sorter));
    debug_assert!(place < COLUMNS.len(), "the place is that of a column");
    view_column
}
