//! What clients do with sessions: begin, look at and end them.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use zbus::{Connection, Type, object_server::ResponseDispatchNotifier};

use super::{
    access::Access,
    admission::Admission,
    caller::{Grant, Permit},
    catalog::Catalog,
    client::{Name, watch::Watches},
    error::Error,
    options::StartOptions,
    selectors,
    session::{Metrics, Session, SharedSessions, Subject},
    settings::CurrentSettings,
    shutdown::Shutdown,
    signals,
};
use crate::wire::Ids;

/// What a session takes, about, where it is its owner's only one: most of it is for the watch of the owner.
const SESSION_BYTES: usize = 32 * 1024;

/// A session that is asked for.
pub(crate) struct SessionRequest {
    pub(crate) interval: Duration,
    pub(crate) options: StartOptions,
    pub(crate) subject: Subject,
    pub(crate) permit: Option<Permit>,
}

/// What a client may know of the sessions of others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visibility {
    /// What they are called.
    pub(crate) labels: bool,
    /// Those of their metrics that the user has defined.
    pub(crate) defined: bool,
}

/// What it takes to begin and to end sessions.
pub(crate) struct Control {
    pub(super) admission: Arc<Admission>,
    pub(super) access: Arc<Access>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) watches: Arc<Watches>,
    pub(super) sessions: Arc<SharedSessions>,
    pub(super) settings: Arc<CurrentSettings>,
    pub(super) shutdown: Arc<Shutdown>,
}

impl Control {
    /// Adds a session of metrics that waits for [`reply`](Self::reply).
    pub(crate) async fn start(
        &self,
        bus: &Connection,
        caller: &str,
        selectors: &[&str],
        interval: Duration,
        options: StartOptions,
    ) -> Result<(u32, Ids), Error> {
        let selectors = &selectors::distinct(selectors, &self.settings.limits())?;
        self.catalog.look_for(bus, selectors).await;
        self.catalog.add_listener(bus, caller).await;
        let (selection, permit) = self
            .catalog
            .select(bus, Some(caller), selectors, true)
            .await?;
        let ids = selection
            .columns
            .iter()
            .map(|column| column.metric.id.clone());
        let ids = Ids(ids.collect());
        let subject = Subject::Metrics(Metrics::new(selectors, selection));
        let session = SessionRequest {
            interval,
            options,
            subject,
            permit,
        };
        Ok((self.add(bus, caller, session).await?, ids))
    }

    /// Adds a session that waits for [`reply`](Self::reply).
    pub(crate) async fn add(
        &self,
        bus: &Connection,
        caller: &str,
        request: SessionRequest,
    ) -> Result<u32, Error> {
        let owner: Name = caller.into();
        let SessionRequest {
            interval,
            options,
            subject,
            permit,
        } = request;
        let watch = if options.detached {
            self.access
                .caller(bus, caller)
                .await
                .check_is_host("a detached session")?;
            None
        } else {
            // A bus that does not answer is a bus that has gone, and the service goes with it.
            let watch = self.watches.watch(bus, &owner).await.ok().flatten();
            Some(watch.ok_or_else(|| Error::client_has_left(&owner))?)
        };
        // The service may have made up its mind to leave while the bus was asked.
        self.shutdown.check_accepts_sessions()?;
        // So may what was granted have been withdrawn.
        if !self.access.is_permitted(permit.as_ref()) {
            let what = "what the session needs is not granted any more";
            return Err(Error::access_denied(what.to_owned()));
        }
        let mut session = Session::new(owner, options.label, interval, subject, watch);
        session.permit = permit;
        let limits = self.settings.limits();
        // So much a session takes, about, for as long as it runs.
        self.admission.count_bytes(SESSION_BYTES);
        self.sessions.lock().add(session, limits)
    }

    /// The reply to `Start`. Once it is on its way, and not before, the frames of the session follow.
    pub(crate) fn reply<T>(
        &self,
        session: u32,
        columns: T,
    ) -> Result<(u32, ResponseDispatchNotifier<T>), Error>
    where
        T: Serialize + Type,
    {
        let (columns, replied) = ResponseDispatchNotifier::new(columns);
        let sessions = self.sessions.clone();
        tokio::spawn(async move {
            replied.await;
            sessions.lock().begin(session);
            sessions.changed.notify_one();
        });
        Ok((session, columns))
    }

    /// Ends a session at the request of a client.
    ///
    /// # Errors
    /// When it is not the client's to end.
    pub(crate) async fn stop(
        &self,
        bus: &Connection,
        caller: &str,
        session: u32,
    ) -> Result<(), Error> {
        if self.sessions.lock().is_of_another_client(session, caller) {
            let caller = self.access.caller(bus, caller).await;
            caller.check_is_host(&format!(
                "Stop of session {session}, which is another client's"
            ))?;
        }
        let notices = self.sessions.lock().stop(session, caller)?;
        self.sessions.notify_changed();
        signals::send(bus, notices).await;
        Ok(())
    }

    /// What a client may know of the sessions of others.
    pub(crate) async fn visibility_of_others(
        &self,
        bus: &Connection,
        client: &str,
    ) -> Result<Visibility, Error> {
        let is_of_another = |(_, session): (u32, &Session)| *session.owner != *client;
        if !self.sessions.lock().iter().any(is_of_another) {
            return Ok(Visibility::default());
        }
        let caller = self.access.caller(bus, client).await;
        Ok(Visibility {
            labels: !caller.is_sandboxed(),
            defined: caller.may(Grant::Custom),
        })
    }

    /// Has the service leave.
    ///
    /// # Errors
    /// `Busy`, where other clients have sessions; `AccessDenied` in a sandbox.
    pub(crate) async fn quit(&self, bus: &Connection, caller: &str) -> Result<(), Error> {
        self.access
            .caller(bus, caller)
            .await
            .check_is_host("Quit")?;
        match self.sessions.lock().count_of_others(caller) {
            0 => {
                self.shutdown.quit.notify_one();
                Ok(())
            }
            others => Err(Error::busy(others)),
        }
    }
}
