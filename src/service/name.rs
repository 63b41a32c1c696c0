//! The well-known name: the lock that allows one instance. It is requested last and released first.

use std::{io, num::NonZeroU32, time::Duration};

use futures_util::StreamExt;
use tokio::{select, time::timeout};
use zbus::{
    Connection, Message, MessageStream,
    fdo::{RequestNameFlags, RequestNameReply},
    message::Type,
};

use crate::wire::NAME;

use super::admission::{Admission, BUS};

/// The object of the bus.
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// The flags of the first request.
const FLAGS: RequestNameFlags = RequestNameFlags::DO_NOT_QUEUE;

/// Requests the name. Returns false if another connection owns it.
///
/// zbus's own method allows replacement by default and first subscribes to two signals: two round trips
/// that would delay every call that activates the service.
pub(crate) async fn request(bus: &Connection) -> zbus::Result<bool> {
    is_owner(&call(bus, "RequestName", &(NAME, FLAGS)).await?)
}

/// The message of [`request`], for the first write to the bus.
pub(crate) fn early_request() -> zbus::Result<Message> {
    let message = Message::method_call(BUS_PATH, "RequestName");
    let message = message.destination(BUS).interface(BUS);
    message.build(&(NAME, FLAGS))
}

/// The outcome of an [`early_request`] with this serial: that of [`request`]. `messages` are all from the first on.
pub(crate) async fn early_outcome(
    mut messages: MessageStream,
    serial: NonZeroU32,
) -> zbus::Result<bool> {
    while let Some(message) = messages.next().await {
        let message = message?;
        if message.header().reply_serial() == Some(serial) {
            return match message.message_type() {
                Type::Error => Err(message.into()),
                _ => is_owner(&message),
            };
        }
    }
    Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
}

fn is_owner(reply: &Message) -> zbus::Result<bool> {
    let reply: RequestNameReply = reply.body().deserialize()?;
    Ok(matches!(
        reply,
        RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner
    ))
}

/// A place in the bus's queue for the name. The name passes from its owner to the queue, so the bus activates no
/// other instance in between.
pub(crate) struct Queue<'a> {
    bus: &'a Connection,
    messages: MessageStream,
}

impl<'a> Queue<'a> {
    /// Joins the queue. Returns `None` if the name was free and is owned now.
    pub(crate) async fn join(bus: &'a Connection) -> zbus::Result<Option<Self>> {
        // Before the request: `NameAcquired` may follow its reply immediately.
        let messages = MessageStream::from(bus);
        let reply = call(bus, "RequestName", &(NAME, RequestNameFlags::empty())).await?;
        let is_waiting = matches!(reply.body().deserialize()?, RequestNameReply::InQueue);
        Ok(is_waiting.then_some(Self { bus, messages }))
    }

    /// Waits for the name. Returns whether it came within `limit`; if not, leaves the queue.
    pub(crate) async fn wait(mut self, limit: Duration) -> zbus::Result<bool> {
        let acquired = async {
            while let Some(message) = self.messages.next().await {
                let message = message?;
                let (header, body) = (message.header(), message.body());
                let is_name_acquired = header
                    .member()
                    .is_some_and(|member| member.as_str() == "NameAcquired");
                // Any client can send such a signal, but only the bus has its sender name.
                let is_of_bus = header.sender().is_some_and(|sender| sender.as_str() == BUS);
                if is_name_acquired && is_of_bus && body.deserialize::<&str>() == Ok(NAME) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match timeout(limit, acquired).await {
            Ok(acquired) => acquired,
            Err(_) => release(self.bus).await.map(|()| false),
        }
    }
}

/// Releases the name. After its reply the bus sends calls to a successor.
pub(crate) async fn release(bus: &Connection) -> zbus::Result<()> {
    call(bus, "ReleaseName", &NAME).await.map(drop)
}

/// Waits until every call that the bus has sent here is answered, and the bus has the replies.
///
/// The bus delivers in order. When it has answered a call of the service, admission has counted every call that
/// the bus sent before that. When it has answered a second call, sent after the last reply, it has that reply.
pub(crate) async fn drain(bus: &Connection, admission: &Admission) -> zbus::Result<()> {
    call(bus, "GetId", &()).await?;
    // Without the bus no reply can be sent, and `quiet` would never complete.
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
    bus.call_method(Some(BUS), BUS_PATH, Some(BUS), method, body)
        .await
}
