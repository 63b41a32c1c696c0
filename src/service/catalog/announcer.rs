//! Telling those who may know of it what the user has defined anew, one by one.

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

/// So many changes wait at most for a bus that does not answer.
const MAX_PENDING: usize = 64;

/// The tasks that tell, which nobody waits for. They end with this.
#[derive(Default)]
pub(crate) struct Announcer {
    tasks: Mutex<JoinSet<()>>,
    /// Held by the one whose turn it is: what changed first is told first.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Announcer {
    /// Tells of changes those who subscribe to signals, or have asked what there is, as far as they may know.
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
            debug!("a signal is left out: the bus has not taken those before");
            return;
        }
        let (bus, turn) = (bus.clone(), self.turn.clone());
        tasks.spawn(async move {
            let _turn = turn.lock().await;
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
        // Those who have left, and those who do not care, are not among them.
        names = subscribers.into_iter().map(Arc::from).collect();
    }
    // Who was never looked at may keep the others waiting.
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
