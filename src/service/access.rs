//! Access: who calls, and what the settings grant it now.

use std::sync::Arc;

use zbus::Connection;

use super::{
    caller::{Caller, Callers, Permit},
    settings::CurrentSettings,
};

/// The callers, and what they are granted.
pub(crate) struct Access {
    callers: Arc<Callers>,
    settings: Arc<CurrentSettings>,
}

impl Access {
    pub(crate) fn new(callers: Arc<Callers>, settings: Arc<CurrentSettings>) -> Self {
        Self { callers, settings }
    }

    /// Who has a unique name, and what it may do now.
    pub(crate) async fn caller(&self, bus: &Connection, name: &str) -> Caller {
        let identity = self.callers.identify(bus, name).await;
        self.settings
            .with_granted(|granted| Caller::new(identity, granted))
    }

    /// The same, if it was asked before.
    pub(crate) fn known(&self, name: &str) -> Option<Caller> {
        let identity = self.callers.known(name)?;
        Some(
            self.settings
                .with_granted(|granted| Caller::new(identity, granted)),
        )
    }

    /// Whether a session may go on, or begin.
    pub(crate) fn is_permitted(&self, permit: Option<&Permit>) -> bool {
        permit.is_none_or(|permit| self.settings.with_granted(|granted| permit.holds(granted)))
    }
}
