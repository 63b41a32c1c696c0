//! What a call may have, which is asked when it wants what not everybody may have.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use zbus::Connection;

use crate::{
    process::Query,
    service::{error::Error, session::Session, signals, state::State},
    store::{Changes, Selection, View},
};

use super::{Caller, Grant, Grants, Who};

/// What a session of a program in a sandbox needs to be granted. Without it, the session ends.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    who: Arc<Who>,
    needs: Vec<Grant>,
}

/// What a client may know of the sessions of others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sight {
    /// What they are called.
    pub(crate) labels: bool,
    /// Those of their metrics that the user has defined.
    pub(crate) defined: bool,
}

/// What programs in sandboxes are granted, by their ids.
pub(super) type Granted = BTreeMap<String, Grants>;

impl Caller {
    pub(super) fn new(who: Arc<Who>, granted: &Granted) -> Self {
        let grants = match &*who {
            Who::Host => Grants::EVERYTHING,
            Who::Sandboxed(app) => granted.get(&**app).copied().unwrap_or_default(),
            Who::Unknown(_) => Grants::default(),
        };
        Self { who, grants }
    }

    fn without_sender() -> Self {
        let who = Who::Unknown("the call has no sender".to_owned());
        Self::new(Arc::new(who), &Granted::new())
    }

    /// What a session of it needs that goes on as long as it has these grants.
    pub(crate) fn permit(&self, needs: impl IntoIterator<Item = Grant>) -> Option<Permit> {
        let needs = needs.into_iter().collect();
        let who = self.who.clone();
        self.is_sandboxed().then_some(Permit { who, needs })
    }

    /// Takes what it may not see out of a usual choice of fields; refuses a query that is about it otherwise, for a
    /// filter and an order show it too.
    ///
    /// # Errors
    /// `AccessDenied`, which names the field.
    pub(crate) fn restrict(
        &self,
        member: &str,
        query: &mut Query,
        is_usual: bool,
    ) -> Result<(), Error> {
        if self.may(Grant::CommandLines) {
            return Ok(());
        }
        if is_usual {
            query.fields.retain(|field| !field.has_arguments());
        }
        match query.all_fields().find(|field| field.has_arguments()) {
            None => Ok(()),
            Some(field) => {
                let what = format!("{member}, field {field}");
                self.check(&what, Grant::CommandLines)
            }
        }
    }

    fn view(&self) -> View {
        match self.may(Grant::Custom) {
            true => View::All,
            false => View::WithoutDefined,
        }
    }
}

impl State {
    /// Who has a unique name, and what it may do now.
    pub(crate) async fn caller(&self, bus: &Connection, name: &str) -> Caller {
        self.with_grants(self.callers.ask(bus, name).await)
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
        let known = client.and_then(|client| self.callers.known(client));
        let known = known.map(|who| self.with_grants(who));
        let view = known.as_ref().map_or(View::All, Caller::view);
        let found = self.find(bus, client, selectors, view).await;
        let may_matter = match &found {
            Ok(selection) => selection.has_defined() || lasts && !Selection::is_fixed(selectors),
            Err(_) => true,
        };
        if !may_matter || !self.store.has_defined() {
            return Ok((found?, None));
        }
        let caller = match (known, client) {
            (Some(known), _) => known,
            (None, Some(client)) => self.caller(bus, client).await,
            (None, None) => Caller::without_sender(),
        };
        if caller.may(Grant::Custom) {
            return Ok((found?, caller.permit([Grant::Custom])));
        }
        let found = match view {
            View::WithoutDefined => found,
            View::All => self.find(bus, client, selectors, caller.view()).await,
        };
        Ok((found.map_err(|error| caller.explain(error))?, None))
    }

    /// Whether a client may know what the user has defined.
    pub(crate) async fn shows_defined(&self, bus: &Connection, client: &str) -> bool {
        self.caller(bus, client).await.may(Grant::Custom)
    }

    /// What a client may know of the sessions of others.
    pub(crate) async fn sight_of_others(
        &self,
        bus: &Connection,
        client: &str,
    ) -> Result<Sight, Error> {
        if !self
            .lock()
            .iter()
            .any(|(_, session)| *session.owner != *client)
        {
            return Ok(Sight::default());
        }
        let caller = self.caller(bus, client).await;
        Ok(Sight {
            labels: !caller.is_sandboxed(),
            defined: caller.may(Grant::Custom),
        })
    }

    /// Whether a session may go on, or begin.
    pub(crate) fn is_permitted(&self, permit: Option<&Permit>) -> bool {
        permit.is_none_or(|permit| {
            let caller = self.with_grants(permit.who.clone());
            permit.needs.iter().all(|&need| caller.may(need))
        })
    }

    /// Ends the sessions whose owners are not granted any more what these need.
    pub(crate) async fn end_what_is_withdrawn(&self, bus: &Connection) {
        let is_over = |session: &Session| !self.is_permitted(session.permit.as_ref());
        let notices = self.lock().end_those("denied", is_over);
        if !notices.is_empty() {
            self.rearrange();
            signals::send(bus, notices).await;
        }
    }

    /// Tells those who may know of it what the user has defined anew. A broadcast would reach sandboxes.
    pub(crate) fn tell_of_defined(&self, bus: &Connection, changes: Changes) {
        let granted = self.settings().sandbox;
        self.tellers
            .tell(bus, self.callers.clone(), granted, changes);
    }

    fn with_grants(&self, who: Arc<Who>) -> Caller {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        Caller::new(who, &settings.sandbox)
    }
}
