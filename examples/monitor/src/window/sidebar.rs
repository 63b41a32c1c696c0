//! The list of pages.

use adw::prelude::*;
use gtk::subclass::prelude::*;

use super::Window;
use crate::{accessible, focus, icon};

impl Window {
    pub(super) fn fill_sidebar(&self) {
        let imp = self.imp();
        focus::leave_by_tab(&*imp.pages);
        for entry in self.entries() {
            let content = gtk::Box::builder().spacing(12).build();
            let icon = gtk::Image::builder()
                .accessible_role(gtk::AccessibleRole::Presentation)
                .build();
            icon.set_icon_name(icon::existing(entry.icon));
            content.append(&icon);
            let title = gtk::Label::builder()
                .label(&entry.title)
                .xalign(0.0)
                .ellipsize(gtk::pango::EllipsizeMode::End)
                .build();
            content.append(&title);
            let row = gtk::ListBoxRow::builder()
                .name(entry.name)
                .child(&content)
                .build();
            accessible::set_label(&row, &entry.title);
            imp.pages.append(&row);
        }
        let window = self.downgrade();
        imp.pages.connect_row_selected(move |_, row| {
            if let (Some(window), Some(row)) = (window.upgrade(), row) {
                window.show_page(&row.widget_name());
            }
        });
        let window = self.downgrade();
        imp.pages.connect_row_activated(move |_, _| {
            if let Some(window) = window.upgrade() {
                window.show_content();
            }
        });
    }

    /// Selects the row of a page.
    pub(super) fn select_row(&self, name: &str) {
        let position = self.entries().iter().position(|entry| entry.name == name);
        let index = position.and_then(|position| i32::try_from(position).ok());
        let pages = &self.imp().pages;
        let row = index.and_then(|index| pages.row_at_index(index));
        if pages.selected_row() == row {
            return;
        }
        pages.select_row(row.as_ref());
        // The focus goes along if it is in the list.
        if let Some(row) = row.filter(|_| focus::is_within(&**pages)) {
            row.grab_focus();
        }
    }

    /// Shows a page that is so many rows further.
    pub(super) fn show_neighbour(&self, offset: i32) {
        let pages = &self.imp().pages;
        let selected = pages.selected_row().map_or(0, |row| row.index());
        if let Some(row) = pages.row_at_index(selected.saturating_add(offset)) {
            self.show_page(&row.widget_name());
            self.show_content();
        }
    }

    /// Shows the page in a narrow window, in place of the list.
    pub(super) fn show_content(&self) {
        let imp = self.imp();
        imp.leaflet.set_visible_child(&imp.content.get());
    }

    /// Shows the list of pages in a narrow window; the page if the list is shown.
    pub(super) fn toggle_sidebar(&self) {
        let imp = self.imp();
        let is_at_sidebar = imp.leaflet.visible_child().as_ref() == Some(imp.sidebar.upcast_ref());
        if !imp.leaflet.is_folded() {
            imp.sidebar.set_visible(!imp.sidebar.is_visible());
        } else if is_at_sidebar {
            imp.leaflet.set_visible_child(&imp.content.get());
        } else {
            imp.leaflet.set_visible_child(&imp.sidebar.get());
        }
        if let Some(row) = imp.pages.selected_row().filter(WidgetExt::is_mapped) {
            row.grab_focus();
        }
    }

    /// Opens the main menu. It is above the list of pages, which is shown as long as the menu if it is hidden.
    pub(super) fn open_menu(&self) {
        let imp = self.imp();
        if !imp.menu_button.is_mapped() {
            imp.before_menu.replace(GtkWindowExt::focus(self));
            self.toggle_sidebar();
        }
        imp.menu_button.popup();
    }

    pub(super) fn follow_menu(&self) {
        let window = self.downgrade();
        let popover = self.imp().menu_button.popover();
        let closed = move || {
            let Some(window) = window.upgrade() else {
                return;
            };
            if let Some(former) = window.imp().before_menu.take() {
                window.toggle_sidebar();
                former.grab_focus();
            }
        };
        if let Some(popover) = popover {
            popover.connect_closed(move |_| closed());
        }
    }
}
