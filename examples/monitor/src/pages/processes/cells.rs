//! The cells of the table. Only cells that are shown listen to their rows.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use gtk::{gdk, glib, prelude::*};

use super::{
    fields::Column,
    item::Item,
    table::{cell_label, item_of},
};
use crate::accessible;

/// Makes the cells of a column.
pub(super) fn factory(column: Column, place: usize) -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(move |_, cell| {
        let Some(cell) = cell.downcast_ref::<gtk::ListItem>() else {
            return;
        };
        let label = cell_label(column);
        let child: gtk::Widget = match place {
            0 => gtk::TreeExpander::builder().child(&label).build().upcast(),
            _ => label.upcast(),
        };
        child.add_controller(context_menu(cell));
        cell.set_child(Some(&child));
    });
    let handlers: Rc<RefCell<HashMap<gtk::ListItem, (Item, glib::SignalHandlerId)>>> =
        Rc::default();
    factory.connect_bind({
        let handlers = handlers.clone();
        move |_, cell| {
            let Some(cell) = cell.downcast_ref::<gtk::ListItem>() else {
                return;
            };
            let Some(item) = cell.item().as_ref().and_then(item_of) else {
                return;
            };
            if let Some(expander) = cell.child().and_downcast::<gtk::TreeExpander>() {
                expander.set_list_row(cell.item().and_downcast_ref::<gtk::TreeListRow>());
            }
            show(cell, column, place, &item);
            let weak = cell.downgrade();
            let handler = item.connect_revision_notify(move |item| {
                if let Some(cell) = weak.upgrade() {
                    show(&cell, column, place, item);
                }
            });
            handlers.borrow_mut().insert(cell.clone(), (item, handler));
        }
    });
    factory.connect_unbind(move |_, cell| {
        let cell = cell.downcast_ref::<gtk::ListItem>();
        let bound = cell.and_then(|cell| handlers.borrow_mut().remove(cell));
        if let Some((item, handler)) = bound {
            item.disconnect(handler);
        }
    });
    factory
}

/// The secondary button activates the action `row.menu` with the position of the row and the place of the pointer in the view.
fn context_menu(cell: &gtk::ListItem) -> gtk::GestureClick {
    let click = gtk::GestureClick::builder()
        .button(gdk::BUTTON_SECONDARY)
        .build();
    let cell = cell.downgrade();
    click.connect_pressed(move |click, _, x, y| {
        let Some((cell, child)) = cell.upgrade().zip(click.widget()) else {
            return;
        };
        let view = child.ancestor(gtk::ColumnView::static_type());
        let at = view.and_then(|view| child.translate_coordinates(&view, x, y));
        let (x, y) = at.unwrap_or_default();
        let target = (cell.position(), x, y).to_variant();
        if child.activate_action("row.menu", Some(&target)).is_ok() {
            click.set_state(gtk::EventSequenceState::Claimed);
        }
    });
    click
}

fn show(cell: &gtk::ListItem, column: Column, place: usize, item: &Item) {
    let Some(child) = cell.child() else { return };
    let label = match child.downcast_ref::<gtk::TreeExpander>() {
        Some(expander) => expander.child().and_downcast(),
        None => child.clone().downcast::<gtk::Label>().ok(),
    };
    let Some(label) = label else { return };
    let Some((text, is_fault)) =
        item.with_field(place, |field| (column.text(field), field.reading.is_err()))
    else {
        return;
    };
    // A label that is told its own text is laid out again.
    if label.text() != text {
        label.set_text(&text);
        if !column.is_number() {
            label.set_tooltip_text(Some(&text));
        }
    }
    if label.has_css_class("dim-label") != is_fault {
        match is_fault {
            true => label.add_css_class("dim-label"),
            false => label.remove_css_class("dim-label"),
        }
    }
    if place == 0
        && let Some(row) = child.parent().and_then(|cell| cell.parent())
    {
        let name = match item.pid() {
            0 => text,
            pid => format!("{text}, {pid}"),
        };
        accessible::set_label(&row, &name);
    }
}
