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
///
/// Where there is no bus, this process asks for itself: it may know of all metrics, and nobody else is told of changes.
pub(crate) struct Catalog {
    store: Arc<Store>,
    callers: Arc<Callers>,
    access: Arc<Access>,
    settings: Arc<CurrentSettings>,
    sessions: Arc<SharedSessions>,
    resolver: Resolver,
    announcer: Announcer,
    /// Locked by the call whose reply is written in steps.
    long_replies: tokio::sync::Mutex<()>,
}

/// The selectors of a call.
#[derive(Clone, Copy)]
pub(crate) struct SelectionRequest<'a> {
    pub(crate) selectors: &'a [&'a str],
    /// Whether the selection is resolved again when the catalog changes: it may match custom metrics later.
    pub(crate) lasts: bool,
    /// Whether a selector may match nothing.
    pub(crate) is_optional: bool,
}

impl SelectionRequest<'_> {
    /// Whether the selection may match other metrics later.
    fn may_match_more(&self, selection: &Selection) -> bool {
        let is_fixed = || Selection::is_fixed(self.selectors) && selection.missing().is_empty();
        self.lasts && !is_fixed()
    }
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
            long_replies: tokio::sync::Mutex::default(),
        }
    }

    /// Lists the metrics that selectors mean to a client, which becomes a listener for changes.
    pub(crate) async fn list(
        &self,
        bus: Option<&Connection>,
        client: Option<&str>,
        selectors: &[&str],
    ) -> Result<wire::Catalog, Error> {
        let selection = self.list_columns(bus, client, selectors).await?;
        let columns = selection.columns.iter();
        let entries = columns.map(|column| (column.metric.clone(), column.source.clone()));
        Ok(wire::Catalog(entries.collect()))
    }

    /// Lists the columns that selectors mean to a client, which becomes a listener for changes.
    pub(crate) async fn list_columns(
        &self,
        bus: Option<&Connection>,
        client: Option<&str>,
        selectors: &[&str],
    ) -> Result<Arc<Selection>, Error> {
        let selectors = &selectors::distinct(selectors, &self.settings.limits())?;
        self.look_for(bus, selectors).await;
        if let (Some(bus), Some(client)) = (bus, client) {
            self.callers.add_listener(bus, client).await;
        }
        let (selection, _) = self.select(bus, client, selectors, false).await?;
        Ok(selection)
    }

    /// Waits for the turn of a long reply of `List`: one at a time is written and sent.
    pub(crate) async fn turn_of_long_reply(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.long_replies.lock().await
    }

    /// Resolves selectors for a client, each of which must match something: see [`select_as`](Self::select_as).
    pub(crate) async fn select(
        &self,
        bus: Option<&Connection>,
        client: Option<&str>,
        selectors: &[&str],
        lasts: bool,
    ) -> Result<(Arc<Selection>, Option<Permit>), Error> {
        let request = SelectionRequest {
            selectors,
            lasts,
            is_optional: false,
        };
        self.select_as(bus, client, request).await
    }

    /// The selection of selectors that were resolved before, if nothing is left to find out: its metrics are those of the
    /// kernel, and all of them are there.
    pub(crate) fn resolved(
        &self,
        client: Option<&str>,
        request: SelectionRequest<'_>,
    ) -> Option<Arc<Selection>> {
        let known = client.and_then(|client| self.access.known(client));
        let view = known.as_ref().map_or(Visibility::All, Caller::view);
        let (selectors, is_optional) = (request.selectors, request.is_optional);
        let selection = self.store.resolved(selectors, view, is_optional)?;
        let is_plain = !selection.has_custom()
            && !request.may_match_more(&selection)
            && selection.missing().is_empty();
        is_plain.then_some(selection)
    }

    /// Resolves the selectors of a request for a client.
    ///
    /// A client that selects only metrics of the kernel is not identified: that would cost calls to the bus.
    pub(crate) async fn select_as(
        &self,
        bus: Option<&Connection>,
        client: Option<&str>,
        request: SelectionRequest<'_>,
    ) -> Result<(Arc<Selection>, Option<Permit>), Error> {
        let known = client.and_then(|client| self.access.known(client));
        let view = known.as_ref().map_or(Visibility::All, Caller::view);
        let found = self.find(bus, client, request, view).await;
        let may_matter = match &found {
            Ok(selection) => selection.has_custom() || request.may_match_more(selection),
            Err(_) => true,
        };
        let Some(bus) = bus.filter(|_| may_matter && self.store.has_custom()) else {
            return Ok((found?, None));
        };
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
            Visibility::All => self.find(Some(bus), client, request, caller.view()).await,
        };
        Ok((found.map_err(|error| caller.add_grant_hint(error))?, None))
    }

    /// Resolves selectors. If one is unknown, discovers its sources once and tries again: its device or definition
    /// may be new.
    async fn find(
        &self,
        bus: Option<&Connection>,
        client: Option<&str>,
        request: SelectionRequest<'_>,
        view: Visibility,
    ) -> Result<Arc<Selection>, Error> {
        let generation = self.store.generation();
        let found = self.resolver.resolve(client, request, view).await;
        let changes = match &found {
            Ok(selection) if selection.missing().is_empty() => return found,
            // A client may ask for a device that it does not have again and again: only the kernel's lists are compared.
            Ok(selection) => {
                let missing: Vec<_> = selection.missing().iter().map(|id| &**id).collect();
                self.store.rediscover_for(&missing).await
            }
            Err(_) => self.store.rediscover_all_for(request.selectors).await,
        };
        // Another call may have discovered the change.
        if found.is_ok() && self.store.generation() == generation {
            return found;
        }
        self.announce(bus, changes).await;
        self.resolver.resolve(client, request, view).await
    }

    /// Lets sessions resolve their selectors again, and emits `CatalogChanged`.
    pub(crate) async fn announce(&self, bus: Option<&Connection>, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        let limits = self.settings.limits();
        self.sessions.lock().reselect(&self.store, limits);
        let Some(bus) = bus else {
            return;
        };
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
    pub(crate) async fn look_for(&self, bus: Option<&Connection>, selectors: &[&str]) {
        let changes = self.store.rediscover_for(selectors).await;
        self.announce(bus, changes).await;
    }

    /// Makes a client a listener for changes of custom metrics.
    pub(crate) async fn add_listener(&self, bus: &Connection, client: &str) {
        self.callers.add_listener(bus, client).await;
    }
}
