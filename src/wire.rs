//! The types of the interfaces on the bus, as the service sends them: serialised from what it has, without copies. The
//! most frequent messages are written directly.
//!
//! Names and paths are those of [`sampled_client::wire`]. Only that file, this one and the XML files of `dbus/` have the
//! names and signatures.

#[cfg(feature = "service")]
mod direct;
#[cfg(feature = "service")]
mod message;
#[cfg(feature = "service")]
mod strings;
mod table;

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use zbus::{Signature, Type};

use crate::{
    metric::Metric,
    reading::{Fault, Value},
};

#[cfg(feature = "service")]
pub(crate) use direct::CatalogReply;
#[cfg(feature = "service")]
pub(crate) use message::{Messages, TooLong};
pub use sampled_client::wire::{ERROR_PREFIX, INTERFACE, NAME, PATH, PROCESSES_INTERFACE};
#[cfg(feature = "service")]
pub(crate) use strings::strings;
pub use table::{Column, Columns, Details, FaultyRows, RowFaults, Table};

/// The description of [`INTERFACE`], with comments on each member.
pub static DESCRIPTION: &str = include_str!("../dbus/io.github.sampled.Sampler1.xml");
/// The description of [`PROCESSES_INTERFACE`], with comments on each member.
pub static PROCESSES_DESCRIPTION: &str = include_str!("../dbus/io.github.sampled.Processes1.xml");

/// Readings by id, `a{sv}`: doubles and strings.
#[derive(Debug, Default)]
pub struct Readings(pub Vec<(Arc<str>, Value)>);

/// Faults by id, `a{ss}`.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<(Arc<str>, Fault)>);

/// Faults that have come, changed or gone, by id, `a{ss}`: an empty string for one that is over.
#[derive(Debug, Default)]
pub struct FaultChanges(pub Vec<(Arc<str>, Option<Fault>)>);

/// Texts by id, `a{ss}`.
#[derive(Debug, Default)]
pub struct Texts(pub Vec<(Arc<str>, Arc<str>)>);

/// Metric ids in the order of a frame's values, `as`.
#[derive(Debug)]
pub struct Ids(pub Vec<Arc<str>>);

/// Frames of the past, `a(tad)`: timestamps, and values in the order of the columns.
#[derive(Debug, Default)]
pub struct Frames(pub Vec<(u64, Vec<f64>)>);

/// Metadata by id, `a{sa{sv}}`: the metric and the name of its source.
#[derive(Debug)]
pub struct Catalog(pub Vec<(Arc<Metric>, Arc<str>)>);

impl Type for Readings {
    const SIGNATURE: &'static Signature =
        &Signature::static_dict(&Signature::Str, &Signature::Variant);
}

impl Serialize for Readings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (id, value) in &self.0 {
            map.serialize_entry(&**id, &VariantValue(value))?;
        }
        map.end()
    }
}

/// A value, `v`.
struct VariantValue<'a>(&'a Value);

impl Serialize for VariantValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => Typed("d", number).serialize(serializer),
            Value::Text(text) => Typed("s", &**text).serialize(serializer),
        }
    }
}

/// A variant: the signature of a value, and the value. zbus's `Variant` has the same form on the bus, but allocates a
/// string with the signature for every value.
struct Typed<T>(&'static str, T);

impl<T: Serialize> Serialize for Typed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut variant = serializer.serialize_struct("Variant", 2)?;
        variant.serialize_field("signature", self.0)?;
        variant.serialize_field("value", &self.1)?;
        variant.end()
    }
}

impl Type for Faults {
    const SIGNATURE: &'static Signature = &Signature::static_dict(&Signature::Str, &Signature::Str);
}

impl Serialize for Faults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, fault)| (&**id, fault.code())))
    }
}

impl Type for FaultChanges {
    const SIGNATURE: &'static Signature = Faults::SIGNATURE;
}

impl Serialize for FaultChanges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let faults = self.0.iter();
        serializer.collect_map(faults.map(|(id, fault)| (&**id, fault.map_or("", Fault::code))))
    }
}

impl Type for Texts {
    const SIGNATURE: &'static Signature = &Signature::static_dict(&Signature::Str, &Signature::Str);
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, text)| (&**id, &**text)))
    }
}

impl Type for Ids {
    const SIGNATURE: &'static Signature = &Signature::static_array(&Signature::Str);
}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Strings(&self.0).serialize(serializer)
    }
}

/// Texts, `as`.
struct Strings<'a>(&'a [Arc<str>]);

impl Serialize for Strings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|text| &**text))
    }
}

impl Type for Frames {
    const SIGNATURE: &'static Signature = Vec::<(u64, Vec<f64>)>::SIGNATURE;
}

impl Serialize for Frames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

const METADATA: &Signature = &Signature::static_dict(&Signature::Str, &Signature::Variant);

impl Type for Catalog {
    const SIGNATURE: &'static Signature = &Signature::static_dict(&Signature::Str, METADATA);
}

impl Serialize for Catalog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (metric, source) in &self.0 {
            map.serialize_entry(&*metric.id, &Metadata { metric, source })?;
        }
        map.end()
    }
}

/// The metadata of one metric. An unknown number is left out.
struct Metadata<'a> {
    metric: &'a Metric,
    source: &'a str,
}

impl Metadata<'_> {
    fn texts(&self) -> [(&'static str, &str); 9] {
        let metric = self.metric;
        [
            ("name", &*metric.name),
            ("short", metric.short()),
            ("description", &*metric.description),
            ("formula", &*metric.formula_text),
            ("object", &*metric.object.title),
            ("group", metric.object.group.as_str()),
            ("unit", &*metric.unit),
            ("kind", metric.kind.as_str()),
            ("source", self.source),
        ]
    }

    fn precision(&self) -> Option<u32> {
        self.metric.precision.map(u32::from)
    }

    /// The keys that are true. The others are absent.
    fn flags(&self) -> impl Iterator<Item = &'static str> {
        let metric = self.metric;
        let flags = [
            ("lower_limits", metric.limits.are_lower),
            ("virtual", metric.object.is_virtual),
        ];
        flags
            .into_iter()
            .filter_map(|(key, is_set)| is_set.then_some(key))
    }

    fn numbers(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let metric = self.metric;
        let numbers = [
            ("minimum", metric.minimum),
            ("maximum", metric.maximum),
            ("warning", metric.limits.warning),
            ("critical", metric.limits.critical),
        ];
        let known = |(key, number): (_, Option<_>)| Some((key, number?));
        numbers.into_iter().filter_map(known)
    }
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in self.texts() {
            map.serialize_entry(key, &Typed("s", text))?;
        }
        if let Some(precision) = self.precision() {
            map.serialize_entry("precision", &Typed("u", precision))?;
        }
        for (key, number) in self.numbers() {
            map.serialize_entry(key, &Typed("d", number))?;
        }
        for key in self.flags() {
            map.serialize_entry(key, &Typed("b", true))?;
        }
        map.end()
    }
}
