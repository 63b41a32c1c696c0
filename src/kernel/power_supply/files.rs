//! The attribute files of a power supply, and the records that they are read into.

use std::sync::Arc;

use nix::libc;

use crate::{
    reading::Fault,
    source::{
        Error,
        device::{Attribute, Device},
        parse,
    },
};

/// The attribute files of a supply, in the order of a record's fields.
pub(super) struct SupplyFiles {
    names: &'static [&'static str],
    /// `None` for an attribute that the supply lacks. Empty before [`find`](Self::find).
    files: Vec<Option<Attribute>>,
}

impl SupplyFiles {
    /// The files of these names.
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            files: Vec::new(),
        }
    }

    /// Finds out which of the files exist. A driver may add attributes later.
    pub(super) fn find(&mut self, device: &Device) {
        self.files.resize_with(self.names.len(), || None);
        for (name, file) in self.names.iter().zip(&mut self.files) {
            match device.path(name).exists() {
                true if file.is_none() => *file = Some(device.attribute(name)),
                true => {}
                false => *file = None,
            }
        }
    }

    /// Whether the files have been looked for.
    pub(super) fn is_found(&self) -> bool {
        !self.files.is_empty()
    }

    /// Whether the supply has the attribute.
    pub(super) fn has(&self, name: &str) -> bool {
        let mut files = self.names.iter().zip(&self.files);
        files.any(|(known, file)| *known == name && file.is_some())
    }

    /// The files, one for each field of the record.
    pub(super) fn iter(&mut self) -> impl Iterator<Item = Option<&mut Attribute>> {
        self.files.iter_mut().map(Option::as_mut)
    }
}

/// The value of an attribute; [`Fault::Gone`] if the supply lacks it.
pub(super) type Value<T> = Result<T, Fault>;

/// A value that is read from an attribute file.
pub(super) trait FromText: Sized {
    /// Parses the text of the file.
    fn from_text(text: &[u8]) -> Value<Self>;
}

impl FromText for f64 {
    fn from_text(text: &[u8]) -> Value<Self> {
        let number = parse::signed(text.trim_ascii()).ok_or(Fault::Malformed)?;
        Ok(number as f64)
    }
}

impl FromText for Arc<str> {
    fn from_text(text: &[u8]) -> Value<Self> {
        Ok(parse::text(text))
    }
}

/// Reads one field of a record.
pub(super) fn value<T: FromText>(file: Option<&mut Attribute>) -> Value<T> {
    let file = file.ok_or(Fault::Gone)?;
    let text = file.read().map_err(|error| attribute_fault(&error))?;
    T::from_text(text)
}

/// The fault of an attribute. ENODEV of a supply that is present, as ACPI answers, means that it does not know
/// the value now.
fn attribute_fault(error: &Error) -> Fault {
    match error {
        Error::Io { cause, .. } if cause.raw_os_error() == Some(libc::ENODEV) => Fault::Stale,
        error => error.fault(),
    }
}

/// Defines a record of the attributes of a supply. Its fields are called as the kernel calls the files.
macro_rules! supply_record {
    (
        $(#[$about:meta])*
        $record:ident { $($(#[$format:meta])* $file:ident: $type:ty,)* }
    ) => {
        $(#[$about])*
        pub(super) struct $record {
            $($(#[$format])* pub(super) $file: $crate::kernel::power_supply::files::Value<$type>,)*
        }

        impl $record {
            /// The names of the files, in the order of the fields.
            pub(super) const FILES: &'static [&'static str] = &[$(stringify!($file)),*];

            /// Reads the attributes.
            pub(super) fn read(
                files: &mut $crate::kernel::power_supply::files::SupplyFiles,
            ) -> Self {
                let mut files = files.iter();
                Self {
                    $($file: $crate::kernel::power_supply::files::value(
                        files.next().flatten(),
                    ),)*
                }
            }
        }
    };
}
pub(super) use supply_record;
