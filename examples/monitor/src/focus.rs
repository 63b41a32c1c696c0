//! The focus of the keyboard.

use std::iter;

use gtk::{glib, prelude::*};

/// Lets Tab and Shift+Tab leave a list, as in other programs: in GTK 4.8, they go through all of its rows.
pub(crate) fn leave_by_tab(list: &impl IsA<gtk::Widget>) {
    let shortcuts = gtk::ShortcutController::new();
    let keys = [
        ("Tab|KP_Tab", gtk::DirectionType::TabForward),
        (
            "<Shift>Tab|<Shift>KP_Tab|ISO_Left_Tab|<Shift>ISO_Left_Tab",
            gtk::DirectionType::TabBackward,
        ),
    ];
    for (keys, direction) in keys {
        let leave =
            gtk::CallbackAction::new(move |list, _| match move_from(list.clone(), direction) {
                true => glib::Propagation::Stop,
                false => glib::Propagation::Proceed,
            });
        let trigger = gtk::ShortcutTrigger::parse_string(keys);
        shortcuts.add_shortcut(gtk::Shortcut::new(trigger, Some(leave)));
    }
    list.add_controller(shortcuts);
}

/// Whether the focus of its window is in a widget. The focus child does not tell: it is none while a dialog is open, and may be of before.
pub(crate) fn is_within(widget: &impl IsA<gtk::Widget>) -> bool {
    let focus = widget.root().and_then(|root| root.focus());
    focus.is_some_and(|focus| focus == *widget.upcast_ref() || focus.is_ancestor(widget))
}

/// Moves the focus to the next widget outside this one, or from the last to the first; false if there is none.
fn move_from(widget: gtk::Widget, direction: gtk::DirectionType) -> bool {
    let is_forward = direction == gtk::DirectionType::TabForward;
    // What a stack or a popover hides is visible, but not mapped.
    let takes = |other: gtk::Widget| other.is_mapped() && other.child_focus(direction);
    let inside: Vec<_> = iter::successors(Some(widget), gtk::Widget::parent).collect();
    let mut next = inside.iter().flat_map(|each| siblings(each, is_forward));
    if next.any(takes) {
        return true;
    }
    inside.iter().rev().any(|each| {
        let others: Vec<_> = siblings(each, !is_forward).collect();
        others.into_iter().rev().any(takes)
    })
}

/// The widgets after or before this one in their parent, the nearest first.
fn siblings(widget: &gtk::Widget, after: bool) -> impl Iterator<Item = gtk::Widget> + use<> {
    let next = move |widget: &gtk::Widget| match after {
        true => widget.next_sibling(),
        false => widget.prev_sibling(),
    };
    iter::successors(next(widget), next)
}
