//! The actions on a row: its details, and its end.

use std::rc::Rc;

use adw::prelude::*;
use gtk::{gdk, gio, glib};
use sampled_client::Processes;

use super::{
    Inner,
    end::{self, Signal},
    item::{Item, Key},
};
use crate::{excerpt::excerpt, i18n::gettext};

/// Connects the widgets of a page with what they do.
pub(super) fn connect(inner: &Rc<Inner>) {
    let view = &inner.view;
    let group = gio::SimpleActionGroup::new();
    let selected = [
        action(inner, "details", |inner| inner.open_selected()),
        action(inner, "end", |inner| inner.ask_selected(Signal::Terminate)),
        action(inner, "kill", |inner| inner.ask_selected(Signal::Kill)),
    ];
    for action in &selected {
        action.set_enabled(false);
        group.add_action(action);
    }
    view.table.selection().connect_changed({
        let table = view.table.clone();
        move || {
            let has_row = table.selection().item().is_some();
            selected
                .iter()
                .for_each(|action| action.set_enabled(has_row));
        }
    });
    group.add_action(&context_menu(inner));
    let weak = Rc::downgrade(inner);
    view.menu.connect_closed(move |_| {
        if let Some(inner) = weak.upgrade() {
            inner.view.restore_focus();
        }
    });
    view.root.insert_action_group("row", Some(&group));

    let weak = Rc::downgrade(inner);
    let (columns, menu) = view.table.column_choice(move || {
        if let Some(inner) = weak.upgrade() {
            inner.update_fields();
        }
    });
    view.root.insert_action_group("columns", Some(&columns));
    let (order, order_menu) = view.table.order_choice();
    view.root.insert_action_group("order", Some(&order));
    let choices = gio::Menu::new();
    choices.append_submenu(Some(&gettext("Order By")), &order_menu);
    choices.append_section(Some(&gettext("Columns")), &menu);
    view.columns.set_menu_model(Some(&choices));
    if let Some(popover) = view.columns.popover() {
        // GTK 4.8 loses the focus in the inner menu.
        let columns = view.columns.downgrade();
        popover.connect_closed(move |_| {
            columns
                .upgrade()
                .inspect(|columns| _ = columns.grab_focus());
        });
    }

    let table = view.table.clone();
    view.tree
        .connect_toggled(move |tree| table.set_tree(tree.is_active()));
    let weak = Rc::downgrade(inner);
    view.table.view.connect_activate(move |_, position| {
        let item = weak.upgrade().and_then(|inner| {
            inner
                .view
                .table
                .selection()
                .item_at(position)
                .zip(Some(inner))
        });
        if let Some((item, inner)) = item {
            inner.open(&item);
        }
    });
    let weak = Rc::downgrade(inner);
    view.details.back.connect_clicked(move |_| {
        if let Some(inner) = weak.upgrade() {
            inner.view.show_table();
        }
    });
    let weak = Rc::downgrade(inner);
    view.details.end.connect_clicked(move |_| {
        let shown = weak
            .upgrade()
            .and_then(|inner| inner.view.details.shown().zip(Some(inner)));
        if let Some(((key, name), inner)) = shown {
            inner.ask(key, name, Signal::Terminate);
        }
    });
    keys(inner);
}

fn action(
    inner: &Rc<Inner>,
    name: &str,
    activate: impl Fn(&Rc<Inner>) + 'static,
) -> gio::SimpleAction {
    let action = gio::SimpleAction::new(name, None);
    let weak = Rc::downgrade(inner);
    action.connect_activate(move |_, _| {
        if let Some(inner) = weak.upgrade() {
            activate(&inner);
        }
    });
    action
}

/// The menu of the row at a position of the view, at a place in the view.
fn context_menu(inner: &Rc<Inner>) -> gio::SimpleAction {
    let action = gio::SimpleAction::new("menu", Some(&<(u32, f64, f64)>::static_variant_type()));
    let weak = Rc::downgrade(inner);
    action.connect_activate(move |_, target| {
        let target = target.and_then(|target| target.get::<(u32, f64, f64)>());
        let Some((inner, (position, x, y))) = weak.upgrade().zip(target) else {
            return;
        };
        let view = &inner.view;
        view.table.selection().select(position);
        let at = view
            .menu
            .parent()
            .and_then(|parent| view.table.view.translate_coordinates(&parent, x, y));
        let (x, y) = at.unwrap_or((x, y));
        view.menu
            .set_pointing_to(Some(&gdk::Rectangle::new(x as i32, y as i32, 1, 1)));
        view.open_menu();
    });
    action
}

/// Delete ends the selected row, the menu key opens its menu, and Escape leaves the search and the details.
fn keys(inner: &Rc<Inner>) {
    let shortcuts = gtk::ShortcutController::new();
    let delete = gtk::ShortcutTrigger::parse_string("Delete|KP_Delete");
    shortcuts.add_shortcut(gtk::Shortcut::new(
        delete,
        Some(gtk::NamedAction::new("row.end")),
    ));
    let weak = Rc::downgrade(inner);
    let open_menu = gtk::CallbackAction::new(move |_, _| {
        let inner = weak
            .upgrade()
            .filter(|inner| inner.view.table.selection().item().is_some());
        let Some(inner) = inner else {
            return glib::Propagation::Proceed;
        };
        let focus = inner.view.root.root().and_then(|root| root.focus());
        let parent = inner.view.menu.parent();
        let at = focus
            .zip(parent)
            .and_then(|(focus, parent)| focus.compute_bounds(&parent));
        if let Some(at) = at {
            let (x, y) = (at.x() as i32, (at.y() + at.height()) as i32);
            inner
                .view
                .menu
                .set_pointing_to(Some(&gdk::Rectangle::new(x, y, 1, 1)));
        }
        inner.view.open_menu();
        glib::Propagation::Stop
    });
    let menu = gtk::ShortcutTrigger::parse_string("Menu|<Shift>F10");
    shortcuts.add_shortcut(gtk::Shortcut::new(menu, Some(open_menu)));
    let weak = Rc::downgrade(inner);
    let end_search = gtk::CallbackAction::new(move |_, _| {
        let has_ended = weak.upgrade().is_some_and(|inner| inner.view.end_search());
        match has_ended {
            true => glib::Propagation::Stop,
            false => glib::Propagation::Proceed,
        }
    });
    let escape = gtk::ShortcutTrigger::parse_string("Escape");
    shortcuts.add_shortcut(gtk::Shortcut::new(escape, Some(end_search)));
    inner.view.table.view.add_controller(shortcuts);

    let shortcuts = gtk::ShortcutController::new();
    let weak = Rc::downgrade(inner);
    let back = gtk::CallbackAction::new(move |_, _| {
        if let Some(inner) = weak.upgrade() {
            inner.view.show_table();
        }
        glib::Propagation::Stop
    });
    let leave = gtk::ShortcutTrigger::parse_string("Escape|<Alt>Left");
    shortcuts.add_shortcut(gtk::Shortcut::new(leave, Some(back)));
    inner.view.details.root.add_controller(shortcuts);
}

impl Inner {
    fn open_selected(self: &Rc<Self>) {
        if let Some(item) = self.view.table.selection().item() {
            self.open(&item);
        }
    }

    /// Opens the page of a row. Its graphs begin now, if they have not begun before.
    fn open(self: &Rc<Self>, item: &Item) {
        let recorded = {
            let rows = self.view.table.rows().borrow();
            let is_alive = |key: &Key| rows.item(key).is_some();
            self.recordings.borrow_mut().open(item.key(), is_alive)
        };
        self.view.details.show(item, recorded);
        self.view.show_details();
        self.update_fields();
    }

    fn ask_selected(self: &Rc<Self>, signal: Signal) {
        if let Some(item) = self.view.table.selection().item() {
            self.ask(item.key().clone(), item.text(0).to_string(), signal);
        }
    }

    fn ask(self: &Rc<Self>, key: Key, name: String, signal: Signal) {
        let window = self.view.root.root().and_downcast::<gtk::Window>();
        let weak = Rc::downgrade(self);
        end::ask(
            window.as_ref(),
            &key.clone(),
            &name.clone(),
            signal,
            move || {
                let Some(inner) = weak.upgrade() else { return };
                let Some(client) = inner.context.service().client() else {
                    return;
                };
                let (key, name) = (key.clone(), name.clone());
                glib::spawn_future_local(async move {
                    let result = match Processes::on(client.bus().clone()).await {
                        Ok(processes) => end::end(&processes, &key, &name, signal).await,
                        Err(error) => Err(excerpt(&error.to_string())),
                    };
                    if let Err(text) = result {
                        let toast = adw::Toast::builder()
                            .title(glib::markup_escape_text(&text))
                            .build();
                        inner.view.toasts.add_toast(toast);
                    }
                });
            },
        );
    }
}
