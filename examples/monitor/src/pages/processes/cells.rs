//! The cells of the table. Only cells that are in the view listen to their rows.
//!
//! A view of GTK 4.8 has up to 200 rows, and binds all of them again when one moves. So a cell that is bound to the row of before
//! does nothing, and a cell whose field is the same neither.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use gtk::{gdk, glib, prelude::*};

use super::{
    fields::Column,
    item::{Field, Item, item_of},
};
use crate::accessible;

/// Makes the cells of a column.
pub(super) fn factory(column: Column, place: usize) -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(move |_, cell| {
        let Some(cell) = cell.downcast_ref::<gtk::ListItem>() else {
            return;
        };
        let label = inscription(column);
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
            let former = handlers.borrow_mut().remove(cell);
            if let Some(former) = former {
                if former.0 == item {
                    handlers.borrow_mut().insert(cell.clone(), former);
                    return;
                }
                former.0.disconnect(former.1);
            }
            let shown = RefCell::default();
            show(cell, column, place, &item, &shown);
            let weak = cell.downgrade();
            let handler = item.connect_revision_notify(move |item| {
                if let Some(cell) = weak.upgrade() {
                    show(&cell, column, place, item, &shown);
                }
            });
            handlers.borrow_mut().insert(cell.clone(), (item, handler));
        }
    });
    // A cell that is unbound is bound again at once, mostly to the same row, or torn down.
    factory.connect_teardown(move |_, cell| {
        let cell = cell.downcast_ref::<gtk::ListItem>();
        let bound = cell.and_then(|cell| handlers.borrow_mut().remove(cell));
        if let Some((item, handler)) = bound {
            item.disconnect(handler);
        }
    });
    factory
}

/// The text of a cell. Its size does not depend on its text, so that a new text does not lay out the table again.
fn inscription(column: Column) -> gtk::Inscription {
    let (least, natural) = column.width();
    let inscription = gtk::Inscription::builder()
        .text_overflow(gtk::InscriptionOverflow::EllipsizeEnd)
        .min_chars(least)
        .nat_chars(natural)
        .hexpand(true)
        .build();
    // Unlike a label, it does not mirror this itself.
    let is_mirrored = inscription.direction() == gtk::TextDirection::Rtl;
    let is_at_right = column.is_number() != is_mirrored;
    inscription.set_xalign(if is_at_right { 1.0 } else { 0.0 });
    if column.is_number() {
        inscription.add_css_class("numeric");
    } else {
        // A tooltip that is set asks the display for the pointer at once.
        inscription.set_has_tooltip(true);
        inscription.connect_query_tooltip(|inscription, _, _, _, tooltip| {
            tooltip.set_text(inscription.text().as_deref());
            true
        });
    }
    inscription
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

/// Shows a field, unless it is the one that is shown.
fn show(
    cell: &gtk::ListItem,
    column: Column,
    place: usize,
    item: &Item,
    shown: &RefCell<Option<Field>>,
) {
    let Some(field) = item.with_field(place, Field::clone) else {
        return;
    };
    if shown.borrow().as_ref() == Some(&field) {
        return;
    }
    let Some(child) = cell.child() else { return };
    let inscription = match child.downcast_ref::<gtk::TreeExpander>() {
        Some(expander) => expander.child().and_downcast(),
        None => child.clone().downcast::<gtk::Inscription>().ok(),
    };
    let Some(inscription) = inscription else {
        return;
    };
    let text = column.text(&field);
    inscription.set_text(Some(&text));
    match field.reading.is_err() {
        true => inscription.add_css_class("dim-label"),
        false => inscription.remove_css_class("dim-label"),
    }
    shown.replace(Some(field));
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
