//! A row of the table: a process, or a group of processes.

use std::{
    cell::{Cell, OnceCell, RefCell},
    sync::Arc,
};

use gtk::{
    gio,
    glib::{self, prelude::*, subclass::prelude::*},
};
use sampled_client::{Reading, Value};

/// The identity of a row, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A process: the kernel uses a pid again, but not with the same start.
    Process {
        /// Its pid.
        pid: u32,
        /// Its start, in microseconds since boot.
        start_time: u64,
    },
    /// The processes of an application; of those that belong to none, if the name is empty.
    Application(Arc<str>),
}

/// A cell of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// The value, or why there is none.
    pub(super) reading: Reading,
    /// Whether it is a sum without the parts that could not be read.
    pub(super) is_partial: bool,
}

impl From<Reading> for Field {
    fn from(reading: Reading) -> Self {
        Self {
            reading,
            is_partial: false,
        }
    }
}

mod imp {
    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::Item)]
    pub struct Item {
        /// Counts the changes of the fields. Cells that are shown listen to it.
        #[property(get)]
        pub(super) revision: Cell<u64>,
        pub(super) key: OnceCell<Key>,
        pub(super) fields: RefCell<Vec<Field>>,
        pub(super) parent: Cell<u32>,
        pub(super) children: OnceCell<gio::ListStore>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Item {
        const NAME: &'static str = "MonitorProcessItem";
        type Type = super::Item;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Item {}
}

glib::wrapper! {
    /// A row of the table. It stays the same object while its process lives.
    pub struct Item(ObjectSubclass<imp::Item>);
}

impl Item {
    pub(super) fn new(key: Key, parent: u32, fields: Vec<Field>) -> Self {
        let item: Self = glib::Object::new();
        // A new object has no key.
        item.imp().key.set(key).ok();
        item.imp().parent.set(parent);
        item.imp().fields.replace(fields);
        item
    }

    pub(super) fn key(&self) -> &Key {
        static NONE: Key = Key::Process {
            pid: 0,
            start_time: 0,
        };
        self.imp().key.get().unwrap_or(&NONE)
    }

    /// The pid; 0 for an application.
    pub(super) fn pid(&self) -> u32 {
        match self.key() {
            Key::Process { pid, .. } => *pid,
            Key::Application(_) => 0,
        }
    }

    /// The pid of the parent.
    pub(super) fn parent(&self) -> u32 {
        self.imp().parent.get()
    }

    pub(super) fn set_parent(&self, parent: u32) {
        self.imp().parent.set(parent);
    }

    /// The children, for a tree.
    pub(super) fn children(&self) -> &gio::ListStore {
        let children = || gio::ListStore::new::<Self>();
        self.imp().children.get_or_init(children)
    }

    /// Replaces the fields, and tells the cells that show them.
    pub(super) fn set_fields(&self, fields: Vec<Field>) {
        if *self.imp().fields.borrow() == fields {
            return;
        }
        self.imp().fields.replace(fields);
        let revision = self.revision().wrapping_add(1);
        self.imp().revision.set(revision);
        self.notify_revision();
    }

    /// Does something with one field, if there is such a column.
    pub(super) fn with_field<T>(&self, place: usize, read: impl FnOnce(&Field) -> T) -> Option<T> {
        self.imp().fields.borrow().get(place).map(read)
    }

    /// The text in a column; empty if there is none.
    pub(super) fn text(&self, place: usize) -> Arc<str> {
        let text = self.with_field(place, |field| match &field.reading {
            Ok(Value::Text(text)) => Some(text.clone()),
            _ => None,
        });
        text.flatten().unwrap_or_default()
    }
}

/// The row behind an item of a list or of a tree.
pub(super) fn item_of(object: &glib::Object) -> Option<Item> {
    match object.downcast_ref::<gtk::TreeListRow>() {
        Some(row) => row.item().and_downcast(),
        None => object.downcast_ref::<Item>().cloned(),
    }
}
