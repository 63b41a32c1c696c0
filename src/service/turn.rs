//! A part of an answer that ends the turn of its call when the answer is written.

use serde::{Serialize, Serializer};
use tokio::sync::OwnedMutexGuard;
use zbus::{Signature, Type};

/// A value, and the turn of the call that it answers. zbus drops it when it has written the answer.
pub(crate) struct Turn<T> {
    value: T,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl<T> Turn<T> {
    pub(crate) fn new(value: T, turn: Option<OwnedMutexGuard<()>>) -> Self {
        Self { value, _turn: turn }
    }
}

impl<T: Type> Type for Turn<T> {
    const SIGNATURE: &'static Signature = T::SIGNATURE;
}

impl<T: Serialize> Serialize for Turn<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
