//! The table: columns, order, search, and the selected row.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gtk::{gio, prelude::*};

use super::{
    cells,
    fields::{COLUMNS, Column, compare, place},
    item::Item,
    rows::Rows,
    selection::Selection,
};
use crate::{accessible, focus, i18n::gettext};

/// The table and what belongs to it. Clones are the same table.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) view: gtk::ColumnView,
    pub(super) search: gtk::SearchEntry,
    selection: Selection,
    rows: Rc<RefCell<Rows>>,
    filter: gtk::CustomFilter,
    needle: Rc<RefCell<String>>,
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
        focus::leave_by_tab(&view);
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
            selection: Selection::new(&view),
            search: gtk::SearchEntry::builder()
                .placeholder_text(gettext("Name, PID or user"))
                .hexpand(true)
                .build(),
            rows: Rc::new(RefCell::new(Rows::new())),
            filter,
            needle,
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
        table.connect();
        table.show_model();
        table
    }

    fn connect(&self) {
        let table = self.clone();
        self.search.connect_search_changed(move |search| {
            let needle = search.text().trim().to_lowercase();
            let former = table.needle.replace(needle.clone());
            if needle.is_empty() != former.is_empty() {
                // Also in the list: it is faster than a filter that removes or adds thousands of rows.
                table.show_model();
            } else {
                table.filter.changed(gtk::FilterChange::Different);
                table.selection.begin();
            }
        });
    }

    pub(super) fn rows(&self) -> &Rc<RefCell<Rows>> {
        &self.rows
    }

    /// Shows children below their parents, or all rows in one list.
    pub(super) fn set_tree(&self, is_tree: bool) {
        let was_tree = self.shows_tree();
        self.is_tree.set(is_tree);
        if self.shows_tree() != was_tree {
            self.show_model();
        }
    }

    /// Whether it shows a tree. That would hide what is found below a parent that does not match.
    fn shows_tree(&self) -> bool {
        self.is_tree.get() && self.needle.borrow().is_empty()
    }

    /// Shows the rows as a tree or in one list.
    fn show_model(&self) {
        let rows = self.rows.borrow();
        let sorter = self.view.sorter();
        let model = match self.shows_tree() {
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
        self.selection.show(&model);
    }

    /// Orders and selects again, after the rows have changed.
    pub(super) fn update(&self) {
        let is_at_top = self.selection.is_at_top();
        if let Some(sorter) = self.view.sorter() {
            sorter.changed(gtk::SorterChange::Different);
        }
        self.keep_selection();
        // The view would follow the row that was the first one.
        if is_at_top {
            self.selection.scroll_to_top();
        }
    }

    fn keep_selection(&self) {
        let rows = self.rows.clone();
        self.selection.keep(|key| rows.borrow().item(key).is_some());
    }

    pub(super) fn selection(&self) -> &Selection {
        &self.selection
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

    /// Lets the user order the rows without the headers, which no key reaches: actions `order.FIELD`, and the menu of them. The same
    /// field again turns the order around.
    pub(super) fn order_choice(&self) -> (gio::SimpleActionGroup, gio::Menu) {
        let group = gio::SimpleActionGroup::new();
        let menu = gio::Menu::new();
        let last: Rc<Cell<Option<(&str, gtk::SortType)>>> = Rc::default();
        for (column, view_column) in self.columns.iter() {
            let action = gio::SimpleAction::new(column.field, None);
            view_column
                .bind_property("visible", &action, "enabled")
                .sync_create()
                .build();
            let (column, view_column) = (*column, view_column.clone());
            let (view, last) = (self.view.downgrade(), last.clone());
            action.connect_activate(move |_, _| {
                let order = match last.get() {
                    Some((field, gtk::SortType::Ascending)) if field == column.field => {
                        gtk::SortType::Descending
                    }
                    Some((field, _)) if field == column.field => gtk::SortType::Ascending,
                    _ if column.is_number() => gtk::SortType::Descending,
                    _ => gtk::SortType::Ascending,
                };
                last.set(Some((column.field, order)));
                if let Some(view) = view.upgrade() {
                    view.sort_by_column(Some(&view_column), order);
                }
            });
            group.add_action(&action);
            menu.append(
                Some(&column.title()),
                Some(&format!("order.{}", column.field)),
            );
        }
        (group, menu)
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
