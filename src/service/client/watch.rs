//! Watching clients: what a client has here ends when it leaves the bus, however it leaves.

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

/// The clients that are watched, each once.
pub(crate) struct Watches {
    registry: Arc<Registry>,
}

struct Registry {
    by_client: Mutex<HashMap<Name, Weak<Watch>>>,
    on_leave: Box<dyn Fn(&str) + Send + Sync>,
}

/// A client that is watched, for as long as somebody holds this.
pub(crate) struct Watch {
    client: Name,
    registry: Arc<Registry>,
    /// The task that waits until the client leaves; none if the client was not there.
    task: OnceCell<Option<AbortHandle>>,
    has_left: AtomicBool,
}

impl Watches {
    /// No client is watched yet. `left` runs when one that is watched has left the bus.
    pub(crate) fn new(on_leave: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            registry: Arc::new(Registry {
                by_client: Mutex::default(),
                on_leave: Box::new(on_leave),
            }),
        }
    }

    /// Watches a client; callers at the same time and later ones share the watch. None if the client is not
    /// on the bus: it may have died while its call was waiting.
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

/// Begins to watch. None if the client is not there.
async fn begin(
    bus: &Connection,
    watch: Weak<Watch>,
    client: Name,
) -> zbus::Result<Option<AbortHandle>> {
    // Watch first and ask then: the other way round, what happens in between goes unseen.
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
    // A unique name is never owned a second time: its first change is its last.
    let task = tokio::spawn(async move {
        changes.next().await;
        if let Some(watch) = watch.upgrade() {
            // Before anything ends: what is added from here on is refused.
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
