//! The list of all metrics, from which one is pinned to the board.

use std::cell::RefCell;

use adw::prelude::*;
use gtk::glib;

use super::Window;
use crate::{accessible, focus, i18n::gettext};

/// Opens the list.
pub(super) fn show(window: &Window) {
    let model = gtk::StringList::new(&[]);
    fill(&model, window);
    // The list may come after the dialog, and metrics come and go.
    let follow = window.service().connect_catalog_changed({
        let (window, model) = (window.downgrade(), model.clone());
        move |_| {
            if let Some(window) = window.upgrade() {
                fill(&model, &window);
            }
        }
    });
    let expression = gtk::PropertyExpression::new(
        gtk::StringObject::static_type(),
        gtk::Expression::NONE,
        "string",
    );
    let filter = gtk::StringFilter::builder()
        .expression(expression)
        .match_mode(gtk::StringFilterMatchMode::Substring)
        .ignore_case(true)
        .build();
    let filtered = gtk::FilterListModel::new(Some(model), Some(filter.clone()));
    let list = gtk::ListView::builder()
        .model(&gtk::SingleSelection::new(Some(filtered)))
        .factory(&factory())
        .single_click_activate(true)
        .build();
    accessible::set_label(&list, &gettext("Metrics"));
    focus::leave_by_tab(&list);
    let search = gtk::SearchEntry::builder()
        .hexpand(true)
        .placeholder_text(gettext("Search metrics"))
        .build();
    accessible::set_label(&search, &gettext("Search metrics"));
    search.connect_search_changed(move |search| filter.set_search(Some(&search.text())));

    let header = gtk::HeaderBar::builder().title_widget(&search).build();
    let scroll = gtk::ScrolledWindow::builder()
        .hscrollbar_policy(gtk::PolicyType::Never)
        .vexpand(true)
        .child(&list)
        .build();
    let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
    content.append(&header);
    content.append(&scroll);
    let dialog = adw::Window::builder()
        .transient_for(window)
        .modal(true)
        .title(gettext("Add to Board"))
        .default_width(420)
        .default_height(520)
        .content(&content)
        .build();
    search.set_key_capture_widget(Some(&dialog));
    let add = {
        let (window, dialog) = (window.downgrade(), dialog.downgrade());
        move |list: &gtk::ListView, position: u32| {
            let row = list
                .model()
                .and_then(|model| model.item(position))
                .and_downcast::<gtk::StringObject>();
            let (Some(row), Some(window)) = (row, window.upgrade()) else {
                return;
            };
            window.pin(id_of(&row.string()));
            if let Some(dialog) = dialog.upgrade() {
                dialog.close();
            }
        }
    };
    search.connect_activate({
        let (add, list) = (add.clone(), list.downgrade());
        move |_| {
            if let Some(list) = list.upgrade() {
                add(&list, 0);
            }
        }
    });
    list.connect_activate(add);
    let weak = dialog.downgrade();
    search.connect_stop_search(move |_| {
        if let Some(dialog) = weak.upgrade() {
            dialog.close();
        }
    });
    close_by_escape(&dialog);
    let follow = RefCell::new(Some(follow));
    let service = window.service().clone();
    dialog.connect_close_request(move |_| {
        if let Some(follow) = follow.take() {
            service.disconnect(follow);
        }
        glib::Propagation::Proceed
    });
    dialog.present();
    search.grab_focus();
}

/// Lists the metrics that can be pinned. A row is its id and its name, for the search in both.
fn fill(model: &gtk::StringList, window: &Window) {
    let catalog = window.service().catalog();
    let pinned = &window.context().settings().pinned;
    let metrics = catalog.iter().filter(|(id, metadata)| {
        metadata.kind != "text" && !pinned.iter().any(|known| known == id)
    });
    let rows: Vec<String> = metrics
        .map(|(id, _)| format!("{id}\n{}", catalog.full_name(id)))
        .collect();
    let former = (0..model.n_items()).filter_map(|row| model.string(row));
    if !former.eq(rows.iter().map(String::as_str)) {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        model.splice(0, model.n_items(), &rows);
    }
}

/// Closes a dialog by the key Escape.
pub(super) fn close_by_escape(dialog: &adw::Window) {
    let shortcut = gtk::Shortcut::new(
        gtk::ShortcutTrigger::parse_string("Escape"),
        Some(gtk::NamedAction::new("window.close")),
    );
    let keys = gtk::ShortcutController::new();
    keys.add_shortcut(shortcut);
    dialog.add_controller(keys);
}

/// The id in a row.
fn id_of(row: &str) -> &str {
    row.split_once('\n').map_or(row, |(id, _)| id)
}

fn factory() -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else {
            return;
        };
        let name = gtk::Label::builder()
            .xalign(0.0)
            .ellipsize(gtk::pango::EllipsizeMode::Middle)
            .build();
        let id = gtk::Label::builder()
            .xalign(0.0)
            .ellipsize(gtk::pango::EllipsizeMode::Middle)
            .css_classes(["caption", "dim-label"])
            .build();
        let content = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .margin_top(6)
            .margin_bottom(6)
            .margin_start(12)
            .margin_end(12)
            .build();
        content.append(&name);
        content.append(&id);
        item.set_child(Some(&content));
    });
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else {
            return;
        };
        let row = item.item().and_downcast::<gtk::StringObject>();
        let row: glib::GString = row.map(|row| row.string()).unwrap_or_default();
        let labels = item.child().and_then(|content| {
            let name = content.first_child().and_downcast::<gtk::Label>()?;
            let id = content.last_child().and_downcast::<gtk::Label>()?;
            Some((name, id))
        });
        if let Some((name, id)) = labels {
            let (id_text, name_text) = row.split_once('\n').unwrap_or((&row, &row));
            name.set_text(name_text);
            if let Some(row) = item.child().and_then(|content| content.parent()) {
                accessible::set_label(&row, name_text);
                accessible::set_description(&row, id_text);
            }
            id.set_text(id_text);
        }
    });
    factory
}
