//! A value of a reply that holds a lock until the reply is written.

use serde::{Serialize, Serializer};
use tokio::sync::OwnedMutexGuard;
use zbus::{Signature, Type};

/// A value and the guard of a lock. zbus drops both when it has written the reply.
pub(crate) struct Guarded<T> {
    value: T,
    _guard: Option<OwnedMutexGuard<()>>,
}

impl<T> Guarded<T> {
    pub(crate) fn new(value: T, guard: Option<OwnedMutexGuard<()>>) -> Self {
        Self {
            value,
            _guard: guard,
        }
    }
}

impl<T: Type> Type for Guarded<T> {
    const SIGNATURE: &'static Signature = T::SIGNATURE;
}

impl<T: Serialize> Serialize for Guarded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
