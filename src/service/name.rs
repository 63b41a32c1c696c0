//! The well-known name: the lock that makes the service one, taken last and released first.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::{select, time::timeout};
use zbus::{
    Connection, MessageStream,
    fdo::{RequestNameFlags, RequestNameReply},
};

use crate::wire::NAME;

use super::admission::Admission;

/// Takes the name, unless somebody has it.
///
/// zbus's own way allows replacement by default and first subscribes to two signals: two round
/// trips that every cold call would wait for.
pub(crate) async fn request(bus: &Connection) -> zbus::Result<bool> {
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    let reply = call(bus, "RequestName", &(NAME, flags)).await?;
    let reply: RequestNameReply = reply.body().deserialize()?;
    Ok(matches!(
        reply,
        RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner
    ))
}

/// A wait in the bus's queue for the name. Where its owner gives it up, the bus starts nobody in between.
pub(crate) struct Queue<'a> {
    bus: &'a Connection,
    messages: MessageStream,
}

impl<'a> Queue<'a> {
    /// Begins to wait. None if the name was free by now, and taken.
    pub(crate) async fn join(bus: &'a Connection) -> zbus::Result<Option<Self>> {
        // Before the request: the name may come with its reply.
        let messages = MessageStream::from(bus);
        let reply = call(bus, "RequestName", &(NAME, RequestNameFlags::empty())).await?;
        let is_waiting = matches!(reply.body().deserialize()?, RequestNameReply::InQueue);
        Ok(is_waiting.then_some(Self { bus, messages }))
    }

    /// Waits for the name in this time. Returns whether it has come; if not, the wait is over all the same.
    pub(crate) async fn wait(mut self, time: Duration) -> zbus::Result<bool> {
        let acquired = async {
            while let Some(message) = self.messages.next().await {
                let message = message?;
                let (header, body) = (message.header(), message.body());
                let is_it = header
                    .member()
                    .is_some_and(|member| member.as_str() == "NameAcquired");
                // Anybody can send such a signal; the bus vouches for its own name.
                let is_of_bus = header
                    .sender()
                    .is_some_and(|sender| sender.as_str() == "org.freedesktop.DBus");
                if is_it && is_of_bus && body.deserialize::<&str>() == Ok(NAME) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match timeout(time, acquired).await {
            Ok(acquired) => acquired,
            Err(_) => release(self.bus).await.map(|()| false),
        }
    }
}

/// Gives the name up. From the reply on, the bus sends calls to a successor.
pub(crate) async fn release(bus: &Connection) -> zbus::Result<()> {
    call(bus, "ReleaseName", &NAME).await.map(drop)
}

/// The process that has the name, if somebody has it.
pub(crate) async fn owner_pid(bus: &Connection) -> Option<u32> {
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
        () = admission.all_answered() => {}
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
