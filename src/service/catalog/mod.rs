//! Which metrics there are, to whom, and telling those who care when that changes.

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

/// The metrics of the store, as clients may know of them.
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

    /// The metrics that selectors mean to a client, which is told of changes from now on.
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

    /// Finds out what selectors mean to a client. A selection that `lasts` may mean more later.
    ///
    /// Who asks for nothing but the kernel's metrics is not looked at.
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

    /// Resolves selectors. Where one is unknown, what it means may have come: that is looked for, once.
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

    /// Tells everybody which metrics have come and gone, and lets sessions have the new ones.
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
            // A broadcast would reach sandboxes.
            let granted = self.settings.get().sandbox;
            self.announcer
                .announce(bus, self.callers.clone(), granted, defined);
        }
    }

    /// Looks for what is selected and may have come.
    pub(crate) async fn look_for(&self, bus: &Connection, selectors: &[&str]) {
        let changes = self.store.rediscover_for(selectors).await;
        self.announce(bus, changes).await;
    }

    /// Notes that a client asks what there is, and is to be told of what there is later.
    pub(crate) async fn add_listener(&self, bus: &Connection, client: &str) {
        self.callers.add_listener(bus, client).await;
    }
}
