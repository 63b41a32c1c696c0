//! Unicasts `CatalogChanged` for custom metrics to the clients that may know of them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinSet;
use tracing::debug;
use zbus::Connection;

use super::signal::emit;
use crate::{
    service::{
        caller::{Caller, Callers, Grant, GrantsByApp, Identity},
        client::unread::{self, Subscribers},
    },
    store::Changes,
};

/// The limit on changes that wait for the bus to answer.
const MAX_PENDING: usize = 64;

/// The tasks that emit the signals. No call waits for them; dropping this aborts them.
#[derive(Default)]
pub(crate) struct Announcer {
    tasks: Mutex<JoinSet<()>>,
    /// Locked by the task that emits: the signals keep the order of the changes.
    order: Arc<tokio::sync::Mutex<()>>,
}

impl Announcer {
    /// Announces changes to the clients that subscribe to signals or have called `List` or `Start`, and that are
    /// granted `custom`.
    pub(super) fn announce(
        &self,
        bus: &Connection,
        callers: Arc<Callers>,
        granted: GrantsByApp,
        changes: Changes,
    ) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= MAX_PENDING {
            debug!("a signal is dropped: {MAX_PENDING} before it wait for the bus");
            return;
        }
        let (bus, order) = (bus.clone(), self.order.clone());
        tasks.spawn(async move {
            let _guard = order.lock().await;
            announce_to_each(&bus, &callers, &granted, &changes).await;
        });
    }
}

async fn announce_to_each(
    bus: &Connection,
    callers: &Callers,
    granted: &GrantsByApp,
    changes: &Changes,
) {
    let mut names: BTreeSet<Arc<str>> = callers.listeners().into_iter().collect();
    if let Subscribers::These(subscribers) = unread::subscribers(bus).await {
        // Listeners that have left the bus or do not subscribe are not among these.
        names = subscribers.into_iter().map(Arc::from).collect();
    }
    // Identified clients first: the bus may be slow to identify the others.
    let (known, others): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| callers.known(name).is_some());
    for name in known.into_iter().chain(others) {
        let who = callers.identify(bus, &name).await;
        let has_left = matches!(*who, Identity::Unknown(_)) && callers.known(&name).is_none();
        if has_left {
            callers.forget(&name);
        }
        if Caller::new(who, granted).may(Grant::Custom) {
            emit(bus, Some(&name), changes).await;
        }
    }
}
