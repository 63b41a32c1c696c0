//! `Start`, `Watch`, `Stop`, `Sessions` and `Quit`.

mod describe;
mod watch;

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use zbus::{Connection, Type, object_server::ResponseDispatchNotifier};

use super::{
    access::Access,
    admission::Admission,
    caller::{Grant, Permit},
    catalog::{Catalog, SelectionRequest},
    client::{Name, watch::Watches},
    error::Error,
    options::StartOptions,
    past::PastReadings,
    selectors,
    session::{Metrics, Session, SharedSessions, Stream, Subject, past_bytes},
    settings::CurrentSettings,
    shutdown::Shutdown,
    signals,
};
use crate::{store::Selection, wire::Ids};

/// The approximate memory of a session that is its owner's only one: most of it is the watch of the owner.
const SESSION_BYTES: usize = 32 * 1024;

/// A request for a session.
pub(crate) struct SessionRequest {
    pub(crate) interval: Duration,
    pub(crate) options: StartOptions,
    pub(crate) subject: Subject,
    pub(crate) permit: Option<Permit>,
    /// The pipe of a stream.
    pub(crate) stream: Option<Stream>,
}

/// The metrics of a session.
pub(super) struct Selected<'a> {
    /// The selectors, each once.
    pub(super) selectors: Vec<&'a str>,
    pub(super) selection: Arc<Selection>,
    /// The grants that the session needs.
    pub(super) permit: Option<Permit>,
}

/// The parts of other clients' sessions that a client may see.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visibility {
    /// Their labels.
    pub(crate) labels: bool,
    /// The ids of their custom metrics.
    pub(crate) defined: bool,
}

/// Begins and ends sessions for clients.
pub(crate) struct Control {
    pub(super) admission: Arc<Admission>,
    pub(super) access: Arc<Access>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) watches: Arc<Watches>,
    pub(super) sessions: Arc<SharedSessions>,
    pub(super) past: Arc<PastReadings>,
    pub(super) settings: Arc<CurrentSettings>,
    pub(super) shutdown: Arc<Shutdown>,
}

impl Control {
    /// Adds a session of metrics. It sends no frame before [`reply`](Self::reply).
    pub(crate) async fn start(
        &self,
        bus: &Connection,
        caller: &str,
        selectors: &[&str],
        interval: Duration,
        options: StartOptions,
    ) -> Result<(u32, Ids), Error> {
        let is_optional = options.is_optional;
        let selected = self
            .select(Some((bus, caller)), selectors, is_optional)
            .await?;
        let Selected {
            selectors,
            selection,
            permit,
        } = selected;
        let ids = selection
            .columns
            .iter()
            .map(|column| column.metric.id.clone());
        let ids = Ids(ids.collect());
        if !options.history.is_zero() {
            // The signals of the past count as the reply does: a client must not have the bus keep any number of them.
            let past = self.past.of_session(&selection, options.history);
            self.admission.count_signals(caller, past_bytes(&past));
        }
        let subject = Subject::Metrics(Metrics::new(&selectors, selection));
        let session = SessionRequest {
            interval,
            options,
            subject,
            permit,
            stream: None,
        };
        Ok((self.add(bus, caller, session).await?, ids))
    }

    /// Selects the metrics of a session, new devices included. A client on the bus becomes a listener for changes.
    pub(super) async fn select<'a>(
        &self,
        client: Option<(&Connection, &str)>,
        selectors: &[&'a str],
        is_optional: bool,
    ) -> Result<Selected<'a>, Error> {
        let selectors = selectors::distinct(selectors, &self.settings.limits())?;
        let (bus, name) = client.unzip();
        self.catalog.look_for(bus, &selectors).await;
        if let Some((bus, name)) = client {
            self.catalog.add_listener(bus, name).await;
        }
        let request = SelectionRequest {
            selectors: &selectors,
            lasts: true,
            is_optional,
        };
        let (selection, permit) = self.catalog.select_as(bus, name, request).await?;
        Ok(Selected {
            selectors,
            selection,
            permit,
        })
    }

    /// Adds a session. It sends no frame before [`reply`](Self::reply).
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
            stream,
        } = request;
        let watch = if options.detached {
            self.access
                .caller(bus, caller)
                .await
                .check_is_host("a detached session")?;
            None
        } else {
            // A failed request means that the bus is gone, which ends the service.
            let watch = self.watches.watch(bus, &owner).await.ok().flatten();
            Some(watch.ok_or_else(|| Error::client_has_left(&owner))?)
        };
        // The shutdown may have begun during the requests to the bus.
        self.shutdown.check_accepts_sessions()?;
        // The grant may have been withdrawn meanwhile, too.
        if !self.access.is_permitted(permit.as_ref()) {
            let message = "the configuration no longer has the grants of the session";
            return Err(Error::access_denied(message.to_owned()));
        }
        let mut session = Session::new(owner, options.label, interval, subject, watch);
        session.permit = permit;
        session.history = options.history;
        if stream.is_some() {
            session.subject.keep_every(None);
        }
        session.stream = stream;
        let limits = self.settings.limits();
        self.admission.count_bytes(SESSION_BYTES);
        self.sessions.lock().add(session, limits)
    }

    /// The reply to `Start`. The first frame follows when zbus has sent it.
    pub(crate) fn reply<T>(
        &self,
        session: u32,
        columns: T,
    ) -> Result<(u32, ResponseDispatchNotifier<T>), Error>
    where
        T: Serialize + Type,
    {
        Ok((session, self.begin_after(session, columns)))
    }

    /// Begins a session when zbus has sent its reply.
    fn begin_after<T: Serialize + Type>(
        &self,
        session: u32,
        reply: T,
    ) -> ResponseDispatchNotifier<T> {
        let (reply, replied) = ResponseDispatchNotifier::new(reply);
        let sessions = self.sessions.clone();
        tokio::spawn(async move {
            replied.await;
            sessions.lock().begin(session);
            sessions.changed.notify_one();
        });
        reply
    }

    /// Ends a session for a client.
    ///
    /// # Errors
    /// When there is no such session, or the client may not end it.
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
        signals::send(&self.admission, notices).await;
        Ok(())
    }

    /// Determines which parts of other clients' sessions a client may see.
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

    /// Stops the service.
    ///
    /// # Errors
    /// `Busy` if other clients have sessions; `AccessDenied` for a client in a sandbox.
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
