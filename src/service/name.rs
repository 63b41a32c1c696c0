//! The well-known name: the lock that makes the service one, taken last and released first.

use zbus::{
    Connection,
    fdo::{RequestNameFlags, RequestNameReply},
};

use crate::wire::{NAME, PATH};

use super::activity::Activity;

/// Takes the name, unless somebody has it.
///
/// zbus's own way allows replacement by default and first subscribes to two signals: two round
/// trips that every cold call would wait for.
pub(crate) async fn claim(bus: &Connection) -> zbus::Result<bool> {
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    let reply = call(bus, "RequestName", &(NAME, flags)).await?;
    let reply: RequestNameReply = reply.body().deserialize()?;
    Ok(matches!(
        reply,
        RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner
    ))
}

/// Gives the name up. From the reply on, the bus sends calls to a successor.
pub(crate) async fn release(bus: &Connection) -> zbus::Result<()> {
    call(bus, "ReleaseName", &NAME).await.map(drop)
}

/// The process that has the name, if somebody has it.
pub(crate) async fn owner(bus: &Connection) -> Option<u32> {
    let reply = call(bus, "GetConnectionUnixProcessID", &NAME).await.ok()?;
    reply.body().deserialize().ok()
}

/// Waits until every call that the bus has sent here is answered, and the bus has the answers.
///
/// A message to oneself travels behind everything that was sent before it, in both directions:
/// when it is back, each earlier call has been begun, and each answer given before it was
/// delivered. A call that takes its time is waited for, and then its answer flushed the same way.
pub(crate) async fn drain(bus: &Connection, activity: &Activity) -> zbus::Result<()> {
    let myself = bus.unique_name().map(|name| name.as_str());
    let peer = Some("org.freedesktop.DBus.Peer");
    bus.call_method(myself, PATH, peer, "Ping", &()).await?;
    activity.quiet().await;
    bus.call_method(myself, PATH, peer, "Ping", &())
        .await
        .map(drop)
}

async fn call<B>(bus: &Connection, method: &str, body: &B) -> zbus::Result<zbus::Message>
where
    B: serde::Serialize + zbus::DynamicType,
{
    let name = "org.freedesktop.DBus";
    bus.call_method(
        Some(name),
        "/org/freedesktop/DBus",
        Some(name),
        method,
        body,
    )
    .await
}
