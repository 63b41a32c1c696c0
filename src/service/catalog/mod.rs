//! The catalog of metrics: `List`, resolving selectors for a client, and `CatalogChanged`.

mod announcer;
mod resolver;
mod signal;

use std::sync::Arc;

use zbus::Connection;

use super::{
    access::Access,
    admission::Admission,
    caller::{Caller, Callers, Grant, Permit},
    error::Error,
    selectors,
    session::SharedSessions,
    settings::CurrentSettings,
};
use crate::{
    store::{Changes, Selection, Store, Visibility},
    wire,
};

use announcer::Announcer;
use resolver::Resolver;

/// The metrics of the store, as far as each client may know of them.
pub(crate) struct Catalog {
    store: Arc<Store>,
    callers: Arc<Callers>,
    access: Arc<Access>,
    settings: Arc<CurrentSettings>,
    sessions: Arc<SharedSessions>,
    resolver: Resolver,
    announcer: Announcer,
}

impl Catalog {
    pub(crate) fn new(
        store: Arc<Store>,
        callers: Arc<Callers>,
        access: Arc<Access>,
        settings: Arc<CurrentSettings>,
        sessions: Arc<SharedSessions>,
        admission: Arc<Admission>,
    ) -> Self {
        Self {
            resolver: Resolver::new(store.clone(), admission),
            store,
            callers,
            access,
            settings,
            sessions,
            announcer: Announcer::default(),
        }
    }

    /// Lists the metrics that selectors mean to a client, which becomes a listener for changes.
    pub(crate) async fn list(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
    ) -> Result<wire::Catalog, Error> {
        let selectors = &selectors::distinct(selectors, &self.settings.limits())?;
        self.look_for(bus, selectors).await;
        if let Some(client) = client {
            self.callers.add_listener(bus, client).await;
        }
        let (selection, _) = self.select(bus, client, selectors, false).await?;
        let columns = selection.columns.iter();
        let entries = columns.map(|column| (column.metric.clone(), column.source.clone()));
        Ok(wire::Catalog(entries.collect()))
    }

    /// Resolves selectors for a client. A selection that `lasts` is resolved again when the catalog changes, so a
    /// pattern may match custom metrics later.
    ///
    /// A client that selects only metrics of the kernel is not identified: that would cost calls to the bus.
    pub(crate) async fn select(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        lasts: bool,
    ) -> Result<(Arc<Selection>, Option<Permit>), Error> {
        let known = client.and_then(|client| self.access.known(client));
        let view = known.as_ref().map_or(Visibility::All, Caller::view);
        let found = self.find(bus, client, selectors, view).await;
        let may_matter = match &found {
            Ok(selection) => selection.has_custom() || lasts && !Selection::is_fixed(selectors),
            Err(_) => true,
        };
        if !may_matter || !self.store.has_custom() {
            return Ok((found?, None));
        }
        let caller = match (known, client) {
            (Some(known), _) => known,
            (None, Some(client)) => self.access.caller(bus, client).await,
            (None, None) => Caller::without_sender(),
        };
        if caller.may(Grant::Custom) {
            return Ok((found?, caller.permit([Grant::Custom])));
        }
        let found = match view {
            Visibility::BuiltIn => found,
            Visibility::All => self.find(bus, client, selectors, caller.view()).await,
        };
        Ok((found.map_err(|error| caller.add_grant_hint(error))?, None))
    }

    /// Resolves selectors. If one is unknown, discovers its sources once and tries again: its device or definition
    /// may be new.
    async fn find(
        &self,
        bus: &Connection,
        client: Option<&str>,
        selectors: &[&str],
        view: Visibility,
    ) -> Result<Arc<Selection>, Error> {
        match self.resolver.resolve(client, selectors, view).await {
            Ok(selection) => Ok(selection),
            Err(_) => {
                let changes = self.store.rediscover_all_for(selectors).await;
                self.announce(bus, changes).await;
                self.resolver.resolve(client, selectors, view).await
            }
        }
    }

    /// Lets sessions resolve their selectors again, and emits `CatalogChanged`.
    pub(crate) async fn announce(&self, bus: &Connection, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        let limits = self.settings.limits();
        self.sessions.lock().reselect(&self.store, limits);
        let (changes, defined) = changes.divided();
        if !changes.is_empty() {
            signal::emit(bus, None, &changes).await;
        }
        if !defined.is_empty() {
            // Not broadcast: sandboxed clients would receive it.
            let granted = self.settings.get().sandbox;
            self.announcer
                .announce(bus, self.callers.clone(), granted, defined);
        }
    }

    /// Discovers the sources of selectors again, and announces the changes.
    pub(crate) async fn look_for(&self, bus: &Connection, selectors: &[&str]) {
        let changes = self.store.rediscover_for(selectors).await;
        self.announce(bus, changes).await;
    }

    /// Makes a client a listener for changes of custom metrics.
    pub(crate) async fn add_listener(&self, bus: &Connection, client: &str) {
        self.callers.add_listener(bus, client).await;
    }
}
