//! Watches unique names, so that the service drops all state of a client that leaves the bus for any reason.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::StreamExt;
use tokio::{sync::OnceCell, task::AbortHandle};
use zbus::{Connection, MatchRule, MessageStream, message};

use super::Name;

/// The watched clients. Each has one watch.
pub(crate) struct Watches {
    registry: Arc<Registry>,
}

struct Registry {
    by_client: Mutex<HashMap<Name, Weak<Watch>>>,
    on_leave: Box<dyn Fn(&str) + Send + Sync>,
}

/// A watched client. The watch ends when the last reference is dropped.
pub(crate) struct Watch {
    client: Name,
    registry: Arc<Registry>,
    /// The task that waits until the client leaves; `None` if the client was not on the bus.
    task: OnceCell<Option<AbortHandle>>,
    has_left: AtomicBool,
}

impl Watches {
    /// Creates a registry without watches. `on_leave` is called when a watched client has left the bus.
    pub(crate) fn new(on_leave: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            registry: Arc::new(Registry {
                by_client: Mutex::default(),
                on_leave: Box::new(on_leave),
            }),
        }
    }

    /// Watches a client; concurrent and later callers share the watch. Returns `None` if the client is not on the bus:
    /// it may have died while its call was waiting.
    pub(crate) async fn watch(
        &self,
        bus: &Connection,
        client: &Name,
    ) -> zbus::Result<Option<Arc<Watch>>> {
        let watch = self.registry.watch(client);
        let begin = || begin(bus, Arc::downgrade(&watch), client.clone());
        let is_there = watch.task.get_or_try_init(begin).await?.is_some();
        Ok((is_there && !watch.has_left()).then_some(watch))
    }
}

impl Watch {
    /// Whether the client has left since the watch began.
    pub(crate) fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Acquire)
    }
}

impl Registry {
    fn watch(self: &Arc<Self>, client: &Name) -> Arc<Watch> {
        let mut watches = self.lock();
        if let Some(watch) = watches.get(client).and_then(Weak::upgrade) {
            return watch;
        }
        let watch = Arc::new(Watch {
            client: client.clone(),
            registry: self.clone(),
            task: OnceCell::new(),
            has_left: AtomicBool::new(false),
        });
        watches.insert(client.clone(), Arc::downgrade(&watch));
        watch
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Weak<Watch>>> {
        self.by_client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins to watch; `None` if the client is not on the bus.
async fn begin(
    bus: &Connection,
    watch: Weak<Watch>,
    client: Name,
) -> zbus::Result<Option<AbortHandle>> {
    // The match rule comes before the query: otherwise a client that leaves in between would go unnoticed.
    let rule = MatchRule::builder()
        .msg_type(message::Type::Signal)
        .sender("org.freedesktop.DBus")
        .interface("org.freedesktop.DBus")
        .member("NameOwnerChanged")
        .arg(0, &*client)
        .build()?;
    let mut changes = MessageStream::for_match_rule(rule, bus, None).await?;
    let is_there: bool = bus
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
    if !is_there {
        return Ok(None);
    }
    // A unique name is never reused: its first change of owner is its last.
    let task = tokio::spawn(async move {
        changes.next().await;
        if let Some(watch) = watch.upgrade() {
            // Set before `on_leave` drops the client's state: whatever is added later is refused.
            watch.has_left.store(true, Ordering::Release);
            (watch.registry.on_leave)(&client);
        }
    });
    Ok(Some(task.abort_handle()))
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(Some(task)) = self.task.get() {
            task.abort();
        }
        let mut watches = self.registry.lock();
        // Another watch of this client may have begun meanwhile.
        let other = watches.get(&self.client).map(Weak::strong_count);
        if other == Some(0) {
            watches.remove(&self.client);
        }
    }
}
