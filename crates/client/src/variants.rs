//! Values, faults and properties from the bus.

use std::{collections::HashMap, sync::Arc};

use zbus::{OwnedVariant, Variant};

use crate::reading::{Fault, Value};

/// A value from the bus, if its type is that of a reading.
pub(crate) fn value_of(value: OwnedVariant) -> Option<Value> {
    match &*value {
        Variant::F64(number) => Some(Value::Number(*number)),
        Variant::Str(text) => Some(Value::Text(Arc::from(text.as_str()))),
        _ => None,
    }
}

/// A fault by its code. An unknown code, of a later service, becomes `Stale`: it is not a value either.
pub(crate) fn fault_of(code: &str) -> Fault {
    Fault::from_code(code).unwrap_or(Fault::Stale)
}

/// A property, if it is there and has the type.
pub(crate) fn take<T: TryFrom<OwnedVariant>>(
    properties: &mut HashMap<String, OwnedVariant>,
    key: &str,
) -> Option<T> {
    properties.remove(key)?.try_into().ok()
}
