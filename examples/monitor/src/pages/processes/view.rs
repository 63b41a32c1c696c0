//! The widgets of a page of processes or applications.

use std::cell::RefCell;

use adw::prelude::*;
use gtk::{gio, glib};

use super::{
    Kind,
    details::Details,
    fields::{COLUMNS, Column},
    table::Table,
};
use crate::{accessible, chart::TimeAxis, i18n::gettext, icon};

/// The widgets of the page.
pub(super) struct View {
    pub(super) root: gtk::Box,
    pub(super) table: Table,
    pub(super) details: Details,
    pub(super) toasts: adw::ToastOverlay,
    /// Either the table or the details.
    pub(super) pages: adw::Bin,
    pub(super) tree: gtk::ToggleButton,
    pub(super) columns: gtk::MenuButton,
    pub(super) menu: gtk::PopoverMenu,
    list: gtk::Box,
    search_bar: gtk::SearchBar,
    problem: gtk::Label,
    /// The widget that had the focus before a menu or the details had it.
    former_focus: RefCell<Option<gtk::Widget>>,
}

impl View {
    pub(super) fn new(kind: Kind, title: &str, axis: &TimeAxis) -> Self {
        let table = Table::new(title, &columns_of(kind), "cpu");
        let details = Details::new(axis);
        let search_bar = gtk::SearchBar::builder().child(&table.search).build();
        search_bar.connect_entry(&table.search);
        accessible::set_label(&table.search, &gettext("Search"));
        let search = gtk::ToggleButton::builder()
            .icon_name("edit-find-symbolic")
            .build();
        name(&search, &gettext("Search"));
        search
            .bind_property("active", &search_bar, "search-mode-enabled")
            .bidirectional()
            .build();
        let tree = gtk::ToggleButton::builder()
            .visible(kind == Kind::Processes)
            .build();
        match icon::existing("format-indent-more-symbolic") {
            Some(icon) => tree.set_icon_name(icon),
            None => tree.set_label(&gettext("Tree")),
        }
        name(&tree, &gettext("Children Below Their Parents"));
        let columns = gtk::MenuButton::builder()
            .icon_name("view-more-symbolic")
            .build();
        name(&columns, &gettext("Columns and Order"));
        let open = gtk::Button::builder()
            .label(gettext("Details"))
            .action_name("row.details")
            .build();
        let end = gtk::Button::builder()
            .label(gettext("End…"))
            .action_name("row.end")
            .css_classes(["destructive-action"])
            .build();
        let toolbar = gtk::Box::builder()
            .spacing(6)
            .css_classes(["toolbar"])
            .build();
        let space = gtk::Box::builder().hexpand(true).build();
        let widgets: [&gtk::Widget; 6] = [
            search.upcast_ref(),
            tree.upcast_ref(),
            columns.upcast_ref(),
            space.upcast_ref(),
            open.upcast_ref(),
            end.upcast_ref(),
        ];
        for widget in widgets {
            toolbar.append(widget);
        }
        let problem = gtk::Label::builder()
            .wrap(true)
            .xalign(0.0)
            .visible(false)
            .css_classes(["error", "problem"])
            .build();
        let scrolled = gtk::ScrolledWindow::builder()
            .vexpand(true)
            .child(&table.view)
            .build();
        begin_with_first_column(&scrolled);
        let list = gtk::Box::new(gtk::Orientation::Vertical, 0);
        list.append(&toolbar);
        list.append(&search_bar);
        list.append(&problem);
        list.append(&scrolled);
        let pages = adw::Bin::builder().child(&list).build();
        let toasts = adw::ToastOverlay::new();
        toasts.set_child(Some(&pages));
        toasts.set_vexpand(true);
        let root = gtk::Box::new(gtk::Orientation::Vertical, 0);
        root.append(&toasts);
        accessible::set_label(&root, title);
        search_bar.set_key_capture_widget(Some(&table.view));
        let menu = gtk::PopoverMenu::from_model(Some(&row_menu()));
        menu.set_has_arrow(false);
        menu.set_halign(gtk::Align::Start);
        menu.set_parent(&list);
        let owned = menu.clone();
        list.connect_destroy(move |_| owned.unparent());
        Self {
            root,
            table,
            details,
            toasts,
            pages,
            tree,
            columns,
            menu,
            list,
            search_bar,
            problem,
            former_focus: RefCell::default(),
        }
    }

    pub(super) fn begin_search(&self) {
        self.show_table();
        self.search_bar.set_search_mode(true);
        self.table.search.grab_focus();
        self.table.search.select_region(0, -1);
    }

    /// Ends the search; false if there is none.
    pub(super) fn end_search(&self) -> bool {
        let is_open = self.search_bar.is_search_mode();
        self.search_bar.set_search_mode(false);
        is_open
    }

    pub(super) fn show_table(&self) {
        if self.pages.child().as_ref() != Some(self.list.upcast_ref()) {
            self.pages.set_child(Some(&self.list));
            self.restore_focus();
        }
    }

    pub(super) fn show_details(&self) {
        self.keep_focus();
        self.pages.set_child(Some(&self.details.root));
        self.details.back.grab_focus();
    }

    /// Opens the menu of the selected row.
    pub(super) fn open_menu(&self) {
        self.keep_focus();
        self.menu.popup();
    }

    fn keep_focus(&self) {
        let focus = self.root.root().and_then(|root| root.focus());
        // The details may be chosen in the menu.
        if let Some(focus) = focus.filter(|focus| !focus.is_ancestor(&self.menu)) {
            self.former_focus.replace(Some(focus));
        }
    }

    /// Lets the focus come back to where it was before a menu or the details. Meanwhile the rows may have another order.
    pub(super) fn restore_focus(&self) {
        if !self.list.is_mapped() {
            return;
        }
        let Some(focus) = self.former_focus.take() else {
            return;
        };
        let table = &self.table;
        if !focus.is_ancestor(&table.view) {
            focus.grab_focus();
        } else if !table.selection().grab_focus() {
            table.view.child_focus(gtk::DirectionType::TabForward);
        }
    }

    /// Says why there are no rows, or no new ones.
    pub(super) fn show_problem(&self, problem: Option<&str>) {
        if let Some(problem) = problem {
            self.problem.set_text(problem);
        }
        self.problem.set_visible(problem.is_some());
    }
}

/// The name of a button that has only an icon.
fn name(button: &impl IsA<gtk::Widget>, name: &str) {
    button.set_tooltip_text(Some(name));
    accessible::set_label(button, name);
}

/// Scrolls to the first column where text begins at the right: the view of GTK begins with the last one there.
fn begin_with_first_column(scrolled: &gtk::ScrolledWindow) {
    if scrolled.direction() == gtk::TextDirection::Rtl {
        scrolled.hadjustment().connect_changed(|adjustment| {
            // The view, which lays itself out now, sets the value after this.
            let adjustment = adjustment.clone();
            glib::idle_add_local_once(move || {
                adjustment.set_value(adjustment.upper() - adjustment.page_size());
            });
        });
    }
}

fn columns_of(kind: Kind) -> Vec<Column> {
    let (name, rest) = COLUMNS.split_at(1);
    let (rest, count) = rest.split_at(rest.len().saturating_sub(1));
    let sums = rest.iter().filter(|column| column.has_sum);
    match kind {
        Kind::Processes => name.iter().chain(rest).copied().collect(),
        Kind::Applications => name.iter().chain(count).chain(sums).copied().collect(),
    }
}

fn row_menu() -> gio::Menu {
    let menu = gio::Menu::new();
    menu.append(Some(&gettext("Details")), Some("row.details"));
    let ends = gio::Menu::new();
    ends.append(Some(&gettext("End…")), Some("row.end"));
    ends.append(Some(&gettext("Kill…")), Some("row.kill"));
    menu.append_section(None, &ends);
    menu
}
