//! Watching a client: its sessions end when it leaves the bus, however it leaves.

use std::sync::Arc;

use futures_util::StreamExt;
use tokio::task::AbortHandle;
use zbus::{Connection, MatchRule, MessageStream, message};

/// A task that runs a closure when a client has left the bus. Dropping it ends the watch.
pub(crate) struct Watch {
    task: AbortHandle,
}

impl Watch {
    /// Begins to watch, and says whether the client is there at all: it may have died while its
    /// call was waiting.
    pub(crate) async fn begin(
        bus: &Connection,
        client: Arc<str>,
        gone: impl FnOnce(&str) + Send + 'static,
    ) -> zbus::Result<Option<Self>> {
        // Watch first and ask then: the other way round, what happens in between goes unseen.
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender("org.freedesktop.DBus")
            .interface("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .arg(0, &*client)
            .build()?;
        let mut changes = MessageStream::for_match_rule(rule, bus, None).await?;
        let there: bool = bus
            .call_method(
                Some("org.freedesktop.DBus"),
                "/org/freedesktop/DBus",
                Some("org.freedesktop.DBus"),
                "NameHasOwner",
                &&*client,
            )
            .await?
            .body()
            .deserialize()?;
        if !there {
            return Ok(None);
        }
        // A unique name is never owned a second time: its first change is its last.
        let task = tokio::spawn(async move {
            changes.next().await;
            gone(&client);
        });
        Ok(Some(Self {
            task: task.abort_handle(),
        }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
