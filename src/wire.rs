//! The shapes of the interface on the bus, and how ours become them.
//!
//! Names and signatures live here and in `dbus/io.github.sampled.Sampler1.xml`, nowhere else.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use zbus::{Signature, Str, Type, Variant};

use crate::reading::{Fault, Metric, Value};

/// The well-known name of the service on the session bus.
pub const NAME: &str = "io.github.sampled.Sampler1";
/// The path of its one object.
pub const PATH: &str = "/io/github/sampled/Sampler1";
/// The object's interface.
pub const INTERFACE: &str = "io.github.sampled.Sampler1";
/// What the names of all its errors begin with.
pub const ERROR_PREFIX: &str = "io.github.sampled.Error.";

/// Readings by id, `a{sv}`: doubles and strings.
#[derive(Debug, Default)]
pub struct Readings(pub Vec<(Arc<str>, Value)>);

/// Faults by id, `a{ss}`.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<(Arc<str>, Fault)>);

/// Texts by id, `a{ss}`.
#[derive(Debug, Default)]
pub struct Texts(pub Vec<(Arc<str>, Arc<str>)>);

/// Metric ids in the order of a frame's values, `as`.
#[derive(Debug)]
pub struct Ids(pub Vec<Arc<str>>);

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
            map.serialize_entry(&**id, &Boxed(value))?;
        }
        map.end()
    }
}

/// A value, `v`, in the form in which zbus's own `Variant` serialises. That one writes its signature
/// into a new string for every value.
struct Boxed<'a>(&'a Value);

impl Serialize for Boxed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut variant = serializer.serialize_struct("Variant", 2)?;
        match self.0 {
            Value::Number(number) => {
                variant.serialize_field("signature", "d")?;
                variant.serialize_field("value", number)?;
            }
            Value::Text(text) => {
                variant.serialize_field("signature", "s")?;
                variant.serialize_field("value", &**text)?;
            }
        }
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
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        for id in &self.0 {
            sequence.serialize_element(&**id)?;
        }
        sequence.end()
    }
}

const FACTS: &Signature = &Signature::static_dict(&Signature::Str, &Signature::Variant);

impl Type for Catalog {
    const SIGNATURE: &'static Signature = &Signature::static_dict(&Signature::Str, FACTS);
}

impl Serialize for Catalog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (metric, source) in &self.0 {
            map.serialize_entry(&*metric.id, &Facts { metric, source })?;
        }
        map.end()
    }
}

/// The metadata of one metric. A bound that is not known is left out.
struct Facts<'a> {
    metric: &'a Metric,
    source: &'a str,
}

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let metric = self.metric;
        let texts = [
            ("name", &*metric.name),
            ("description", &*metric.description),
            ("unit", &*metric.unit),
            ("kind", metric.kind.word()),
            ("source", self.source),
        ];
        let bounds = [("minimum", metric.minimum), ("maximum", metric.maximum)];
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in texts {
            map.serialize_entry(key, &Variant::Str(Str::from(text)))?;
        }
        for (key, bound) in bounds {
            if let Some(bound) = bound {
                map.serialize_entry(key, &Variant::F64(bound))?;
            }
        }
        map.end()
    }
}
