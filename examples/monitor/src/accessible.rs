//! Names and descriptions for assistive technologies, where a program knows them only as it runs. gtk4-rs has them from GTK 4.10
//! on; GTK itself has had them since 4.0.

use std::ffi::c_int;

use gtk::{AccessibleProperty, glib, glib::translate::*, prelude::*};

/// Sets the accessible name of a widget.
pub fn set_label(widget: &impl IsA<gtk::Widget>, label: &str) {
    set_property(widget.upcast_ref(), AccessibleProperty::Label, label);
}

/// Sets the accessible description of a widget.
pub fn set_description(widget: &impl IsA<gtk::Widget>, description: &str) {
    set_property(
        widget.upcast_ref(),
        AccessibleProperty::Description,
        description,
    );
}

#[allow(unsafe_code, reason = "gtk4-rs has no binding for GTK 4.8")]
fn set_property(widget: &gtk::Widget, property: AccessibleProperty, text: &str) {
    unsafe extern "C" {
        fn gtk_accessible_update_property_value(
            accessible: *mut gtk::ffi::GtkAccessible,
            count: c_int,
            properties: *mut gtk::ffi::GtkAccessibleProperty,
            values: *const glib::gobject_ffi::GValue,
        );
    }
    let mut property = property.into_glib();
    let value = text.to_value();
    // SAFETY: this is the signature since GTK 4.0, and every GtkWidget is a GtkAccessible. Both arrays have the one element that
    // the call is told of, and outlive it: GTK copies the text.
    unsafe {
        gtk_accessible_update_property_value(
            widget.as_ptr().cast(),
            1,
            &mut property,
            value.to_glib_none().0,
        );
    }
}
