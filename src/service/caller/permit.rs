//! What a caller may have, and what a session needs to go on.

use std::{collections::BTreeMap, sync::Arc};

use super::{Caller, Grant, Grants, Identity};
use crate::{process::Query, service::error::Error, store::Visibility};

/// What a session of a program in a sandbox needs to be granted. Without it, the session ends.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    identity: Arc<Identity>,
    needs: Vec<Grant>,
}

/// What programs in sandboxes are granted, by their ids.
pub(crate) type GrantsByApp = BTreeMap<String, Grants>;

impl Permit {
    /// Whether what it needs is granted.
    pub(crate) fn holds(&self, granted: &GrantsByApp) -> bool {
        let caller = Caller::new(self.identity.clone(), granted);
        self.needs.iter().all(|&need| caller.may(need))
    }
}

impl Caller {
    /// A caller with what is granted to it now.
    pub(crate) fn new(identity: Arc<Identity>, granted: &GrantsByApp) -> Self {
        let grants = match &*identity {
            Identity::Host => Grants::EVERYTHING,
            Identity::Sandboxed(app) => granted.get(&**app).copied().unwrap_or_default(),
            Identity::Unknown(_) => Grants::default(),
        };
        Self { identity, grants }
    }

    /// Who has made a call without a sender.
    pub(crate) fn without_sender() -> Self {
        let identity = Identity::Unknown("the call has no sender".to_owned());
        Self::new(Arc::new(identity), &GrantsByApp::new())
    }

    /// What a session of it needs that goes on as long as it has these grants.
    pub(crate) fn permit(&self, needs: impl IntoIterator<Item = Grant>) -> Option<Permit> {
        let needs = needs.into_iter().collect();
        let identity = self.identity.clone();
        self.is_sandboxed().then_some(Permit { identity, needs })
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

    /// The metrics that it may know of.
    pub(crate) fn view(&self) -> Visibility {
        match self.may(Grant::Custom) {
            true => Visibility::All,
            false => Visibility::BuiltIn,
        }
    }
}
