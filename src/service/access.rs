//! Access: identifies callers and looks up their grants in the current settings.

use std::sync::Arc;

use zbus::Connection;

use super::{
    caller::{Caller, Callers, Permit},
    settings::CurrentSettings,
};

/// The identities of callers, and the settings with their grants.
pub(crate) struct Access {
    callers: Arc<Callers>,
    settings: Arc<CurrentSettings>,
}

impl Access {
    pub(crate) fn new(callers: Arc<Callers>, settings: Arc<CurrentSettings>) -> Self {
        Self { callers, settings }
    }

    /// The owner of a unique name as a caller, with the grants that it has now.
    pub(crate) async fn caller(&self, bus: &Connection, name: &str) -> Caller {
        let identity = self.callers.identify(bus, name).await;
        self.settings
            .with_granted(|granted| Caller::new(identity, granted))
    }

    /// The same from the cache, without a call to the bus.
    pub(crate) fn known(&self, name: &str) -> Option<Caller> {
        let identity = self.callers.known(name)?;
        Some(
            self.settings
                .with_granted(|granted| Caller::new(identity, granted)),
        )
    }

    /// Whether a session with this permit may begin or go on.
    pub(crate) fn is_permitted(&self, permit: Option<&Permit>) -> bool {
        permit.is_none_or(|permit| self.settings.with_granted(|granted| permit.holds(granted)))
    }
}
