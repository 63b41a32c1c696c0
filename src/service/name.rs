//! The well-known name: the lock that makes the service one, taken last and released first.

use tokio::select;
use zbus::{
    Connection,
    fdo::{RequestNameFlags, RequestNameReply},
};

use crate::wire::NAME;

use super::admission::Admission;

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
/// The bus delivers in order: when it has answered a call of ours, admission has counted all calls that
/// it sent before, and when it has answered one that was made behind our last answer, it has that answer.
pub(crate) async fn drain(bus: &Connection, admission: &Admission) -> zbus::Result<()> {
    call(bus, "GetId", &()).await?;
    // Without the bus no answer can be given any more, and none is counted.
    select! {
        () = admission.quiet() => {}
        () = bus.closed() => return Ok(()),
    }
    call(bus, "GetId", &()).await.map(drop)
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
