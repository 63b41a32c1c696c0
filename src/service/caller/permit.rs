//! The grants of a caller, and the grants that a session needs.

use std::{collections::BTreeMap, sync::Arc};

use super::{Caller, Grant, Grants, Identity};
use crate::{process::Query, service::error::Error, store::Visibility};

/// The grants that a session of a program in a sandbox needs. The session ends when one is withdrawn.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    identity: Arc<Identity>,
    needs: Vec<Grant>,
}

/// The grants of programs in sandboxes by app id.
pub(crate) type GrantsByApp = BTreeMap<String, Grants>;

impl Permit {
    /// Whether all needed grants are given.
    pub(crate) fn holds(&self, granted: &GrantsByApp) -> bool {
        let caller = Caller::new(self.identity.clone(), granted);
        self.needs.iter().all(|&need| caller.may(need))
    }
}

impl Caller {
    /// A caller with the grants that it has now.
    pub(crate) fn new(identity: Arc<Identity>, granted: &GrantsByApp) -> Self {
        let grants = match &*identity {
            Identity::Host => Grants::EVERYTHING,
            Identity::Sandboxed(app) => granted.get(&**app).copied().unwrap_or_default(),
            Identity::Unknown(_) => Grants::default(),
        };
        Self { identity, grants }
    }

    /// The caller of a message without a sender.
    pub(crate) fn without_sender() -> Self {
        let identity = Identity::Unknown("the call has no sender".to_owned());
        Self::new(Arc::new(identity), &GrantsByApp::new())
    }

    /// The permit of a session that needs these grants; `None` outside a sandbox.
    pub(crate) fn permit(&self, needs: impl IntoIterator<Item = Grant>) -> Option<Permit> {
        let needs = needs.into_iter().collect();
        let identity = self.identity.clone();
        self.is_sandboxed().then_some(Permit { identity, needs })
    }

    /// Removes fields with command lines from the default fields if the caller may not see these. Refuses a query that
    /// names such a field: a filter and an order reveal its values, too.
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

    /// The view of the metrics that the caller may see.
    pub(crate) fn view(&self) -> Visibility {
        match self.may(Grant::Custom) {
            true => Visibility::All,
            false => Visibility::BuiltIn,
        }
    }
}
