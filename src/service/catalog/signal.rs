//! The signal `CatalogChanged`.

use tracing::debug;
use zbus::Connection;

use crate::{
    store::Changes,
    wire::{INTERFACE, Ids, PATH},
};

/// Emits the signal to a client, or broadcasts it.
pub(crate) async fn emit(bus: &Connection, client: Option<&str>, changes: &Changes) {
    let member = "CatalogChanged";
    let body = (Ids(changes.appeared.clone()), Ids(changes.vanished.clone()));
    let sent = bus
        .emit_signal(client, PATH, INTERFACE, member, &body)
        .await;
    if let Err(error) = sent {
        debug!("a signal is lost: {error}");
    }
}
