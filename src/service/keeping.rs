//! The metrics that the configuration has kept always: a session of the service itself, which sends nothing.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::warn;
use zbus::Connection;

use super::{
    catalog::{Catalog, SelectionRequest},
    error::Error,
    selectors,
    session::{Metrics, Session, SharedSessions, Subject},
    settings::CurrentSettings,
};

/// The label of the session.
const LABEL: &str = "history.keep of the configuration";

/// Keeps the metrics of the configuration.
pub(crate) struct Keeping {
    catalog: Arc<Catalog>,
    sessions: Arc<SharedSessions>,
    settings: Arc<CurrentSettings>,
    /// The selectors and the interval of the session.
    kept: Mutex<(Vec<String>, Duration)>,
}

impl Keeping {
    pub(crate) fn new(
        catalog: Arc<Catalog>,
        sessions: Arc<SharedSessions>,
        settings: Arc<CurrentSettings>,
    ) -> Self {
        Self {
            catalog,
            sessions,
            settings,
            kept: Mutex::default(),
        }
    }

    /// Begins, replaces or ends the session, if the configuration has changed.
    pub(crate) async fn update(&self, bus: &Connection) {
        let (selectors, interval) = {
            let mut kept = self.lock();
            let is_same = self.settings.with_history(|history| {
                let is_same = history.keep == kept.0
                    && (history.keep.is_empty() || history.interval == kept.1);
                if !is_same {
                    *kept = (history.keep.clone(), history.interval);
                }
                is_same
            });
            if is_same {
                return;
            }
            kept.clone()
        };
        let selectors: Vec<_> = selectors.iter().map(String::as_str).collect();
        let begun = match &selectors[..] {
            [] => Ok(None),
            selectors => self.session(bus, selectors, interval).await.map(Some),
        };
        let limits = self.settings.limits();
        let mut sessions = self.sessions.lock();
        // It has no receivers, so there are no notices.
        sessions.end_where("stopped", |session| session.is_of_service);
        let begun = begun.and_then(|session| {
            if let Some(session) = session {
                let id = sessions.add(session, limits)?;
                sessions.begin(id);
            }
            Ok(())
        });
        drop(sessions);
        if let Err(error) = begun {
            warn!("history.keep: {error}");
        }
        self.sessions.notify_changed();
    }

    async fn session(
        &self,
        bus: &Connection,
        selectors: &[&str],
        interval: Duration,
    ) -> Result<Session, Error> {
        let selectors = &selectors::distinct(selectors, &self.settings.limits())?;
        // The unique name of the service.
        let own = bus.unique_name().map(|name| name.as_str());
        let request = SelectionRequest {
            selectors,
            lasts: true,
            is_optional: true,
        };
        let (selection, _) = self.catalog.select_as(Some(bus), own, request).await?;
        for missing in selection.missing() {
            warn!("history.keep: {missing}: it matches no metric now");
        }
        let subject = Subject::Metrics(Metrics::new(selectors, selection));
        let owner = own.unwrap_or_default().into();
        let session = Session::new(owner, LABEL.to_owned(), interval, subject, None);
        Ok(session.of_service())
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<String>, Duration)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
